"""The same questions to Feast's own `file` and `duckdb` stores and to ours.

Where they differ, DIFFERENCES says who is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.xdist_group("feast")
OURS = "pitwall.stores.offline.store.ParquetOfflineStore"
TTL_S = 10
KINDS = {
    "car": pa.string(),
    "event_timestamp": pa.timestamp("us", "UTC"),
    "created": pa.timestamp("us", "UTC"),
    "speed": pa.float64(),
    "gear": pa.int64(),
    "tags": pa.list_(pa.string()),
}


def at(second: float) -> Any:
    return pd.Timestamp("2026-01-01T10:00:00Z") + pd.Timedelta(seconds=second)


@dataclass(frozen=True)
class Case:
    """Feature rows (car, event, created, speed, gear, tags), questions (car, time), and speed and
    gear for each, in order.
    """

    rows: list[tuple[Any, ...]]
    asked: list[tuple[Any, Any]]
    right: list[tuple[Any, Any]]


ONE = [("a", 0, 0, 1.0, 1, ["x"])]
NONE = (None, None)
CASES = {
    "order of the entity rows": Case(
        [*ONE, ("b", 0, 0, 2.0, 2, [])],
        [("b", 5), ("a", 3), ("b", 1)],
        [(2.0, 2), (1.0, 1), (2.0, 2)],
    ),
    "newest created of equal times": Case(
        [("a", 0, 2, 3.0, 3, []), ("a", 0, 1, 1.0, 1, [])], [("a", 5)], [(3.0, 3)]
    ),
    "exact duplicates among the rows": Case(ONE * 3, [("a", 5)], [(1.0, 1)]),
    "the newest value is null": Case([*ONE, ("a", 1, 1, None, None, None)], [("a", 5)], [NONE]),
    "the last instant of the TTL": Case(ONE, [("a", TTL_S)], [(1.0, 1)]),
    "an expired row": Case(ONE, [("a", 5), ("a", TTL_S + 1)], [(1.0, 1), NONE]),
    "before the first row": Case(ONE, [("a", -1)], [NONE]),
    "equal entity rows": Case(ONE, [("a", 5), ("a", 5)], [(1.0, 1), (1.0, 1)]),
    "an unknown entity": Case(ONE, [("a", 5), ("z", 5)], [(1.0, 1), NONE]),
    "a null key": Case([*ONE, (None, 0, 0, 9.0, 9, [])], [("a", 5), (None, 5)], [(1.0, 1), NONE]),
    "a null instant": Case(ONE, [("a", 5), ("a", None)], [(1.0, 1), NONE]),
    "a row that became known later": Case([*ONE, ("a", 2, 20, 2.0, 2, [])], [("a", 5)], [(1.0, 1)]),
    "a whole number beside a null": Case(
        [("a", 0, 0, 1.0, 2**53 + 1, [])], [("a", 5), ("z", 5)], [(1.0, 2**53 + 1), NONE]
    ),
}
LATE = (
    "the row was created after the instant asked for: training on "
    "it is training on the future (Feast filters only when asked)"
)
DIFFERENCES: dict[tuple[str, str], str] = {
    (
        "file",
        "an expired row",
    ): "it drops the entity row; a training set must keep its rows, with null",
    ("file", "before the first row"): "it drops the entity row",
    (
        "file",
        "equal entity rows",
    ): "it drops the second; two laps may end at one instant, and labels belong to rows",
    (
        "file",
        "an unknown entity",
    ): "it moves the entity row to the front, so labels kept beside the rows no longer fit",
    ("file", "a null key"): "it takes null for a value and joins cars that nobody named",
    ("file", "a null instant"): "it drops the entity row",
    ("file", "a row that became known later"): LATE,
    ("duckdb", "a row that became known later"): LATE,
    (
        "file",
        "a whole number beside a null",
    ): "whole numbers become floats, and 2^53+1 another number",
}


class Bench:
    """A feature store of one kind over one file."""

    def __init__(self, folder: Path, kind: str) -> None:
        from feast import (
            Entity,
            FeatureStore,
            FeatureView,
            Field,
            FileSource,
            RepoConfig,
            ValueType,
        )
        from feast.types import Array, Float64, Int64, String

        folder.mkdir()
        self.file = folder / "rows.parquet"
        self.write(ONE)
        self.store = FeatureStore(
            config=RepoConfig(
                project="beside",
                registry=str(folder / "registry.db"),
                provider="local",
                offline_store={"type": kind},
                online_store={"type": "sqlite", "path": str(folder / "online.db")},
                entity_key_serialization_version=3,
            )
        )
        car = Entity(name="car", join_keys=["car"], value_type=ValueType.STRING)
        source = FileSource(
            name="rows",
            path=str(self.file),
            timestamp_field="event_timestamp",
            created_timestamp_column="created",
        )
        fields = {"car": String, "speed": Float64, "gear": Int64, "tags": Array(String)}
        schema = [Field(name=name, dtype=kind) for name, kind in fields.items()]
        self.store.apply(
            [
                car,
                FeatureView(
                    name="v",
                    entities=[car],
                    ttl=timedelta(seconds=TTL_S),
                    schema=schema,
                    source=source,
                ),
            ]
        )

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        columns = list(zip(*rows, strict=True))
        columns[1:3] = [[at(t) for t in column] for column in columns[1:3]]
        pq.write_table(
            pa.table(
                [pa.array([*c], k) for c, k in zip(columns, KINDS.values(), strict=True)],
                names=[*KINDS],
            ),
            self.file,
        )

    def answer(self, case: Case) -> list[tuple[Any, Any, Any, Any]]:
        """Number of the entity row, car, speed and gear, as they came."""
        self.write(case.rows)
        entity = pd.DataFrame(
            {
                "car": pd.Series([car for car, _ in case.asked], dtype=object),
                "event_timestamp": pd.Series(
                    [pd.NaT if t is None else at(t) for _, t in case.asked]
                ).astype("datetime64[ns, UTC]"),
                "number": range(len(case.asked)),
            }
        )
        found = self.store.get_historical_features(
            entity, ["v:speed", "v:gear", "v:tags"]
        ).to_arrow()
        return [
            *zip(
                *(found[name].to_pylist() for name in ("number", "car", "speed", "gear")),
                strict=True,
            )
        ]


@pytest.fixture(scope="module")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Bench]]:
    folder = tmp_path_factory.mktemp("beside")
    yield {
        name: Bench(folder / name, kind)
        for name, kind in (("file", "file"), ("duckdb", "duckdb"), ("ours", OURS))
    }


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("store", ["ours", "file", "duckdb"])
@pytest.mark.filterwarnings("ignore")
def test_the_same_question_to_every_store(benches: dict[str, Bench], store: str, name: str) -> None:
    case = CASES[name]
    right = [
        (i, car, *values)
        for i, ((car, _), values) in enumerate(zip(case.asked, case.right, strict=True))
    ]
    got = benches[store].answer(case)
    same = repr(got) == repr(right)
    assert same == ((store, name) not in DIFFERENCES), f"{store} gave {got}, right is {right}"
