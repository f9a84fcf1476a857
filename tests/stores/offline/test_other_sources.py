"""Sources that are not the job's: a renamed time, one file with times of another kind, a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.xdist_group("feast")
T0 = pd.Timestamp("2026-01-01T10:00:00Z")


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """A view `laps` on one file, whose columns `at` and `made` are its times by field mapping."""
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64, String

    rows = {
        "car": ["a", "a"],
        "speed": [1.0, 2.0],
        "at": [T0.tz_localize(None), T0.tz_localize(None) + pd.Timedelta(seconds=1)],
        "made": [T0, T0 + pd.Timedelta(seconds=1)],
    }
    pd.DataFrame(rows).to_parquet(tmp_path / "laps.parquet")
    found = FeatureStore(
        config=RepoConfig(
            project="other",
            registry=str(tmp_path / "registry.db"),
            provider="local",
            offline_store={"type": "pitwall.stores.offline.store.ParquetOfflineStore"},
            online_store={"type": "sqlite", "path": str(tmp_path / "online.db")},
            entity_key_serialization_version=3,
        )
    )
    car = Entity(name="car", join_keys=["car"], value_type=ValueType.STRING)
    view = FeatureView(
        name="laps",
        entities=[car],
        schema=[Field(name="car", dtype=String), Field(name="speed", dtype=Float64)],
        source=FileSource(
            name="laps",
            path=str(tmp_path / "laps.parquet"),
            timestamp_field="time",
            created_timestamp_column="known",
            field_mapping={"at": "time", "made": "known"},
        ),
    )
    found.apply([car, view])
    return found


def asked(store: Any, second: float) -> Any:
    frame = pd.DataFrame({"car": ["a"], "event_timestamp": [T0 + pd.Timedelta(seconds=second)]})
    return store.get_historical_features(frame, ["laps:speed"])


def test_the_times_of_a_source_may_be_mapped(store: Any) -> None:
    assert [asked(store, second).to_df()["speed"].tolist() for second in (0.5, 1)] == [[1.0], [2.0]]


def test_a_file_gets_rows_whose_times_have_another_zone_and_unit(
    store: Any, tmp_path: Path
) -> None:
    before = pq.read_schema(tmp_path / "laps.parquet")
    later = T0 + pd.Timedelta(seconds=2)
    new = pa.table(
        {
            "car": ["a"],
            "speed": [3.0],
            "at": pa.array([later.tz_convert("Europe/Berlin")], pa.timestamp("ns", "UTC")),
            "made": pa.array([later.tz_localize(None)], pa.timestamp("ms")),
        }
    )
    store.write_to_offline_store("laps", new.to_pandas(), reorder_columns=False)
    after = pq.read_table(tmp_path / "laps.parquet")
    assert (after.schema.field("at").type, after.schema.field("made").type) == (
        before.field("at").type,
        before.field("made").type,
    )
    assert asked(store, 2).to_df()["speed"].tolist() == [3.0]


def test_a_saved_dataset_goes_into_the_folder_that_is_there(store: Any, tmp_path: Path) -> None:
    from feast.errors import SavedDatasetLocationAlreadyExists
    from feast.infra.offline_stores.file_source import SavedDatasetFileStorage

    folder = tmp_path / "saved"
    folder.mkdir()
    storage = SavedDatasetFileStorage(path=str(folder))
    asked(store, 0.5).persist(storage)
    assert [pq.read_table(file)["speed"].to_pylist() for file in folder.iterdir()] == [[1.0]]
    with pytest.raises(SavedDatasetLocationAlreadyExists):
        asked(store, 1).persist(storage)
    asked(store, 1).persist(storage, allow_overwrite=True)
    assert [pq.read_table(file)["speed"].to_pylist() for file in folder.iterdir()] == [[2.0]]
