"""Every text file of the folder of formats, against the truth in its README."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from paths import SHARED

from pitwall.errors import LapFileError
from pitwall.recordings.files import HEAD_BYTES, READERS
from pitwall.recordings.readers import aim_csv, delimited, motec_csv, vbo
from pitwall.recordings.recording import Options, Recording

FORMATS = SHARED / "data" / "formats"
SPECIAL = tuple(reader for reader in READERS if reader is not delimited)
START = datetime(2024, 3, 4, 14, 5, 6, tzinfo=UTC)
MIDNIGHT = datetime(2024, 3, 4, tzinfo=UTC)
MARKERS = (12.023, 52.023, 91.223, 132.023)
LINE = (0.4994866, -30.4964317, 209.9)
"""Latitude, longitude and heading of the line, as the README tells them."""
OPTIONS = {"iracing-garage61.csv": Options(rate_hz=60)}


@dataclass(frozen=True)
class Truth:
    """What the README says of one file, besides its speed."""

    format: str
    clock: str
    speed: str
    """Name of the column of the speed."""
    source: str = ""
    start: datetime | None = None
    zone_told: bool = False
    markers_s: tuple[float, ...] = ()
    within_s: float = 1e-9
    """Tolerance of the markers."""
    lap_column: str | None = None
    left_out: tuple[tuple[str, int], ...] = ()


CALLED_TWICE = "row that repeats the one before"
TRUTHS = {
    "motec-i2.csv": Truth("motec-csv", "Time", "Vehicle Speed", markers_s=MARKERS),
    "motec-i2-decimal-comma.csv": Truth(
        "motec-csv", "Time", "Ground Speed", start=START, markers_s=MARKERS
    ),
    "aim-race-studio.csv": Truth(
        "aim-csv", "Time", "GPS Speed", start=START.replace(second=0), markers_s=MARKERS
    ),
    "aim-mph.csv": Truth("aim-csv", "Time", "GPS_Speed", markers_s=MARKERS),
    "racechrono-v3.csv": Truth(
        "racechrono-csv",
        "timestamp",
        "speed",
        "100: gps",
        START,
        True,
        MARKERS,
        1e-6,
        "lap_number",
        ((CALLED_TWICE, 14),),
    ),
    "racechrono-v2.csv": Truth(
        "racechrono-csv",
        "Time",
        "Speed",
        "",
        START,
        True,
        MARKERS,
        1e-6,
        "Lap #",
        ((CALLED_TWICE, 6),),
    ),
    "trackaddict.csv": Truth(
        "trackaddict-csv",
        "Time",
        "Speed",
        "",
        START,
        True,
        MARKERS,
        1e-6,
        "Lap",
        (("comment line", 6),),
    ),
    "racebox.csv": Truth("csv", "Time", "KPH", lap_column="Lap"),
    "vbox.vbo": Truth("vbo", "time", "velocity"),
    "harrys-laptimer.csv": Truth(
        "harrys-csv", "DATE and TIME", "SPEED", start=START, lap_column="LAPINDEX"
    ),
    "iracing-garage61.csv": Truth("csv", "", "Speed"),
    "f1-game.csv": Truth("csv", "Timestamp", "Speed", "", START, True, lap_column="LapNumber"),
    "fastf1.csv": Truth("csv", "Time", "Speed", start=START),
    "ecumaster.csv": Truth("csv", "TIME", "vehicle/speed"),
    "romraider-semicolon-decimal-comma.csv": Truth("csv", "Time", "Vehicle Speed"),
    "bluedriver-utf16.csv": Truth(
        "csv", "Time", "Vehicle Speed", start=datetime(2024, 3, 4, tzinfo=UTC)
    ),
    "torque.csv": Truth("csv", "Device Time", "GPS Speed", start=START),
    "cobb-units-in-names.csv": Truth("csv", "Time", "Vehicle Speed"),
    "racecapture.log": Truth(
        "racecapture-log", "Interval", "Speed", "", None, False, MARKERS, 0.5, "LapCount"
    ),
    "gpslogger-units-in-cells.csv": Truth("csv", "DATE and TIME", "SPEED", start=START),
    "formula-student-can.csv": Truth("csv", "TIMESTAMP", "SPEED", start=START, lap_column="LAPS"),
    "perrinn-vpp.csv": Truth("csv", "TIME", "SPEED"),
    "multi-rate-long.csv": Truth("csv", "time", "Speed"),
}
UNITS = {
    "motec-i2.csv": ["s", "m", "km/h", "G", "G", "%", "%", "", "deg"],
    "motec-i2-decimal-comma.csv": ["s", "m", "G", "", "km/h", "%"],
    "aim-race-studio.csv": ["s", "km/h", "g", "g", "deg", "deg", "rpm", "C", "%", ""],
    "aim-mph.csv": ["sec", "km", "deg", "g", "g", "#", "rpm", "%", "mph"],
    "racechrono-v3.csv": ["", "", "s", "m", "m/s", "G", "m/s", "rpm", "m/s"],
    "romraider-semicolon-decimal-comma.csv": ["msec", "km/h", "rpm", "%", "C", "position"],
    "bluedriver-utf16.csv": ["s", "km/h", "RPM", "%", "°C"],
    "cobb-units-in-names.csv": ["sec", "%", "C", "Gear", "RPM", "%", "kph", ""],
    "gpslogger-units-in-cells.csv": ["", "", "", "m", "km/h", "m"],
    "perrinn-vpp.csv": ["", "s", "m", "s", "°", "%", "%", "", "km/h", "km", "G", "G", ""],
    "vbox.vbo": ["", "arcmin", "arcmin", "kmh", "", "g", "g", "%", "°C"],
    "racecapture.log": [
        *("ms", "F", "Pct", "Units", "RPM", "G", "G", "Deg_Sec", "", "seconds", "deg", "deg"),
        *("MPH", "Time"),
    ],
}
"""Units of all columns, in the order of the file."""


@cache
def readme() -> str:
    return (FORMATS / "README.md").read_text(encoding="utf-8")


def table(section: str) -> dict[str, list[str]]:
    """The rows of the tables in a section of the README, by what their first cell says in code."""
    text = readme().split(f"## {section}\n", 1)[1].split("\n## ")[0].split("\n### ")[0]
    rows = (
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| `")
    )
    return {row[0].strip("`| "): row[1:] for row in rows}


@cache
def read(name: str) -> Recording:
    path = FORMATS / name
    head = path.read_bytes()[:HEAD_BYTES]
    readers = [reader for reader in SPECIAL if reader.recognises(path, head)]
    assert len(readers) <= 1
    recording, *more = (readers or [delimited])[0].read(path, OPTIONS.get(name, Options()))
    assert not more
    return recording


def test_the_table_names_every_file() -> None:
    files = {path.name for path in FORMATS.iterdir() if path.suffix != ".md"}
    assert set(TRUTHS) == files == set(table("Speed"))


@pytest.mark.parametrize("name", TRUTHS)
def test_rows_clock_start_and_laps(name: str) -> None:
    recording, truth = read(name), TRUTHS[name]
    row = table("Files")[name]
    times = np.concatenate([column.times_s for column in recording.columns])
    first, last = (float(text) for text in row[3].split(" to "))
    assert recording.rows == int(row[1].replace(",", ""))
    assert times.min() == pytest.approx(first, abs=1e-6)
    assert times.max() == pytest.approx(last, abs=1e-4)
    assert (recording.format, recording.clock) == (truth.format, truth.clock)
    assert recording.start == truth.start
    assert recording.zone_told == (truth.zone_told and truth.start is not None)
    assert recording.beacons_s == pytest.approx(truth.markers_s, abs=truth.within_s)
    assert recording.lap_column == truth.lap_column
    assert recording.left_out == dict(truth.left_out)
    assert all(column.times_s.shape == column.values.shape for column in recording.columns)


@pytest.mark.parametrize("name", TRUTHS)
def test_the_speed_is_what_the_file_says(name: str) -> None:
    truth = TRUTHS[name]
    speed = next(
        column
        for column in read(name).columns
        if (column.name, column.source) == (truth.speed, truth.source)
    )
    factor = speed_factor(name)
    cells = [float(cell) for cell in table("Speed")[name]]
    known = np.isfinite(speed.values)
    times, values = speed.times_s[known], speed.values[known]
    for at, kph in zip(cells[::2], cells[1::2], strict=True):
        nearest = int(np.abs(times - at).argmin())
        assert times[nearest] == pytest.approx(at, abs=1.1e-3)
        assert values[nearest] * factor == pytest.approx(kph, abs=1e-3)


def speed_factor(name: str) -> float:
    """Factor of the speed in the README's table of the file's channels."""
    section = readme().split(f"### {name}\n", 1)[1].split("\n### ")[0]
    found = re.search(r"\| Speed km/h \| ([\d.]+) \|", section)
    assert found
    return float(found[1])


@pytest.mark.parametrize("name", UNITS)
def test_units_are_those_of_the_file(name: str) -> None:
    assert [column.unit for column in read(name).columns] == UNITS[name]


def test_day_and_month_are_asked_where_the_file_does_not_decide() -> None:
    for name in ("motec-i2.csv", "aim-mph.csv"):
        reader = motec_csv if name.startswith("motec") else aim_csv
        assert any("--day-first" in doubt for doubt in read(name).doubts)
        day_first = reader.read(FORMATS / name, Options(day_first=True))[0]
        month_first = reader.read(FORMATS / name, Options(day_first=False))[0]
        starts = {"motec-i2.csv": (START, START.replace(month=4, day=3))}
        expected = starts.get(name, (START.replace(month=4, day=3), START))
        assert (day_first.start, month_first.start) == expected


def test_a_file_with_the_day_alone_says_so() -> None:
    recording = read("bluedriver-utf16.csv")
    assert recording.day_only
    assert recording.encoding == "utf-16"
    assert not read("motec-i2.csv").day_only


def test_the_line_of_a_vbox_and_of_trackaddict() -> None:
    vbox = vbo.read(FORMATS / "vbox.vbo", Options(day_first=True))[0]
    assert vbox.start == START
    assert vbox.zone_told
    for line in (vbox.line, read("trackaddict.csv").line):
        assert line is not None
        assert line[:2] == pytest.approx(LINE[:2], abs=1e-5)
        assert line.heading_deg == pytest.approx(LINE[2], abs=0.1)


def test_a_hemisphere_in_the_next_cell_is_a_sign() -> None:
    longitude = next(
        c for c in read("gpslogger-units-in-cells.csv").columns if c.name == "LONGITUDE"
    )
    assert longitude.values[0] == -30.496588


@pytest.mark.parametrize(
    ("header", "cells", "says"),
    [
        ("UTC DATE,UTC TIME", "2024/08/21,14:05:0{}", None),
        ("Date,Time", "2024/08/21,14:05:0{}", "name no time zone"),
        ("GPS Time (UTC)", "2024-08-21 14:05:0{}", None),
        ("Time", "Wed Aug 21 14:05:0{} GMT+01:00 2024", None),
        ("Summary Time", "2024-08-21 14:05:0{}", "names no time zone"),
    ],
)
def test_a_zone_that_the_heading_tells_is_not_doubted(
    tmp_path: Path, header: str, cells: str, says: str | None
) -> None:
    file = tmp_path / "log.csv"
    file.write_text(
        f"{header},Speed km/h\n" + "".join(f"{cells.format(i)},{100 + i}\n" for i in range(9))
    )
    [recording] = delimited.read(file, Options())
    doubts = [doubt for doubt in recording.doubts if "zone" in doubt]
    assert doubts == [] if says is None else says in doubts[0]


def test_a_zone_by_letters_can_be_several(tmp_path: Path) -> None:
    file = tmp_path / "log.msl"
    rows = "".join(f"{i / 10}\t{4000 + i}\t{80 + i}\n" for i in range(20))
    capture = '"Capture Date: Wed Aug 21 14:05:00 BST 2024"'
    file.write_text(f'"MS3 Format 0570.04P"\n{capture}\nTime\tRPM\tSpeed\ns\trpm\tkm/h\n{rows}')
    [recording] = delimited.read(file, Options())
    assert recording.start == datetime(2024, 8, 21, 14, 5, tzinfo=UTC)
    assert any("BST can be several time zones" in doubt for doubt in recording.doubts)


@pytest.mark.parametrize(
    "markers",
    ['"5","65.5","125"', '"0:05.000","1:05.500","2:05.000"', '"0:00:05 0:01:05.5 2:05.0"'],
)
def test_markers_may_be_clocks_that_count_from_zero(tmp_path: Path, markers: str) -> None:
    file = tmp_path / "kart.csv"
    rows = "".join(f'"{i / 2:.3f}","{100 + i % 7}.5"\n' for i in range(400))
    file.write_text(
        f'"Format","AiM CSV File"\n"Beacon Markers",{markers}\n\n'
        f'"Time","GPS Speed"\n"s","km/h"\n{rows}'
    )
    [recording] = aim_csv.read(file, Options())
    assert recording.beacons_s == (5.0, 65.5, 125.0)


def test_marks_of_the_driver_are_no_rows(tmp_path: Path) -> None:
    """A short MegaSquirt log with marks was refused: its lines had different numbers of cells."""
    file = tmp_path / "log.msl"
    mark = "MARK 001 - Manual - Sat Mar 02 14:05:07 EST 2024\n"
    rows = "".join(f"{i / 10}\t{3000 + i}\t{i}.0\n" + mark * (i in (0, 3, 4)) for i in range(6))
    file.write_text(f'"MS3 Format 0435.14P"\nTime\tRPM\tTPS\ns\trpm\t%\n{rows}')
    [recording] = delimited.read(file, Options())
    assert recording.left_out == {"comment line": 3}
    assert next(c for c in recording.columns if c.name == "RPM").values.tolist() == [
        3000 + i for i in range(6)
    ]


def test_booleans_are_marked() -> None:
    marked = [column.name for column in read("fastf1.csv").columns if column.boolean]
    assert marked == ["Brake"]


def test_columns_of_text_are_named() -> None:
    assert (
        "columns without numbers are left out: DriverStatus, PitStatus, SessionId"
        in read("f1-game.csv").doubts
    )


def test_channels_of_the_long_form_keep_their_own_times() -> None:
    columns = {column.name: column for column in read("multi-rate-long.csv").columns}
    assert len(columns) == 7
    assert columns["Speed"].times_s[:3].tolist() == [0.0, 0.05, 0.1]
    assert columns["LapDistance"].times_s[:2].tolist() == [0.01, 0.11]
    assert columns["LapDistance"].values[:2].tolist() == [1850.0, 1850.0]


def test_a_table_without_a_clock_asks_for_its_rate() -> None:
    with pytest.raises(LapFileError, match=r"no column of time.*--rate-hz"):
        delimited.read(FORMATS / "iracing-garage61.csv", Options())


def test_vehicle_and_driver() -> None:
    assert (read("motec-i2.csv").vehicle, read("motec-i2.csv").driver) == ("Car A", "Driver A")
    assert read("racechrono-v2.csv").driver == "Driver A"


def test_special_readers_take_their_own_files_alone() -> None:
    for path in sorted((SHARED / "data" / "cases").glob("*.csv")):
        head = path.read_bytes()[:HEAD_BYTES]
        takers = [reader.NAME for reader in SPECIAL if reader.recognises(path, head)]
        assert takers == (["trackaddict-csv"] if path.name == "comment-lines.csv" else [])
        assert delimited.recognises(path, head)
