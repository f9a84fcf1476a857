"""Views of every kind that Feast has, applied, written and read through `FeatureStore`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pitwall.lab.bench.stores import ours
from pitwall.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore::RuntimeWarning")]


def source(folder: Path, name: str, **columns: Any) -> Any:
    """A file with one row of these columns; Feast looks at their types."""
    from feast import FileSource

    file = folder / f"{name}.parquet"
    rows(**columns).to_parquet(file)
    return FileSource(name=name, path=str(file), timestamp_field="at")


@pytest.fixture(scope="module")
def store(cassandra: Settings, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Views `lap-times` (a text key), `track` (no key), `pushed` (a stream view), `doubled` (on
    demand, computed when written).
    """
    from feast import (
        Entity,
        FeatureStore,
        FeatureView,
        Field,
        PushSource,
        StreamFeatureView,
        ValueType,
    )
    from feast.on_demand_feature_view import on_demand_feature_view
    from feast.types import Float64, Int64, Map, String

    folder = tmp_path_factory.mktemp("kinds")
    driver = Entity(name="driver", join_keys=["driver"], value_type=ValueType.STRING)
    lap_times = FeatureView(
        name="lap-times",
        entities=[driver],
        schema=[
            Field(name="driver", dtype=String),
            Field(name="best-s", dtype=Float64),
            Field(name="laps", dtype=Map),
        ],
        source=source(folder, "laps", driver="", **{"best-s": 0.0, "laps": {"a": "b"}}),
    )
    track = FeatureView(
        name="track",
        entities=[],
        schema=[Field(name="grip", dtype=Int64)],
        source=source(folder, "track", grip=1),
    )
    pushed = StreamFeatureView(
        name="pushed",
        entities=[driver],
        schema=[Field(name="driver", dtype=String), Field(name="speed", dtype=Float64)],
        source=PushSource(name="push", batch_source=source(folder, "pushed", driver="", speed=0.0)),
    )

    @on_demand_feature_view(
        entities=[driver],
        sources=[lap_times],
        schema=[Field(name="doubled", dtype=Float64)],
        write_to_online_store=True,
    )
    def doubled(rows: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"doubled": rows["best-s"] * 2})

    found = FeatureStore(config=ours(cassandra, folder).config)
    found.apply([driver, lap_times, track, pushed, doubled])
    found.apply([driver, lap_times, track, pushed, doubled])
    return found


def rows(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({name: [value] for name, value in columns.items()} | {"at": [NOW]})


NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def read(store: Any, feature: str, **key: Any) -> Any:
    name = feature.split(":")[1]
    return store.get_online_features([feature], [key]).to_dict()[name][0]


def test_a_view_with_a_hyphen_holds_an_empty_key_and_a_map(store: Any) -> None:
    laps = {"first": "101.5", "second": "99.0"}
    store.write_to_online_store("lap-times", rows(driver="", **{"best-s": 99.0, "laps": laps}))
    store.write_to_online_store("lap-times", rows(driver="\0", **{"best-s": 1.0, "laps": {}}))
    assert read(store, "lap-times:best-s", driver="") == 99.0
    assert read(store, "lap-times:laps", driver="") == laps
    assert read(store, "lap-times:best-s", driver="\0") == 1.0
    assert read(store, "lap-times:best-s", driver="\0\0") is None


def test_a_view_without_entities_has_one_row(store: Any) -> None:
    store.write_to_online_store("track", rows(grip=7))
    assert read(store, "track:grip", driver="any") == 7  # Feast asks for one entity at least.


def test_a_stream_view_takes_what_is_pushed(store: Any) -> None:
    store.push("push", rows(driver="ham", speed=301.5))
    assert read(store, "pushed:speed", driver="ham") == 301.5


def test_an_on_demand_view_may_be_computed_when_it_is_written(store: Any) -> None:
    laps = {"first": "6.25"}
    store.write_to_online_store("doubled", rows(driver="ham", **{"best-s": 6.25, "laps": laps}))
    assert read(store, "doubled:doubled", driver="ham") == 12.5


def test_a_plan_keeps_the_tables_of_all_kinds(store: Any) -> None:
    registry = store.registry.proto()
    changes = store._get_provider().online_store.plan(store.config, registry)
    assert [change.name for change in changes if "deleted" in str(change).lower()] == []


def test_a_view_waits_for_its_entity(cassandra: Settings, tmp_path: Path) -> None:
    """Feast applies a view whose entity is not known; its table comes with the entity."""
    from feast import Entity, FeatureStore, FeatureView, Field, ValueType
    from feast.types import Float64, String

    driver = Entity(name="pilot", join_keys=["pilot"], value_type=ValueType.STRING)
    view = FeatureView(
        name="later",
        entities=[driver],
        schema=[Field(name="speed", dtype=Float64)],
        source=source(tmp_path, "later", pilot="", speed=0.0),
    )
    store = FeatureStore(config=ours(cassandra, tmp_path).config)
    store.apply([view])
    view.schema.append(Field(name="pilot", dtype=String))
    store.apply([driver, view])
    store.write_to_online_store("later", rows(pilot="x", speed=2.0))
    assert read(store, "later:speed", pilot="x") == 2.0


def test_versions_of_a_view_stand_side_by_side(cassandra: Settings, tmp_path: Path) -> None:
    """A model may ask for `stats@v1` while the view is at its second version."""
    from feast import Entity, FeatureStore, FeatureView, Field, ValueType
    from feast.types import Float64, String

    config = ours(cassandra, tmp_path).config
    config.registry.enable_online_feature_view_versioning = True
    driver = Entity(name="driver", join_keys=["driver"], value_type=ValueType.STRING)

    def stats(*features: str) -> FeatureView:
        columns = dict.fromkeys(features, 0.0)
        return FeatureView(
            name="stats",
            entities=[driver],
            schema=[
                Field(name="driver", dtype=String),
                *(Field(name=name, dtype=Float64) for name in features),
            ],
            source=source(tmp_path, "stats", driver="", **columns),
        )

    store = FeatureStore(config=config)
    for number, features in enumerate([("speed",), ("speed", "brake"), ("speed", "gear")]):
        store.apply([driver, stats(*features)])
        values = dict.fromkeys(features, float(number))
        store.write_to_online_store("stats", rows(driver="ham", **values))

    def speed(view: str) -> Any:
        answer = store.get_online_features([f"{view}:speed"], [{"driver": "ham"}]).to_dict()
        return next(value for name, [value] in answer.items() if "speed" in name)

    assert [speed(view) for view in ("stats@v0", "stats@v1", "stats@v2", "stats")] == [0, 1, 2, 2]
    tables = store._get_provider().online_store.plan(config, store.registry.proto())
    assert [change for change in tables if "deleted" in str(change).lower()] == []
    gone = store.get_feature_view("stats")
    store.apply([driver], objects_to_delete=[gone], partial=False)
    left = store._get_provider().online_store.plan(config, store.registry.proto())
    assert [change.name for change in left if "stats" in change.name] == []
