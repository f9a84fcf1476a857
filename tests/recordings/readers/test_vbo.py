"""VBOX files in the shapes in which devices and programs write them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from paths import SHARED

from pitwall.channels import names
from pitwall.errors import LapFileError
from pitwall.recordings.readers import vbo
from pitwall.recordings.recording import Options, Recording
from pitwall.recordings.sessions import interpret

SAMPLE = (SHARED / "data" / "formats" / "vbox.vbo").read_bytes()[:6000].rpartition(b"\r\n")[0]
NAMES = [
    "sats",
    "lat",
    "long",
    "velocity",
    "heading",
    "longacc",
    "latacc",
    "Throttle",
    "Water_Temp",
]


def read(folder: Path, data: bytes) -> Recording:
    path = folder / "a.vbo"
    path.write_bytes(data)
    assert vbo.recognises(path, data)
    (recording,) = vbo.read(path, Options(day_first=True))
    return recording


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data,
        lambda data: data.replace(b"\r\n", b"\n"),
        lambda data: data.replace(b"\r\n", b" \r\n"),
        lambda data: data.replace(b".", b","),
        lambda data: data.replace(b" at 14:07:30", b" @ 14:07"),
        lambda data: data + b"\r\n\r\n",
    ],
)
def test_shapes(change: object, tmp_path: Path) -> None:
    recording = read(tmp_path, change(SAMPLE))  # type: ignore[operator]
    assert [column.name for column in recording.columns] == NAMES
    assert [column.values[-1] for column in recording.columns[1:3]] == [30.04396, 1829.79529]
    assert recording.start is not None
    assert recording.start.isoformat() == "2024-03-04T14:05:06+00:00"
    assert recording.columns[0].times_s[:2].tolist() == [0.0, 0.05]


def test_names_and_units_of_the_header_where_names_are_missing(tmp_path: Path) -> None:
    data = re.sub(rb"\[column names\]\r\n.*\r\n", b"", SAMPLE)
    columns = {column.name: column.unit for column in read(tmp_path, data).columns}
    assert columns["velocity"] == "kmh"
    assert columns["lat_accel"] == "g"
    assert columns["longitude"] == "arcmin"


def test_degrees_are_told_from_minutes(tmp_path: Path) -> None:
    data = re.sub(rb"\+0030\.\d+ \+01829\.\d+", b"51.50012 -0.90021", SAMPLE)
    columns = {column.name: column for column in read(tmp_path, data).columns}
    assert (columns["lat"].unit, columns["lat"].values[-1]) == ("deg", 51.50012)


def test_a_cut_row_is_counted_and_a_cut_header_refused(tmp_path: Path) -> None:
    assert read(tmp_path, SAMPLE[:-20]).left_out == {"row with more or fewer cells": 1}
    with pytest.raises(LapFileError, match=r"no section \[data\]; is the file truncated"):
        read(tmp_path, SAMPLE[:300])


def driven(folder: Path, east: float, minutes: float, heading: bool = True) -> Recording:
    """A car that goes north-east at 36 km/h, from 50° N 6° E; `east` is 1 where east is above 0."""
    rows = []
    for row in range(100):
        latitude, longitude = 50 + row * 6e-6, 6 + row * 9e-6
        course = "045.00" if heading else "000.00"
        sats = 8 + 64 * (row > 50) + 128 * (row % 9 == 0)
        rows.append(
            f"{sats:03d} 1405{row / 10:05.2f} {latitude * minutes:+.6f} "
            f"{longitude * minutes * east:+.6f} 036.000 {course}"
        )
    names = "[column names]\r\nsats time lat long velocity heading\r\n"
    return read(folder, (names + "[data]\r\n" + "\r\n".join(rows) + "\r\n").encode())


@pytest.mark.parametrize("minutes", [1, 60])
@pytest.mark.parametrize("east", [1, -1])
def test_the_heading_tells_which_longitude_is_positive(
    tmp_path: Path, east: float, minutes: float
) -> None:
    recording = driven(tmp_path, east, minutes)
    reading = interpret(recording, Options(), names.load())
    longitude = reading.session.values[:, reading.session.names.index("Longitude")]
    assert longitude[0] == pytest.approx(6.0) and longitude[-1] == pytest.approx(6.000891)
    said = "counts east as positive" in " ".join(recording.doubts)
    assert said is (east > 0)


def test_without_a_heading_minutes_count_west_and_degrees_east(tmp_path: Path) -> None:
    assert driven(tmp_path, -1, 60, heading=False).columns[2].name == "long"
    degrees = driven(tmp_path, 1, 1, heading=False)
    assert degrees.columns[2].name == "long (east)"
    assert "long is in degrees: east is taken as positive" in degrees.doubts


def test_flags_in_the_number_of_satellites_are_no_satellites(tmp_path: Path) -> None:
    assert set(driven(tmp_path, -1, 60).columns[0].values) == {8.0}
