"""What Feast's users ask of an offline store, through `FeatureStore`, on a local folder
and on S3.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shared_stack import SharedStack

from pitwall.errors import StoreError
from pitwall.stores.offline.files import place

pytestmark = pytest.mark.filterwarnings("ignore")
CAR_KEY, LAP_KEY = "car", "lap"


def at(second: float) -> Any:
    return pd.Timestamp("2026-01-01T10:00:00Z") + pd.Timedelta(seconds=second)


@pytest.fixture(scope="module")
def s3(shared_stack: SharedStack) -> Iterator[str]:
    """A bucket of the shared stack."""
    from pitwall.stores.s3 import s3_environment

    settings = shared_stack.start("s3")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_environment(settings, "flink").items():
            patch.setenv(name, value)
        yield "s3://offline/contract"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("local", marks=pytest.mark.xdist_group("feast")),
        pytest.param(
            "s3", marks=[pytest.mark.integration, pytest.mark.xdist_group("shared-stack")]
        ),
    ],
)
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return (
        str(request.getfixturevalue("s3"))
        if request.param == "s3"
        else str(tmp_path_factory.mktemp("offline"))
    )


@pytest.fixture(scope="module")
def store(root: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Views: `laps` (car and lap, TTL 10 s, every type, one column renamed), `weather` (car alone),
    `track` (no key), `pushed` (empty).
    """
    from feast import (
        Entity,
        FeatureService,
        FeatureStore,
        FeatureView,
        Field,
        FileSource,
        RepoConfig,
        RequestSource,
        ValueType,
    )
    from feast.on_demand_feature_view import on_demand_feature_view
    from feast.types import Array, Bool, Float64, Int64, String, UnixTimestamp

    base = tmp_path_factory.mktemp("repo")
    found = FeatureStore(
        config=RepoConfig(
            project="offline",
            registry=str(base / "registry.db"),
            provider="local",
            offline_store={"type": "pitwall.stores.offline.store.ParquetOfflineStore"},
            online_store={"type": "sqlite", "path": str(base / "online.db")},
            entity_key_serialization_version=3,
        )
    )

    def source(name: str, **more: Any) -> Any:
        return FileSource(
            name=name,
            path=f"{root}/{name}",
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
            **more,
        )

    car = Entity(name="car", join_keys=["car"], value_type=ValueType.STRING)
    lap = Entity(name="lap", join_keys=["lap"], value_type=ValueType.INT64)
    kinds = {
        "car": String,
        "lap": Int64,
        "speed": Float64,
        "gear": Int64,
        "flag": Bool,
        "driver": String,
        "best_at": UnixTimestamp,
        "sectors": Array(Float64),
    }
    laps = FeatureView(
        name="laps",
        entities=[car, lap],
        ttl=timedelta(seconds=10),
        schema=[Field(name=n, dtype=k) for n, k in kinds.items()],
        source=source("laps", field_mapping={"v_kph": "speed"}),
    )
    weather = FeatureView(
        name="weather",
        entities=[car],
        ttl=None,
        schema=[Field(name="car", dtype=String), Field(name="rain", dtype=Float64)],
        source=source("weather"),
    )
    track = FeatureView(
        name="track",
        entities=[],
        ttl=None,
        schema=[Field(name="grip", dtype=Float64)],
        source=source("track"),
    )
    pushed = FeatureView(
        name="pushed",
        entities=[car],
        ttl=None,
        source=source("pushed"),
        schema=[Field(name="car", dtype=String), Field(name="fuel", dtype=Float64)],
    )

    @on_demand_feature_view(
        sources=[laps, RequestSource(name="asked", schema=[Field(name="factor", dtype=Float64)])],
        schema=[Field(name="speed_scaled", dtype=Float64)],
    )
    def scaled(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"speed_scaled": inputs["speed"] * inputs["factor"]})

    service = FeatureService(name="all", features=[laps[["speed", "gear"]], weather, track, scaled])
    found.apply([car, lap, laps, weather, track, pushed, scaled, service])
    write(
        f"{root}/laps",
        "a",
        {
            "car": ["a", "a", "b"],
            "lap": [1, 1, 1],
            "event_timestamp": [at(0), at(5), at(0)],
            "created_timestamp": [at(0), at(5), at(0)],
            "v_kph": [100.0, None, 300.0],
            "gear": [1, 2, 3],
            "flag": [True, None, False],
            "driver": ["x", "", None],
            "best_at": [at(1), None, at(2)],
            "sectors": [[1.5, None], [], None],
        },
    )
    write(
        f"{root}/laps",
        "event_date=2026-01-02/b",
        {
            "car": ["a"],
            "lap": [1],
            "event_timestamp": [at(0)],
            "created_timestamp": [at(1)],
            "v_kph": [101.0],
            "gear": [1],
        },
    )
    write(
        f"{root}/weather",
        "a",
        {
            "car": ["a", "a"],
            "event_timestamp": [at(-5000), at(2)],
            "created_timestamp": [at(-5000), at(8)],
            "rain": [0.25, 0.75],
        },
    )
    write(
        f"{root}/track",
        "a",
        {"event_timestamp": [at(1)], "created_timestamp": [at(1)], "grip": [0.5]},
    )
    return found


