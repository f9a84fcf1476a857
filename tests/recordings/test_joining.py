"""Files are one session when the user says so, and never otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from pitwall.errors import LapFileError
from pitwall.recordings.files import read_all, readings
from pitwall.recordings.recording import Options

NAMED = Options(session="race")


def write(path: Path, rows: range, head: str = "TIME,SPEED,GEAR") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([head, *(f"{row / 10},{row},3" for row in rows)]) + "\n")
    return path


def test_parts_on_one_clock_are_joined_in_the_order_of_their_times(tmp_path: Path) -> None:
    parts = [write(tmp_path / "b.csv", range(20, 30)), write(tmp_path / "a.csv", range(20))]
    (reading,) = readings(parts, NAMED)
    assert reading.session.session == "20000101-000000-race"
    assert reading.session.channel("Speed").tolist() == list(range(30))
    assert reading.recording.rows == 30


def test_dated_parts_lie_as_far_apart_as_their_starts(tmp_path: Path) -> None:
    write(tmp_path / "20260304-140000.csv", range(20))
    write(tmp_path / "20260304-140100.csv", range(20))
    (session,) = read_all([tmp_path], options=NAMED)
    assert session.session == "20260304-140000-race"
    assert session.times_s[20] == 60.0


def test_parts_that_overlap_are_refused(tmp_path: Path) -> None:
    parts = [write(tmp_path / "a" / "x.csv", range(9)), write(tmp_path / "b" / "x.csv", range(9))]
    with pytest.raises(LapFileError, match=r"a/x.csv ends at 0.800 s and .*b/x.csv begins at 0.0"):
        readings(parts, NAMED)


def test_without_the_users_word_two_files_never_become_one(tmp_path: Path) -> None:
    parts = [write(tmp_path / "a" / "x.csv", range(9)), write(tmp_path / "b" / "x.csv", range(9))]
    with pytest.raises(LapFileError, match=r"both become session .*--session NAME"):
        readings(parts)


def test_columns_that_a_part_lacks_are_missing_there(tmp_path: Path) -> None:
    parts = [
        write(tmp_path / "a.csv", range(5)),
        write(tmp_path / "b.csv", range(5, 10), "TIME,SPEED,BRAKE"),
    ]
    (session,) = read_all(parts, options=NAMED)
    assert len(session.times_s) == 10
    assert session.channel("Speed").tolist() == list(range(10))
    assert [int(part) for part in (session.channel("Brake") == 3)] == [0] * 5 + [1] * 5
