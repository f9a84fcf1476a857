"""Small inputs of what users report, against the right values in `cases.md`; and more of a kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from paths import SHARED

from pitwall.errors import LapFileError
from pitwall.recordings.readers import delimited
from pitwall.recordings.recording import Column, Options, Recording

CASES = SHARED / "data" / "cases"
NAN = float("nan")
NO_OPTIONS = Options()


@dataclass(frozen=True)
class Right:
    """What a file says: some of its columns as name, unit and first values."""

    columns: dict[str, tuple[str, list[float]]]
    times_s: list[float] = field(default_factory=lambda: [0.0, 0.02, 0.04])
    rows: int = 3
    start: datetime | None = None
    left_out: dict[str, int] = field(default_factory=dict)
    says: str = ""
    """Part of one of the doubts."""


SPEED = {"SPEED": ("", [100.0, 101.0, 102.0])}
RIGHT = {
    "quoted-plain.csv": Right({"SPEED": ("", [10.0] * 3), "LAPDISTANCE": ("", [0.0, 0.2, 0.4])}),
    "quoted-units.csv": Right({"SPEED": ("m/s", [10.0] * 3)}),
    "thousands.csv": Right({"MotorRpmFront": ("", [1100.0, 1200.0, 1300.0])}),
    "first-row-not-a-number.csv": Right({**SPEED, "THROTTLE": ("", [NAN, 50.0, 51.0])}),
    "dash-for-missing.csv": Right(
        {"SPEED": ("", [101.0, 102.0]), "THROTTLE": ("", [50.0, 51.0])},
        [0.02, 0.04],
        left_out={"row without a value": 1},
    ),
    "booleans.csv": Right({"ABSActive": ("", [0.0, 1.0, 0.0])}, says="ABSActive"),
    "units-spelled-otherwise.csv": Right(
        {
            "SPEED": ("MPH", [100.0] * 3),
            "ACCELERATIONLONG": ("m/s/s", [9.80665] * 3),
            "LAPDISTANCE": ("ft", [0.0, 2.933, 5.867]),
            "STEERINGANGLE": ("radians", [1.0] * 3),
        }
    ),
    "unit-in-header.csv": Right({"Speed": ("m/s", [10.0] * 3), "Distance": ("m", [0.0, 0.2, 0.4])}),
    "time-ms.csv": Right({"SPEED": ("km/h", [100.0, 101.0, 102.0])}),
    "clock-time.csv": Right(SPEED, says="14:15:46.000 of a day that is not told; give --start"),
    "name-without-ascii.csv": Right({"λ": ("", [0.98, 0.99, 1.0])}),
    "ids-collide.csv": Right(
        {
            "Speed": ("", [100.0, 101.0, 102.0]),
            "SPEED": ("", [200.0, 201.0, 202.0]),
            "TIME": ("", [1000.0, 1001.0, 1002.0]),
            "Slip+": ("", [1.0, 2.0, 3.0]),
            "Slip-": ("", [-1.0, -2.0, -3.0]),
        }
    ),
    "own-channels-only.csv": Right({"OilTemp": ("", [90.0, 91.0, 92.0])}),
    "same-time-two-rows.csv": Right(
        {"SPEED": ("", [100.0, NAN, 101.0]), "BRAKE": ("", [NAN, 50.0, NAN])},
        [0.0, 0.0, 0.02, 0.02, 0.04, 0.04],
        6,
    ),
    "comment-lines.csv": Right(SPEED, left_out={"comment line": 2}),
    "pandas-index.csv": Right(SPEED),
    "trailing-comma.csv": Right({**SPEED, "GEAR": ("", [3.0] * 3)}),
    "semicolon-decimal-comma.csv": Right({"SPEED": ("km/h", [100.0, 100.5, 101.0])}),
    "tab.csv": Right(SPEED),
    "utf16.csv": Right(SPEED),
    "UPPER.CSV": Right(SPEED),
    "session_20251231_111318_tianma.csv": Right(SPEED, says="names no unit"),
    "distance-km.csv": Right(
        {"LAPDISTANCE": ("km", [0.0, 0.005, 0.01])}, [0.0, 0.1, 0.2, 0.3], 1700
    ),
    "epoch-s.csv": Right(
        {"Speed": ("", [100.0] * 3)},
        rows=50,
        start=datetime(2025, 12, 31, 3, 13, 17, 440000, UTC),
    ),
    "epoch-ms.csv": Right(
        {"Speed": ("", [100.0] * 3)},
        rows=50,
        start=datetime.fromtimestamp(1687180408.469, UTC),
    ),
    "rate-360.csv": Right({}, [0.0, 0.002778, 0.005556, 0.008333], 3600),
    "cumulative-distance.csv": Right({"DISTANCE": ("", [0.0, 5.0])}, [0.0, 0.1], 2400),
    "flashback.csv": Right({"LAPDISTANCE": ("", [0.0, 5.0])}, [0.0, 0.1], 960),
    "negative-out-lap.csv": Right({"LAPDISTANCE": ("", [-500.0])}, [0.0, 0.1], 1900),
    "parked-on-the-line.csv": Right({"LAPDISTANCE": ("", [0.0])}, [0.0, 0.1], 2600),
    "teleport-to-pits.csv": Right({"LAPDISTANCE": ("", [0.0])}, [0.0, 0.1], 2071),
    "lap-of-150-m.csv": Right({"LAPDISTANCE": ("", [0.0, 1.0])}, [0.0, 0.1], 450),
    "time-per-lap.csv": Right(
        {"LAPDISTANCE": ("", [0.0, 5.0])}, [0.0, 0.1], 2400, says="begins again 2 times"
    ),
}


def column(recording: Recording, name: str) -> Column:
    return next(column for column in recording.columns if column.name == name)


def test_the_table_names_every_text_file() -> None:
    assert set(RIGHT) == {path.name for path in CASES.iterdir() if path.suffix.lower() == ".csv"}


@pytest.mark.parametrize("name", RIGHT)
def test_right_values(name: str) -> None:
    right = RIGHT[name]
    (recording,) = delimited.read(CASES / name, NO_OPTIONS)
    times = recording.columns[0].times_s
    assert recording.rows == right.rows
    assert times[: len(right.times_s)].tolist() == pytest.approx(right.times_s, abs=1e-6)
    assert recording.start == right.start
    assert recording.left_out == right.left_out
    assert right.says in " | ".join(recording.doubts)
    for name, (unit, values) in right.columns.items():
        assert column(recording, name).unit == unit
        np.testing.assert_array_equal(column(recording, name).values[: len(values)], values)


def test_a_clock_that_begins_again_with_each_lap_goes_on() -> None:
    (recording,) = delimited.read(CASES / "time-per-lap.csv", NO_OPTIONS)
    times = column(recording, "SPEED").times_s
    assert np.diff(times).round(6).tolist() == [0.1] * 2399
    assert times[-1] == pytest.approx(239.9)


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "a.csv"
    path.write_bytes(text.encode(encoding))
    return path


def speeds(path: Path, options: Options = NO_OPTIONS) -> list[float]:
    (recording,) = delimited.read(path, options)
    return [float(value) for value in column(recording, "Speed").values]


TABLES = {
    "semicolons, decimal comma, thousands with points": "Time;Speed\n0,0;1.100,5\n0,1;1.200,5\n",
    "thousands in quotes with decimals": 'Time,Speed\n0.0,"1,100.5"\n0.1,"1,200.5"\n',
    "blanks behind commas": "Time, Speed\n0.0, 1100.5\n0.1, 1200.5\n",
    "blanks between cells": "Time   Speed\n0.0    1100.5\n0.1    1200.5\n",
    "bars": "Time|Speed\n0.0|1100.5\n0.1|1200.5\n",
    "names in a comment": "# Time,Speed\n0.0,1100.5\n0.1,1200.5\n",
    "old line ends": "Time,Speed\r0.0,1100.5\r0.1,1200.5\r",
    "two header rows": "Time,Speed\ns,km/h\n0.0,1100.5\n0.1,1200.5\n",
    "units in brackets": "Time [s],Speed [km/h]\n0.0,1100.5\n0.1,1200.5\n",
    "groups above the names": "Clock,GPS\nTime,Speed\ns,km/h\n0.0,1100.5\n0.1,1200.5\n",
    "a preamble": 'Title\nDriver:,A\nLap,3\n\n"Time","Speed"\n0.0,1100.5\n0.1,1200.5\n',
    "numbers in the preamble": "Rate,20\nLength,138\n\nTime,Speed\n0.0,1100.5\n0.1,1200.5\n",
    "header again": "Time,Speed\n0.0,1100.5\nTime,Speed\n0.1,1200.5\n",
    "minus of typographers": "Time,Speed,X\n0.0,1100.5,−1\n0.1,1200.5,−2\n",
    "exponents": "Time,Speed\n0.0,1.1005e3\n1e-1,1.2005E+03\n",
    "plus signs": "Time,Speed\n+0.0,+1100.5\n+0.1,+1200.5\n",
    "units in cells": "Time,Speed\n0.0 s,1100.5 km/h\n0.1 s,1200.5 km/h\n",
    "no line end": "Time,Speed\n0.0,1100.5\n0.1,1200.5",
    "empty lines": "\n\nTime,Speed\n\n0.0,1100.5\n\n0.1,1200.5\n\n\n",
    "lines of delimiters": "Time,Speed\n,\n0.0,1100.5\n0.1,1200.5\n,\n",
    "day and time": "Date,Time,Speed\n2024-03-04,14:05:06.0,1100.5\n2024-03-04,14:05:06.1,1200.5\n",
    "microseconds": "Time (us),Speed\n0,1100.5\n100000,1200.5\n",
    "minutes and seconds": "Time,Speed\n00:00.0,1100.5\n00:00.1,1200.5\n",
    "days of a spreadsheet": "Time,Speed\n45355.5870833333,1100.5\n45355.5870844907,1200.5\n",
    "time behind": "Speed,Lap,Time\n1100.5,1,0.0\n1200.5,1,0.1\n",
    "names with commas": '"Time","Speed","Temp, oil"\n0.0,1100.5,80\n0.1,1200.5,81\n',
    "row numbers without a name": "Time,Speed\n1,0.0,1100.5\n2,0.1,1200.5\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_every_shape_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        path = write(tmp_path, TABLES[name], encoding)
        (recording,) = delimited.read(path, NO_OPTIONS)
        speed = column(recording, "Speed")
        assert speed.values.tolist() == [1100.5, 1200.5], encoding
        assert speed.times_s.tolist() == pytest.approx([0.0, 0.1], abs=1e-4)


def test_windows_1252_keeps_its_signs(tmp_path: Path) -> None:
    text = "Time,Temp\ns,°C\n" + "".join(f"0.{row},20\n" for row in range(9))
    (recording,) = delimited.read(write(tmp_path, text, "cp1252"), NO_OPTIONS)
    assert recording.encoding == "cp1252"
    assert column(recording, "Temp").unit == "°C"


def test_whole_numbers_in_wide_steps_ask_for_their_unit(tmp_path: Path) -> None:
    path = write(tmp_path, "Timestamp,Speed\n0,100\n20,101\n40,102\n")
    with pytest.raises(LapFileError, match=r"steps of 20 and names no unit; give --time-unit"):
        delimited.read(path, NO_OPTIONS)
    (recording,) = delimited.read(path, Options(time_unit="ms"))
    assert recording.columns[1].times_s.tolist() == [0.0, 0.02, 0.04]


def test_cells_that_are_no_number_are_counted_and_shown(tmp_path: Path) -> None:
    rows = "".join(f"{row / 10},{row}\n" for row in range(30))
    path = write(tmp_path, "Time,Speed\n" + rows + "3.0,broken\n3.1,31\n")
    (recording,) = delimited.read(path, NO_OPTIONS)
    assert np.isnan(column(recording, "Speed").values[30]) or recording.left_out
    assert any("'broken' in line 32" in doubt for doubt in recording.doubts)


def test_lines_that_do_not_fit_are_counted_or_refused(tmp_path: Path) -> None:
    rows = "".join(f"{row / 10},{row}\n" for row in range(30))
    (recording,) = delimited.read(write(tmp_path, "Time,Speed\n" + rows + "3.0"), NO_OPTIONS)
    assert recording.left_out == {"row with more or fewer cells": 1}
    assert recording.rows == 31
    with pytest.raises(LapFileError, match="line 3 has 1 fields, the header has 2; is the file"):
        delimited.read(write(tmp_path, "Time,Speed\n0,1\n0.1"), NO_OPTIONS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("hello world\n", "line 1 begins with 'hello world'"),
        ("Time,Speed\n", "no row of numbers"),
        ("0.0,1\n0.1,2\n", "line 1: the rows begin without a header"),
        ("Time,Speed,Gear\n0,00,100,5,3\n0,02,100,6,3\n", "is the decimal sign a comma"),
        ("Name,Speed\na,1\nb,2\n", "no column of time"),
        ("\x00\x01\x02\x03\x80\x81binary\x00\x00\x07", "this is no text"),
    ],
)
def test_what_is_refused_is_one_line_with_its_cause(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(LapFileError, match=says) as error:
        delimited.read(write(tmp_path, text), NO_OPTIONS)
    assert "\n" not in str(error.value)


def test_time_of_day_goes_on_after_midnight(tmp_path: Path) -> None:
    path = write(tmp_path, "Time,Speed\n23:59:59.5,1\n00:00:00.0,2\n00:00:00.5,3\n")
    (recording,) = delimited.read(path, NO_OPTIONS)
    assert recording.columns[0].times_s.tolist() == [0.0, 0.5, 1.0]


def test_digits_of_a_clock_are_told_from_a_number(tmp_path: Path) -> None:
    text = "Time,Speed\n" + "".join(f"1405{second:02d},5\n" for second in range(50, 60))
    (recording,) = delimited.read(write(tmp_path, text + "140600,5\n140601,6\n"), NO_OPTIONS)
    assert np.diff(recording.columns[0].times_s).tolist() == [1.0] * 11


def test_letters_of_gears_are_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, "Time,Gear\n0.0,N\n0.1,N\n0.2,1\n0.3,R\n")
    (recording,) = delimited.read(path, NO_OPTIONS)
    assert column(recording, "Gear").values.tolist() == [0.0, 0.0, 1.0, -1.0]


def test_long_form_with_units(tmp_path: Path) -> None:
    rows = '"0,0";"Speed";"10,5";"km/h"\n"0,1";"RPM";"900";"rpm"\n"0,2";"Speed";"11,5";"km/h"\n'
    path = write(tmp_path, '"SECONDS";"PID";"VALUE";"UNITS"\n' + rows)
    (recording,) = delimited.read(path, NO_OPTIONS)
    speed, rpm = recording.columns
    assert (speed.name, speed.unit, speed.values.tolist()) == ("Speed", "km/h", [10.5, 11.5])
    assert (rpm.name, rpm.unit, rpm.times_s.tolist()) == ("RPM", "rpm", [0.1])