def write(folder: str, name: str, columns: dict[str, list[Any]]) -> None:
    times = {
        n: pa.array(c, pa.timestamp("us", "UTC"))
        for n, c in columns.items()
        if n.endswith(("_timestamp", "_at"))
    }
    place(folder).write(f"{name}.parquet", pa.table({**columns, **times}))


def entity(*rows: tuple[Any, Any, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [(car, lap, at(t), 2.0) for car, lap, t in rows],
        columns=["car", "lap", "event_timestamp", "factor"],
    )


def test_views_of_different_keys_a_service_and_on_demand_features_in_one_join(store: Any) -> None:
    asked = entity(("b", 1, 3), ("a", 1, 0.5), ("a", 1, 4), ("a", 1, 9), ("a", 2, 4), ("a", 1, 99))
    found = store.get_historical_features(asked, store.get_feature_service("all")).to_arrow()
    assert found.select(["car", "lap", "factor"]).to_pydict() == asked.drop(
        columns="event_timestamp"
    ).to_dict("list")
    assert found["speed"].to_pylist() == [300.0, 100.0, 101.0, None, None, None]
    assert found["gear"].to_pylist() == [3, 1, 1, 2, None, None]
    assert found["rain"].to_pylist() == [None, 0.25, 0.25, 0.75, 0.25, 0.75]
    assert found["grip"].to_pylist() == [0.5, None, 0.5, 0.5, 0.5, 0.5]
    assert found["speed_scaled"].to_pylist() == [600.0, 200.0, 202.0, None, None, None]


def test_every_type_comes_back_as_it_was_written_and_null_stays_null(store: Any) -> None:
    refs = ["laps:speed", "laps:flag", "laps:driver", "laps:best_at", "laps:sectors"]
    job = store.get_historical_features(entity(("a", 1, 0.5), ("a", 1, 6), ("b", 1, 1)), refs)
    found = job.to_arrow()
    assert found.select([ref.split(":")[1] for ref in refs]).to_pydict() == {
        "speed": [100.0, None, 300.0],
        "flag": [True, None, False],
        "driver": ["x", "", None],
        "best_at": [at(1), None, at(2)],
        "sectors": [[1.5, None], [], None],
    }
    assert job.to_polars().equals(pl.DataFrame(pl.from_arrow(found)))
    assert job.to_df()["driver"].tolist() == ["x", "", None]


def test_full_names_let_views_share_a_feature_s_name_with_an_entity_column(store: Any) -> None:
    asked = entity(("a", 1, 4)).rename(columns={"factor": "speed"})
    found = store.get_historical_features(
        asked, ["laps:speed", "weather:rain"], full_feature_names=True
    ).to_arrow()
    assert found.column_names[-2:] == ["laps__speed", "weather__rain"]
    with pytest.raises(StoreError, match="already have a column 'speed'"):
        store.get_historical_features(asked, ["laps:speed"]).to_df()


def test_entity_rows_as_sql_and_as_a_range_of_dates(store: Any) -> None:
    sql = (
        "SELECT 'a' AS car, 1::BIGINT AS lap, TIMESTAMPTZ '2026-01-01 10:00:04Z' AS event_timestamp"
    )
    assert store.get_historical_features(sql, ["laps:speed"]).to_arrow()["speed"].to_pylist() == [
        101.0
    ]
    with pytest.raises(StoreError, match="cannot be run by DuckDB"):
        store.get_historical_features("SELECT nonsense", ["laps:speed"]).to_df()
    whole = store.get_historical_features(
        features=["laps:gear"], start_date=at(-1), end_date=at(60)
    ).to_arrow()
    assert whole.select(["car", "lap", "gear"]).to_pydict() == {
        "car": ["a", "b", "a"],
        "lap": [1, 1, 1],
        "gear": [1, 3, 2],
    }
    none = store.get_historical_features(
        features=["laps:gear"], start_date=at(500), end_date=at(600)
    ).to_arrow()
    assert none.num_rows == 0


def test_instants_as_text_without_a_zone_and_in_another_zone(store: Any) -> None:
    asked = pd.DataFrame(
        {
            "car": ["a"] * 2,
            "lap": [1] * 2,
            "event_timestamp": ["2026-01-01 10:00:04", "2026-01-01T12:00:04+02:00"],
        }
    )
    assert (
        store.get_historical_features(asked, ["laps:speed"]).to_df()["speed"].tolist()
        == [101.0] * 2
    )
    asked["event_timestamp"] = ["noon", "later"]
    with pytest.raises(StoreError, match="'event_timestamp' of the entity rows is not a time"):
        store.get_historical_features(asked, ["laps:speed"])


def test_as_known_at_is_the_default_with_an_opt_out(store: Any) -> None:
    asked = entity(("a", 1, 4))
    assert store.get_historical_features(asked, ["weather:rain"]).to_df()["rain"].tolist() == [0.25]
    store.config.offline_store.as_known_at = False
    try:
        assert store.get_historical_features(asked, ["weather:rain"]).to_df()["rain"].tolist() == [
            0.75
        ]
        strict = store.get_historical_features(
            asked, ["weather:rain"], filter_by_created_timestamp=True
        )
        assert strict.to_df()["rain"].tolist() == [0.25]
    finally:
        store.config.offline_store.as_known_at = True


def test_a_saved_dataset_is_written_once_and_read_back(store: Any, root: str) -> None:
    from feast.errors import SavedDatasetLocationAlreadyExists
    from feast.infra.offline_stores.file_source import SavedDatasetFileStorage

    job = store.get_historical_features(
        entity(("a", 1, 4), ("b", 1, 3)), ["laps:speed", "laps:gear"]
    )
    storage = SavedDatasetFileStorage(f"{root}/saved/training.parquet")
    store.create_saved_dataset(job, "training", storage)
    back = store.get_saved_dataset("training").to_df()
    assert sorted(back["speed"]) == [101.0, 300.0]
    with pytest.raises(SavedDatasetLocationAlreadyExists):
        job.persist(storage)
    job.persist(storage, allow_overwrite=True)


def test_materialize_reads_the_newest_row_of_each_entity(store: Any) -> None:
    store.materialize(at(-10), at(60), feature_views=["laps"])
    found = store.get_online_features(
        ["laps:speed", "laps:gear"], [{"car": "a", "lap": 1}, {"car": "b", "lap": 1}]
    ).to_dict()
    assert (found["speed"], found["gear"]) == ([None, 300.0], [2, 3])
    provider, view = store._get_provider(), store.get_feature_view("weather")
    every = provider.offline_store.pull_all_from_table_or_query(
        store.config,
        view.batch_source,
        ["car"],
        ["rain"],
        "event_timestamp",
        "created_timestamp",
        at(-5000),
        at(1),
    )
    assert every.to_arrow()["rain"].to_pylist() == [0.25]


def test_rows_are_added_to_an_empty_source_and_to_a_full_one(store: Any, root: str) -> None:
    rows = pd.DataFrame(
        {
            "car": ["a", "a"],
            "event_timestamp": [at(0), at(86_400)],
            "created_timestamp": [at(0), at(86_400)],
            "fuel": [9.0, 8.0],
        }
    )
    store.write_to_offline_store("pushed", rows)
    store.write_to_offline_store(
        "pushed", rows.assign(fuel=[7.0, 6.0], created_timestamp=at(90_000))
    )
    files = [info.path.split("/")[-2] for info in place(f"{root}/pushed").files()]
    assert files == ["event_date=2026-01-01"] * 2 + ["event_date=2026-01-02"] * 2
    asked = pd.DataFrame({"car": ["a", "a"], "event_timestamp": [at(5), at(100_000)]})
    assert store.get_historical_features(asked, ["pushed:fuel"]).to_df()["fuel"].tolist() == [
        9.0,
        6.0,
    ]
    with pytest.raises(ValueError, match="fuel"):
        store.write_to_offline_store("pushed", rows.drop(columns="fuel"))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (["7.5", "fast"], "'fuel' of view 'pushed' is double, but row 0 has the string '7.5'"),
        ([None, "fast"], "'fuel' of view 'pushed' is double, but row 1 has the string 'fast'"),
        ([True, False], "'fuel' of view 'pushed' is double, but row 0 has the bool True"),
        ([2**53 + 1, 1], "'fuel' .* row 0 has the int64 9007199254740993"),
    ],
)
def test_a_value_of_another_type_is_refused_and_the_view_stays_readable(
    store: Any, root: str, values: list[Any], named: str
) -> None:
    rows = pd.DataFrame(
        {
            "car": ["z", "z"],
            "event_timestamp": [at(100), at(101)],
            "created_timestamp": [at(100), at(101)],
            "fuel": [1.0, 2.0],
        }
    )
    store.write_to_offline_store("pushed", rows)
    before = len(place(f"{root}/pushed").files())
    with pytest.raises(StoreError, match=named):
        store.write_to_offline_store("pushed", rows.assign(fuel=values))
    assert len(place(f"{root}/pushed").files()) == before
    store.write_to_offline_store("pushed", rows.assign(fuel=[3, 4], created_timestamp=at(200)))
    store.materialize(at(99), at(102), feature_views=["pushed"])
    found = store.get_online_features(["pushed:fuel"], [{"car": "z"}]).to_dict()
    assert found["fuel"] == [4.0]


