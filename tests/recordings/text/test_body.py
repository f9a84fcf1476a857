"""A file that is read in many pieces gives what it gives in one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pitwall.errors import LapFileError
from pitwall.recordings.readers import delimited
from pitwall.recordings.recording import Options, Recording
from pitwall.recordings.text import decoding


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding.pieces, "__defaults__", (500,))


def read(path: Path) -> Recording:
    (recording,) = delimited.read(path, Options())
    return recording


def test_wide_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = "2024-03-04 14:{:02d}:{:02d}"
    lines = [f"{clock.format(*divmod(row, 60))},{row},{row % 2 == 0}" for row in range(600)]
    lines[100] = "# a comment"
    lines[200] = "Time,Speed,Flag"
    lines[300] = lines[300].replace(",300,", ",broken,")
    lines[400] += ",one more"
    lines[500] = ""
    path = tmp_path / "a.csv"
    path.write_text("Time,Speed,Flag\n" + "\n".join(lines), encoding="utf-16")
    whole = read(path)
    assert whole.rows == 597
    assert whole.left_out == {
        "comment line": 1,
        "repeated header": 1,
        "row with more or fewer cells": 1,
        "empty line": 1,
    }
    assert any("'broken' in line 302" in doubt for doubt in whole.doubts)
    monkeypatch.setattr(decoding.pieces, "__defaults__", (500,))
    pieces = read(path)
    assert (pieces.rows, pieces.left_out, pieces.doubts) == (
        whole.rows,
        whole.left_out,
        whole.doubts,
    )
    for one, other in zip(whole.columns, pieces.columns, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.times_s, other.times_s)


@pytest.mark.usefixtures("small_pieces")
def test_the_long_form(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"{row / 10},{'Speed' if row % 3 else 'Gear'},{row}\n" for row in range(300))
    path.write_text("time,channel,value\n" + rows)
    columns = {column.name: column for column in read(path).columns}
    assert columns["Gear"].values.tolist() == list(range(0, 300, 3))
    assert columns["Gear"].times_s.tolist() == [row / 10 for row in range(0, 300, 3)]
    assert len(columns["Speed"].values) == 200


@pytest.mark.usefixtures("small_pieces")
def test_a_quoted_header_is_known_again(tmp_path: Path) -> None:
    rows = [f'"{row / 10}","{row}"' for row in range(200)]
    rows[150] = '"Time","Speed"'
    rows[151] = '"s","km/h"'
    path = tmp_path / "a.csv"
    path.write_text('"Time","Speed"\n"s","km/h"\n' + "\n".join(rows) + "\n")
    recording = read(path)
    assert recording.left_out == {"repeated header": 2}
    assert len(recording.columns[1].values) == 198
    assert not recording.doubts


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("names", ["Time (s),RPM", "Time,nEngine[rpm]", '"Time","Brake"'])
def test_other_names_below_the_rows_are_another_table(tmp_path: Path, names: str) -> None:
    rows = "\n".join(f"{row / 10},{row}" for row in range(200))
    path = tmp_path / "a.csv"
    path.write_text(f"Time,Speed\n{rows}\n\n{names}\n{rows}\n")
    with pytest.raises(LapFileError, match=r"line 203 has the names .*holds several tables"):
        read(path)
