"""Compacting: the same rows and answers in fewer files, while others read and write."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pitwall.stores.offline import sorting
from pitwall.stores.offline.columns import MICROS, Columns
from pitwall.stores.offline.compact import compact, drop
from pitwall.stores.offline.files import files, place
from pitwall.stores.offline.join import Feature, View, join
from pitwall.stores.offline.scan import Scan

COLUMNS = Columns(
    {"vehicle": pa.string(), "session": pa.string()}, "event_timestamp", "created_timestamp"
)
DAY = 86_400_000_000


def rows(dice: np.random.Generator, count: int, extra: bool = False) -> pa.Table:
    event = dice.integers(0, 500, count) * 20_000
    columns = {
        "vehicle": pa.array(dice.choice(["v", "w", None], count, p=[0.5, 0.45, 0.05]), pa.string()),
        "session": pa.array(dice.choice(["s1", "s2", "s3"], count), pa.string()),
        "event_timestamp": pa.array(event, MICROS, mask=dice.random(count) < 0.05),
        "created_timestamp": pa.array(event + dice.integers(0, 50, count), MICROS),
        "speed": pa.array(dice.normal(size=count), mask=dice.random(count) < 0.1),
    }
    return pa.table({**columns, **({"new": dice.normal(size=count)} if extra else {})})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dice = np.random.default_rng(0)
    for day in ("event_date=2026-01-01", "event_date=2026-01-02"):
        (tmp_path / day).mkdir()
        for part in range(4):
            pq.write_table(
                rows(dice, 300, extra=part > 1),
                tmp_path / day / f"part-{part}.parquet",
                row_group_size=50,
            )
    return tmp_path


def everything(folder: Path) -> list[str]:
    tables = [pq.ParquetFile(path).read() for path in files(folder)]
    return sorted(map(repr, pa.concat_tables(tables, promote_options="default").to_pylist()))


def answers(folder: Path) -> pa.Table:
    dice = np.random.default_rng(1)
    entity = pa.table(
        {
            "vehicle": dice.choice(["v", "w"], 200),
            "session": dice.choice(["s1", "s2", "s3"], 200),
            "at": pa.array(dice.integers(0, 500, 200) * 20_000 + dice.integers(0, 60, 200), MICROS),
        }
    )
    keys = {"vehicle": "vehicle", "session": "session"}
    features = tuple(Feature(name, name, pa.float64()) for name in ("speed", "new"))
    return join(
        entity, "at", [View("v", place(str(folder)), COLUMNS, keys, features, None, "created")]
    )


def test_rows_and_answers_stay_and_each_day_is_one_file_sorted_by_session_and_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "UNIT_ROWS", 150)
    before, answered = everything(folder), answers(folder)
    (folder / "event_date=2026-01-01" / ".part-9.inprogress").write_bytes(b"half")
    done = compact(place(str(folder)), COLUMNS, settled_s=0)
    assert [(each.files_before, each.files_after, each.rows) for each in done] == [(4, 1, 1200)] * 2
    assert len(files(folder)) == 2
    assert everything(folder) == before
    for name in ("speed", "new"):
        assert answers(folder)[name].equals(answered[name])
    first = pq.ParquetFile(files(folder)[0])
    whole = first.read(["vehicle", "session", "event_timestamp"]).to_pylist()
    sortable = [tuple(row.values()) for row in whole if None not in row.values()]
    assert sortable == sorted(sortable) and whole[: len(sortable)] == [
        dict(zip(whole[0], s, strict=True)) for s in sortable
    ]
    assert first.metadata.num_row_groups >= 6
    assert compact(place(str(folder)), COLUMNS, settled_s=0) == []
    assert (folder / "event_date=2026-01-01" / ".part-9.inprogress").exists()


def test_what_the_job_writes_meanwhile_is_taken_the_next_time(folder: Path) -> None:
    assert compact(place(str(folder)), COLUMNS, settled_s=3600) == []
    compact(place(str(folder)), COLUMNS, settled_s=0)
    day = folder / "event_date=2026-01-01"
    pq.write_table(rows(np.random.default_rng(5), 10), day / "part-5.parquet")
    before = everything(folder)
    assert [each.rows for each in compact(place(str(folder)), COLUMNS, settled_s=0)] == [1210]
    assert everything(folder) == before


def test_readers_see_every_row_once_at_any_moment(folder: Path) -> None:
    seen: list[int] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                seen.append(Scan(place(str(folder))).rows)
            except FileNotFoundError:
                continue

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for seed in range(5):
            compact(place(str(folder)), COLUMNS, settled_s=0)
            # A file appears whole, as the job's own do.
            written = folder / f".{seed}"
            pq.write_table(rows(np.random.default_rng(seed), 0), written)
            written.rename(folder / "event_date=2026-01-01" / f"part-{seed}.parquet")
    finally:
        stop.set()
        reader.join()
    assert set(seen) == {2400} and len(seen) > 5


def test_dropping_sessions_leaves_the_others_and_no_empty_file(folder: Path) -> None:
    gone = {("v", "s1"), ("w", "s2")}
    wanted = [
        row
        for row in everything(folder)
        if "'vehicle': 'v', 'session': 's1'" not in row
        and "'vehicle': 'w', 'session': 's2'" not in row
    ]
    lost = [
        row
        for row in everything(folder)
        if row not in set(wanted) and "'event_timestamp': None" in row
    ]
    drop(place(str(folder)), COLUMNS, gone)
    assert everything(folder) == sorted([*wanted, *lost])
    alone = folder / "alone"
    alone.mkdir()
    pq.write_table(
        pa.table(
            {
                "vehicle": ["v"],
                "session": ["s1"],
                "event_timestamp": pa.array([0], MICROS),
                "created_timestamp": pa.array([0], MICROS),
            }
        ),
        alone / "a.parquet",
    )
    drop(place(str(alone)), COLUMNS, gone)
    assert not [*alone.iterdir()]
