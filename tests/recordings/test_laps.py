from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pitwall.errors import LapFileError
from pitwall.recordings import files as recordings


def test_all_real_laps_are_read(laps_dir: Path) -> None:
    sessions = recordings.read_all([laps_dir])
    assert len(sessions) == len(list(laps_dir.glob("*.parquet")))
    assert len({s.session for s in sessions}) == len(sessions)
    for session in sessions:
        assert (np.diff(session.times_s) > 0).all()
        assert session.values.shape == (len(session.times_s), len(session.names))
        assert session.units[session.names.index("Speed")] == "km/h"


def test_exports_with_units_and_empty_columns(exports_dir: Path) -> None:
    units = recordings.read(exports_dir / "with-units-row.csv")
    assert units.units[units.names.index("BRAKEPRESSURE")] == "bar"
    assert units.session == "20000101-000000-with-units-row"
    everything = recordings.read(exports_dir / "all-channels.csv")
    assert len(everything.names) > 100
    assert np.isnan(everything.values).all(axis=0).any()


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "TIME,SPEED\n0,1\n0.1", "line 3 has 1 fields, the header has 2"),
        ("b.csv", "", "the file is empty"),
        ("c.csv", "TIME,SPEED\n", "no row of numbers"),
        ("d.csv", "A,B\n1,2\n3,4\n", "no column of time.*--rate-hz"),
        ("e.csv", "TIME,SPEED\ns,km/h\n", "no row of numbers"),
        ("f.csv", "TIME,SPEED\n0,1\n1,x\n", "1 rows have a time"),
        ("g.csv", "1,2\n3,4\n", "without a header"),
        ("h.csv", "TIME,SPEED\n5,1\n5,2\n", "--rate-hz"),
        ("i.csv", "TIME,FOO\n0,1\n1,2\n", r"known channel.*names.yaml.*Channel\(.FOO., unit"),
        ("j.txt", "hello", "no row of numbers"),
        ("j.bin", "hello\0", "no lap format"),
        ("k.parquet", "PAR1 not really", "not a readable Parquet file"),
    ],
)
def test_a_file_that_is_no_lap_is_named_with_the_reason(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    path = write(tmp_path / name, text)
    with pytest.raises(LapFileError, match=says) as caught:
        recordings.read(path)
    assert str(path) in str(caught.value)


def test_a_parquet_file_without_the_columns(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1.0, 2.0]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(LapFileError, match="no clock"):
        recordings.read(tmp_path / "x.parquet")


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(LapFileError, match="no lap in this folder"):
        recordings.find([tmp_path])


def test_rows_whose_time_does_not_rise_are_left_out_and_counted(tmp_path: Path) -> None:
    session = recordings.read(
        write(tmp_path / "x.csv", "TIME,SPEED\n0,1\n1,2\n1,3\n0.5,4\nNaN,5\n2,6\n")
    )
    assert session.times_s.tolist() == [0, 1, 2]
    assert session.skipped == 3
