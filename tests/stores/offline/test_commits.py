"""A replacement that is killed at any change of a file loses no row and doubles none."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mortal_files import Death, Died, MortalFiles
from pyarrow import fs
from shared_stack import SharedStack

from pitwall.errors import StoreError
from pitwall.stores.offline import compact as compacting
from pitwall.stores.offline.columns import MICROS, SESSION_COLUMNS
from pitwall.stores.offline.compact import compact, drop
from pitwall.stores.offline.files import Place, place
from pitwall.stores.s3 import s3_environment

DAY = "event_date=2026-01-01"
SESSIONS = ("s1", "s2", "s3")
DEATHS: tuple[Death, ...] = ("kill", "interrupt")
Run = Callable[[Place], object]


def write(folder: Place) -> None:
    """A day of three files, each with twenty rows of three sessions."""
    for part in range(3):
        number = range(part * 20, part * 20 + 20)
        rows = pa.table(
            {
                "vehicle": ["car"] * 20,
                "session": [SESSIONS[n % 3] for n in number],
                "event_timestamp": pa.array([n * 20_000 for n in number], MICROS),
                "created_timestamp": pa.array([n * 20_000 for n in number], MICROS),
                "speed": [float(n) for n in number],
            }
        )
        folder.write(f"{DAY}/part-{part}.parquet", rows)


def rows_of(folder: Place) -> Counter[tuple[str, float]]:
    """How often a reader sees each row: its session and number."""
    seen: Counter[tuple[str, float]] = Counter()
    for info in folder.files():
        with folder.system.open_input_file(info.path) as file:
            table = pq.read_table(file, partitioning=None)
        seen.update(zip(table["session"].to_pylist(), table["speed"].to_pylist(), strict=True))
    return seen


def mortal(folder: Place, files: MortalFiles) -> Place:
    return Place(fs.PyFileSystem(files), folder.path, folder.scheme)


def compact_all(folder: Place) -> object:
    return compact(folder, SESSION_COLUMNS, settled_s=0)


def drop_s2(folder: Place) -> object:
    return drop(folder, SESSION_COLUMNS, [("car", "s2")])


def names_in(folder: Place) -> list[str]:
    infos = folder.system.get_file_info(fs.FileSelector(folder.path, recursive=True))
    return [info.base_name for info in infos if info.type == fs.FileType.File]


def killed_anywhere(
    fresh: Callable[[], Place], run: Run, death: Death, watched: bool = True
) -> int:
    """Kill `run` at each change in turn, in a fresh folder; returns the number of changes.

    After the death and after the next run a reader sees each row once, and of the rows that `run`
    deletes all or none. If `watched`, a reader looks before each change of a run that lives, too.
    """
    dies_at: int | None = None if watched else 0
    while True:
        folder = fresh()
        before = rows_of(folder)
        after = Counter(row for row in before if run is not drop_s2 or row[0] != "s2")

        def look(folder: Place = folder, before: Any = before, after: Any = after) -> None:
            assert rows_of(folder) in (before, after)

        files = MortalFiles(folder.system, dies_at, death, look if dies_at is None else None)
        with suppress(Died):
            run(mortal(folder, files))
            if dies_at is not None and files.changes <= dies_at:
                return dies_at
        look()
        run(folder)
        assert rows_of(folder) == after
        names = names_in(folder)
        assert all(name.startswith(("compact-", "part-")) for name in names), names
        assert run is drop_s2 or len(names) == 1
        dies_at = 0 if dies_at is None else dies_at + 1


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("run", [compact_all, drop_s2])
def test_a_local_day_survives_a_death_at_any_change(tmp_path: Path, run: Run, death: Death) -> None:
    def fresh() -> Place:
        folder = place(str(tmp_path / uuid.uuid4().hex))
        write(folder)
        return folder

    assert killed_anywhere(fresh, run, death) > 30


def test_a_local_day_survives_a_second_death_at_any_change(tmp_path: Path) -> None:
    def fresh() -> Place:
        folder = place(str(tmp_path / uuid.uuid4().hex))
        write(folder)
        return folder

    folder = fresh()
    living = MortalFiles(folder.system)
    compact_all(mortal(folder, living))
    # The last changes are those of the commit.
    for first in range(living.changes - 9, living.changes):

        def half_done(first: int = first) -> Place:
            folder = fresh()
            with suppress(Died):
                compact_all(mortal(folder, MortalFiles(folder.system, first)))
            return folder

        killed_anywhere(half_done, compact_all, "kill", watched=False)


@pytest.mark.integration
@pytest.mark.parametrize("death", DEATHS)
def test_a_day_on_s3_survives_a_death_at_any_change(
    shared_stack: SharedStack, death: Death, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_environment(shared_stack.start("s3"), "flink").items():
        monkeypatch.setenv(name, value)

    def fresh() -> Place:
        folder = place(f"s3://offline/commits/{uuid.uuid4().hex}")
        write(folder)
        return folder

    assert killed_anywhere(fresh, compact_all, death) > 20


def test_a_folder_that_lost_rows_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place(str(tmp_path))
    write(folder)
    before = rows_of(folder)
    original = compacting.row_groups
    monkeypatch.setattr(
        compacting, "row_groups", lambda *given: (rows[:-1] for rows in original(*given))
    )
    with pytest.raises(StoreError, match=r"60 rows in .* became \d+ .*nothing was replaced"):
        compact_all(folder)
    assert rows_of(folder) == before


def test_a_column_keeps_its_type_beside_a_file_with_another(tmp_path: Path) -> None:
    folder = place(str(tmp_path))
    write(folder)
    text = pa.table(
        {
            "vehicle": ["car"],
            "session": ["s1"],
            "event_timestamp": pa.array([0], MICROS),
            "created_timestamp": pa.array([0], MICROS),
            "speed": ["fast"],
        }
    )
    folder.write(f"{DAY}/written-last.parquet", text)
    before = rows_of(folder)
    compact_all(folder)
    assert rows_of(folder) == before
    types = [pq.read_schema(info.path).field("speed").type for info in folder.files()]
    assert sorted(map(str, types)) == ["double", "string"]
    assert compact_all(folder) == []


@pytest.mark.parametrize("hold", [1, 7, 19, 20, 21, 1000])
def test_a_day_is_sorted_also_where_only_a_part_of_it_is_held(tmp_path: Path, hold: int) -> None:
    folder = place(str(tmp_path))
    write(folder)
    before = rows_of(folder)
    compact(folder, SESSION_COLUMNS, settled_s=0, hold=hold)
    assert rows_of(folder) == before
    for info in folder.files():
        table = pq.read_table(info.path, partitioning=None)
        keys = [*zip(table["session"].to_pylist(), table["speed"].to_pylist(), strict=True)]
        assert keys == sorted(keys)


def test_large_days_become_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "FILE_BYTES", 1)
    folder = place(str(tmp_path))
    write(folder)
    before = rows_of(folder)
    compact(folder, SESSION_COLUMNS, settled_s=0, hold=20)
    assert rows_of(folder) == before
    assert len(folder.files()) == 3
    assert compact_all(folder) == []