@pytest.mark.parametrize("column", ["event_timestamp", "created_timestamp"])
def test_a_time_that_is_text_is_refused(store: Any, root: str, column: str) -> None:
    rows = pd.DataFrame(
        {"car": ["z"], "event_timestamp": [at(100)], "created_timestamp": [at(100)], "fuel": [1.0]}
    )
    before = len(place(f"{root}/pushed").files())
    with pytest.raises(StoreError, match=f"{column!r} is string, not a timestamp"):
        store.write_to_offline_store("pushed", rows.assign(**{column: "yesterday"}))
    assert len(place(f"{root}/pushed").files()) == before


def test_a_single_file_is_a_source_too(store: Any, tmp_path: Path) -> None:
    from feast import FeatureView, Field, FileSource
    from feast.types import Float64, String

    path = tmp_path / "one.parquet"
    rows = pd.DataFrame({"car": ["a"], "event_timestamp": [at(0)], "wind": [1.0]})
    rows.to_parquet(path)
    source = FileSource(name="one", path=str(path), timestamp_field="event_timestamp")
    view = FeatureView(
        name="one",
        entities=[store.get_entity("car")],
        schema=[Field(name="car", dtype=String), Field(name="wind", dtype=Float64)],
        source=source,
    )
    store.apply([view])
    store.write_to_offline_store("one", rows.assign(event_timestamp=at(5), wind=2.0))
    asked = pd.DataFrame({"car": ["a", "a"], "event_timestamp": [at(4), at(5)]})
    assert store.get_historical_features(asked, ["one:wind"]).to_df()["wind"].tolist() == [1.0, 2.0]
    assert pq.read_metadata(path).num_rows == 2


