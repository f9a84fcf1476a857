"""The join on Parquet files against one in plain Python, on generated rows: ties, nulls, late rows,
many files.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slow_join import Row, answer

from pitwall.errors import StoreError
from pitwall.stores.offline.columns import MICROS, Columns
from pitwall.stores.offline.files import files, place
from pitwall.stores.offline.join import Feature, View, join
from pitwall.stores.offline.latest import latest
from pitwall.stores.offline.scan import Scan

INSTANTS = st.integers(-3, 12)
"""Few different instants, so that ties are the rule."""
TEXTS = st.sampled_from(["a", "b", "ä", ""])
FEATURES = st.one_of(st.none(), st.just(float("nan")), st.floats(allow_nan=False))
ROWS = st.fixed_dictionaries(
    {
        "car": st.one_of(st.none(), TEXTS),
        "lap": st.one_of(st.none(), st.integers(0, 2)),
        "event": st.one_of(st.none(), INSTANTS, INSTANTS),
        "created": st.one_of(st.none(), INSTANTS, INSTANTS, INSTANTS),
        "value": FEATURES,
        "list": st.one_of(st.none(), st.lists(st.floats(allow_nan=False), max_size=2)),
    }
)
QUESTIONS = st.fixed_dictionaries(
    {
        "car": st.one_of(st.none(), TEXTS, st.just("nobody")),
        "lap": st.one_of(st.none(), st.integers(0, 3)),
        "at": st.one_of(st.none(), INSTANTS),
    }
)
KINDS = {
    "car": pa.string(),
    "lap": pa.int64(),
    "event": MICROS,
    "created": MICROS,
    "value": pa.float64(),
    "list": pa.list_(pa.float64()),
}


def table(rows: list[Row], names: tuple[str, ...] = tuple(KINDS)) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], KINDS[name]) for name in names})


def view(folder: Path, keys: list[str], ttl: int | None = None, rule: Any = "created") -> View:
    columns = Columns({key: KINDS[key] for key in keys}, "event", "created")
    features = (Feature("value", "value", pa.float64()), Feature("list", "list", KINDS["list"]))
    return View(
        "view", place(str(folder)), columns, {key: key for key in keys}, features, ttl, rule
    )


def questions(asked: list[Row]) -> pa.Table:
    return pa.table(
        {
            "car": pa.array([q["car"] for q in asked], pa.string()),
            "lap": pa.array([q["lap"] for q in asked], pa.int64()),
            "note": pa.array([*range(len(asked))]),
            "at": pa.array([q["at"] for q in asked], MICROS),
        }
    )


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parts=st.lists(st.lists(ROWS, min_size=1, max_size=12), max_size=3),
    asked=st.lists(QUESTIONS, min_size=1, max_size=8),
    keys=st.sampled_from([[], ["car"], ["car", "lap"]]),
    ttl=st.one_of(st.none(), st.integers(0, 6)),
    rule=st.sampled_from(["event", "created", "session"]),
    group=st.integers(1, 4),
    chunk=st.sampled_from([3, 1000]),
)
def test_each_entity_row_gets_the_row_that_plain_python_finds(
    parts: list[list[Row]],
    asked: list[Row],
    keys: list[str],
    ttl: int | None,
    rule: str,
    group: int,
    chunk: int,
) -> None:
    rows: list[Row] = []
    for part in parts:
        for row in part:
            row["place"] = len(rows)
            rows.append(row)
    with tempfile.TemporaryDirectory() as folder:
        for number, part in enumerate(parts):
            pq.write_table(table(part), f"{folder}/{number}.parquet", row_group_size=group)
        entity = questions(asked)
        found = join(entity, "at", [view(Path(folder), keys, ttl, rule)], chunk)
    assert found.select(entity.column_names).equals(entity)
    for i, question in enumerate(asked):
        wanted = answer(question, rows, keys, ttl, rule)
        got = {name: found[name][i].as_py() for name in ("value", "list")}
        assert repr(got) == repr(
            {name: wanted[name] if wanted else None for name in ("value", "list")}
        )


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parts=st.lists(st.lists(ROWS, min_size=1, max_size=12), min_size=1, max_size=3),
    keys=st.sampled_from([[], ["car"], ["car", "lap"]]),
    low=st.one_of(st.none(), INSTANTS),
    high=st.one_of(st.none(), INSTANTS),
    hold=st.sampled_from([1, 1000]),
)
def test_the_latest_row_of_each_entity(
    parts: list[list[Row]], keys: list[str], low: int | None, high: int | None, hold: int
) -> None:
    rows = [row for part in parts for row in part]
    best: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for place_, row in enumerate(rows):
        if (
            row["event"] is None
            or (low is not None and row["event"] < low)
            or (high is not None and row["event"] > high)
        ):
            continue
        key = tuple(row[k] for k in keys)
        rank = (row["event"], row["created"] is not None, row["created"] or 0, place_)
        best[key] = max(best.get(key, rank), rank)
    with tempfile.TemporaryDirectory() as folder:
        for number, part in enumerate(parts):
            pq.write_table(table(part), f"{folder}/{number}.parquet", row_group_size=2)
        scan = Scan(place(folder))
        found = latest(
            scan, Columns({key: KINDS[key] for key in keys}, "event", "created"), low, high, hold
        )
    assert found.tolist() == sorted(rank[-1] for rank in best.values())


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_many_rows_late_at_random_agree_too(seed: int) -> None:
    dice = np.random.default_rng(seed)
    rows = [
        {
            "car": "ab"[dice.integers(2)],
            "lap": 0,
            "event": int(e),
            "created": int(e + dice.geometric(0.02)),
            "value": float(i),
            "list": None,
            "place": i,
        }
        for i, e in enumerate(dice.integers(0, 200, 150))
    ]
    asked = [
        {"car": "ab"[dice.integers(2)], "lap": 0, "at": int(dice.integers(0, 320))}
        for _ in range(40)
    ]
    for rule in ("created", "session"):
        with tempfile.TemporaryDirectory() as folder:
            pq.write_table(table(rows), f"{folder}/all.parquet", row_group_size=17)
            found = join(questions(asked), "at", [view(Path(folder), ["car"], None, rule)])
        wanted = [answer(q, rows, ["car"], None, rule) for q in asked]
        assert found["value"].to_pylist() == [w["value"] if w else None for w in wanted]


def row(event: int, created: int | None, value: float | None, car: str = "a") -> Row:
    return {"car": car, "lap": 0, "event": event, "created": created, "value": value, "list": None}


def ask(folder: Path, at: list[int], rule: str, car: str = "a") -> list[float | None]:
    asked = [{"car": car, "lap": 0, "at": each} for each in at]
    values: list[float | None] = join(questions(asked), "at", [view(folder, ["car"], None, rule)])[
        "value"
    ].to_pylist()
    return values


def test_a_replay_years_later_is_known_by_the_session_s_clock_and_a_row_that_came_late_is_not(
    tmp_path: Path,
) -> None:
    # event    0   10   20   30      created at 1000 and later; 15 came when the clock stood at 30
    rows = [
        row(0, 1000, 0.0),
        row(10, 1001, 1.0),
        row(20, 1002, 2.0),
        row(30, 1003, 3.0),
        row(15, 1004, 1.5),
    ]
    pq.write_table(table(rows), tmp_path / "a.parquet")
    assert ask(tmp_path, [9, 10, 17, 25, 40], "session") == [0.0, 1.0, 1.0, 2.0, 3.0]
    assert ask(tmp_path, [9, 10, 17, 25, 40], "event") == [0.0, 1.0, 1.5, 2.0, 3.0]
    assert ask(tmp_path, [9, 10, 17, 25, 40, 1001], "created") == [None] * 5 + [1.0]


def test_a_backfill_counts_from_the_same_instants_as_what_it_replaces(tmp_path: Path) -> None:
    pq.write_table(table([row(t, t + 1, None) for t in (0, 10, 20)]), tmp_path / "live.parquet")
    pq.write_table(
        table([row(t, 10_000 + t, t / 10) for t in (0, 10, 20)]), tmp_path / "backfill.parquet"
    )
    assert ask(tmp_path, [0, 10, 19, 20], "session") == [0.0, 1.0, 1.0, 2.0]


def test_a_column_that_older_files_lack_is_null_there(tmp_path: Path) -> None:
    pq.write_table(table([row(0, 0, 1.0)], ("car", "event", "created")), tmp_path / "a.parquet")
    pq.write_table(table([row(5, 5, 2.0)]), tmp_path / "b.parquet")
    assert ask(tmp_path, [4, 5], "created") == [None, 2.0]


def test_files_of_other_types_are_read_as_declared(tmp_path: Path) -> None:
    other = pa.table(
        {
            "car": pa.array(["a", "a"]).dictionary_encode(),
            "event": pa.array([0, 5_000], pa.timestamp("ns")),
            "created": pa.array([0, 0], pa.timestamp("ms", "Europe/Berlin")),
            "value": pa.array([1, 2], pa.int32()),
        }
    )
    pq.write_table(other, tmp_path / "a.parquet")
    assert ask(tmp_path, [4, 5], "created") == [1.0, 2.0]


def test_files_being_written_or_replaced_do_not_count(tmp_path: Path) -> None:
    pq.write_table(table([row(0, 0, 1.0)]), tmp_path / "part-0.parquet")
    (tmp_path / ".part-1.parquet.inprogress").write_bytes(b"half a file")
    staged = tmp_path / "_compact-run-0.parquet.inprogress"
    pq.write_table(table([row(0, 0, 2.0)]), staged)
    assert ask(tmp_path, [0], "created") == [1.0]
    commit = {"adds": ["compact-run-0.parquet"], "removes": ["part-0.parquet"]}
    (tmp_path / "_commit-run.json").write_text(json.dumps(commit))
    assert ask(tmp_path, [0], "created") == [2.0]
    assert files(tmp_path) == [str(staged)]
    staged.rename(tmp_path / "compact-run-0.parquet")
    assert ask(tmp_path, [0], "created") == [2.0]
    assert files(tmp_path) == [str(tmp_path / "compact-run-0.parquet")]


def test_only_row_groups_that_can_matter_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row(t, t, float(t), car) for car in "abc" for t in range(100)]
    pq.write_table(table(rows), tmp_path / "a.parquet", row_group_size=10)
    read: list[tuple[str, ...]] = []
    groups = []
    original = pq.ParquetFile.read_row_groups

    def spy(self: Any, numbers: list[int], columns: list[str], **more: Any) -> pa.Table:
        read.append(tuple(columns))
        groups.extend(numbers)
        return original(self, numbers, columns=columns, **more)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", spy)
    wanted = view(tmp_path, ["car"], 5)
    only = View("v", wanted.place, wanted.columns, wanted.given, wanted.features[:1], 5, "created")
    found = join(questions([{"car": "b", "lap": 0, "at": 57}]), "at", [only])
    assert found["value"].to_pylist() == [57.0]
    assert read == [("car", "event", "created"), ("value",)]
    assert sorted(groups) == [15, 15]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("car", "created", "value"), "no file in .* has the column 'event'"),
        (("event", "value"), "has the column 'car'"),
    ],
)
def test_files_without_a_key_or_a_time_are_named(
    tmp_path: Path, names: tuple[str, ...], says: str
) -> None:
    pq.write_table(table([row(0, 0, 1.0)], names), tmp_path / "a.parquet")
    with pytest.raises(StoreError, match=says):
        ask(tmp_path, [0], "created")


def test_what_is_no_parquet_and_what_does_not_fit_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(StoreError, match=r"a.parquet cannot be read as Parquet"):
        ask(tmp_path, [0], "created")
    pq.write_table(
        pa.table(
            {
                "car": ["a"],
                "event": pa.array([0], MICROS),
                "created": pa.array([0], MICROS),
                "value": ["fast"],
            }
        ),
        tmp_path / "a.parquet",
    )
    with pytest.raises(StoreError, match="'value' is string and cannot be read as double"):
        ask(tmp_path, [0], "event")
    pq.write_table(
        pa.table({"car": ["a"], "event": [0], "created": pa.array([0], MICROS), "value": [1.0]}),
        tmp_path / "a.parquet",
    )
    with pytest.raises(StoreError, match="'event' is int64, not a timestamp"):
        ask(tmp_path, [0], "event")


def test_the_entity_rows_must_have_the_keys_and_no_feature_s_name(tmp_path: Path) -> None:
    pq.write_table(table([row(0, 0, 1.0)]), tmp_path / "a.parquet")
    entity = pa.table({"car": ["a"], "at": pa.array([0], MICROS)})
    with pytest.raises(StoreError, match="lack the column 'lap'"):
        join(entity, "at", [view(tmp_path, ["lap"])])
    with pytest.raises(StoreError, match="already have a column 'value'"):
        join(entity.append_column("value", pa.array([1.0])), "at", [view(tmp_path, ["car"])])


def test_no_files_give_null_features_of_the_declared_type(tmp_path: Path) -> None:
    found = join(
        questions([{"car": "a", "lap": 0, "at": 1}]), "at", [view(tmp_path / "none", ["car"])]
    )
    assert (found["value"].to_pylist(), found.schema.field("value").type) == ([None], pa.float64())
