from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import irsdk
import numpy as np
import pytest
from ibt_file import IbtVariable, write_ibt
from mutations import mutations

from pitwall.errors import LapFileError
from pitwall.recordings.readers import iracing_ibt
from pitwall.recordings.recording import Options, Recording

ROWS = 120
TIMES = 37.25 + np.arange(ROWS) / 60
VARIABLES = [
    IbtVariable("SessionTime", "s", TIMES, "<f8"),
    IbtVariable("Speed", "m/s", np.linspace(0, 70, ROWS)),
    IbtVariable("Lap", "", np.arange(ROWS) // 60, "<i4"),
    IbtVariable("OnPitRoad", "", np.arange(ROWS) < 10, "?"),
    IbtVariable("EngineWarnings", "irsdk_EngineWarnings", np.full(ROWS, 1 << 31), "<u4"),
    IbtVariable("LatAccel_ST", "m/s^2", np.arange(6.0 * ROWS).reshape(ROWS, 6), "<f4", True),
    IbtVariable("CarIdxLap", "", np.zeros((ROWS, 4)), "<i4"),
    IbtVariable("Letter", "", [b"x"] * ROWS, "S1"),
]


def read(path: Path) -> Recording:
    assert iracing_ibt.recognises(path, path.read_bytes()[: 1 << 16])
    (recording,) = iracing_ibt.read(path, Options())
    return recording


def test_variables_are_columns_with_their_units(tmp_path: Path) -> None:
    recording = read(write_ibt(tmp_path / "a.ibt", VARIABLES))
    columns = {column.name: column for column in recording.columns}
    assert list(columns) == ["Speed", "Lap", "OnPitRoad", "EngineWarnings", "LatAccel_ST"]
    assert columns["Speed"].unit == "m/s"
    assert np.allclose(columns["Speed"].values, np.linspace(0, 70, ROWS), atol=1e-5)
    assert np.allclose(columns["Speed"].times_s, np.arange(ROWS) / 60, atol=1e-12)
    assert columns["OnPitRoad"].values.sum() == 10
    assert columns["EngineWarnings"].values[0] == 2.0**31
    assert recording.lap_column == "Lap"
    assert recording.doubts == ("CarIdxLap, Letter: left out, no single number a tick.",)


def test_samples_within_a_tick_keep_their_rate(tmp_path: Path) -> None:
    recording = read(write_ibt(tmp_path / "a.ibt", VARIABLES))
    fast = recording.columns[-1]
    assert fast.values.tolist() == list(range(6 * ROWS))
    assert np.allclose(np.diff(fast.times_s), 1 / 360, atol=1e-12)
    assert recording.rows == 6 * ROWS


def test_facts_of_the_session(tmp_path: Path) -> None:
    recording = read(write_ibt(tmp_path / "a.ibt", VARIABLES))
    assert recording.start == datetime(2024, 3, 4, 14, 5, 6, tzinfo=UTC)
    assert recording.vehicle == "Formula Vee"
    assert recording.driver == 'Ann: "the" Driver'
    nothing = read(write_ibt(tmp_path / "b.ibt", VARIABLES, start_s=0, text="---"))
    assert (nothing.start, nothing.vehicle, nothing.driver) == (None, None, None)


def test_the_library_of_the_simulator_reads_the_same(tmp_path: Path) -> None:
    path = write_ibt(tmp_path / "a.ibt", VARIABLES)
    library = irsdk.IBT()
    library.open(str(path))
    speeds = library.get_all("Speed")
    library.close()
    assert read(path).columns[0].values.tolist() == speeds


def test_a_head_without_rows_takes_those_of_the_file(tmp_path: Path) -> None:
    recording = read(write_ibt(tmp_path / "a.ibt", VARIABLES, rows_told=0))
    assert len(recording.columns[0].values) == ROWS


def test_a_session_time_that_falls_back_is_not_used(tmp_path: Path) -> None:
    clock = IbtVariable("SessionTime", "s", np.r_[TIMES[:60], TIMES[:60]], "<f8")
    recording = read(write_ibt(tmp_path / "a.ibt", [clock, VARIABLES[1]]))
    assert recording.columns[0].times_s[-1] == (ROWS - 1) / 60
    assert recording.doubts == (
        "SessionTime does not always rise: rows are taken as 1/60 s apart.",
    )


def test_cut_files_say_so(tmp_path: Path) -> None:
    path = write_ibt(tmp_path / "a.ibt", VARIABLES)
    good = path.read_bytes()
    for kept, says in ((-1, "tells 120 rows, the file has 119"), (300, "cut off"), (100, "heads")):
        path.write_bytes(good[:kept])
        with pytest.raises(LapFileError, match=says):
            read(path)


def test_damage_gives_a_reading_or_one_error(tmp_path: Path) -> None:
    good = write_ibt(tmp_path / "a.ibt", VARIABLES).read_bytes()
    path = tmp_path / "b.ibt"
    for damaged in mutations(good, 800, seed=22, hot=1300):
        path.write_bytes(damaged)
        try:
            (recording,) = iracing_ibt.read(path, Options())
        except LapFileError as error:
            assert "\n" not in str(error)
        else:
            stored = sum(column.values.nbytes for column in recording.columns)
            assert stored <= 8 * len(damaged)