def test_what_it_cannot_serve_is_named(store: Any) -> None:
    from feast import FileSource, RepoConfig

    from pitwall.stores.offline.views import as_view, source_of

    with pytest.raises(StoreError, match="lack the column 'lap'"):
        store.get_historical_features(
            entity(("a", 1, 4)).drop(columns="lap"), ["laps:speed"]
        ).to_df()
    with pytest.raises(StoreError, match="is not a FileSource"):
        source_of(None)
    with pytest.raises(StoreError, match="gs://"):
        place("gs://bucket/folder")
    with pytest.raises(StoreError, match=r"'/data/\*.parquet' is a pattern; give the folder"):
        place("/data/*.parquet")
    view = store.get_feature_view("weather")
    view.batch_source = FileSource(
        name="x",
        path="/x",
        timestamp_field="event_timestamp",
        created_timestamp_column="c",
        tags={"known_at": "noon"},
    )
    config: RepoConfig = store.config
    with pytest.raises(StoreError, match="known_at: 'noon'; there are created, session, event"):
        as_view(config, view, ["weather:rain"], False, False)


def test_compacting_changes_no_answer(store: Any, root: str) -> None:
    from pitwall.stores.offline.columns import Columns
    from pitwall.stores.offline.compact import compact

    asked = entity(("b", 1, 3), ("a", 1, 0.5), ("a", 1, 4), ("a", 1, 9), ("a", 2, 4))
    refs = ["laps:speed", "laps:gear", "laps:flag", "laps:driver", "laps:best_at", "laps:sectors"]
    before = store.get_historical_features(asked, refs).to_arrow()
    keys = Columns({"car": pa.string(), "lap": pa.int64()}, "event_timestamp", "created_timestamp")
    done = compact(place(f"{root}/laps"), keys, settled_s=0)
    assert sorted((each.files_before, each.rows) for each in done) == [(1, 1), (1, 3)]
    names = [info.path.rsplit("/", 1)[1] for info in place(f"{root}/laps").files()]
    assert len(names) == 2 and all(name.startswith("compact-") for name in names)
    assert store.get_historical_features(asked, refs).to_arrow().equals(before)
