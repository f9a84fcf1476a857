"""Every file of the invented drive becomes the channels, the speeds and the laps of its truth."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from paths import SHARED

from pitwall.channels.channel import channel_id
from pitwall.recordings.files import readings
from pitwall.recordings.recording import Options
from pitwall.recordings.sessions import Reading

FORMATS = SHARED / "data" / "formats"
README = FORMATS / "README.md"
FACTORS = {"5/9, then −160/9": 5 / 9, "−180/π": -180 / math.pi, "−1/9.80665": -1 / 9.80665}
FACTORS |= {"1/60": 1 / 60, "−1/60": -1 / 60}
BY_SIGN_OF_CELLS = {("gpslogger-units-in-cells.csv", "Longitude")}
"""The file's other column gives the sign, so the reader applies it and not the factor."""

pytestmark = pytest.mark.skipif(not README.exists(), reason=f"no {README}; set PITWALL_SHARED")


@cache
def reading(name: str) -> Reading:
    rate = 60.0 if name.startswith("iracing") else None
    options = Options(rate_hz=rate, lap_length_m=2000.0 if rate else None)
    (only,) = readings([FORMATS / name], options)
    return only


def text() -> str:
    return README.read_text() if README.exists() else ""


def table(heading: str) -> list[list[str]]:
    """The rows of the table below a heading of the README."""
    part = text().partition(f"{heading}\n")[2].split("\n#")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names() -> list[str]:
    return re.findall(r"^### (\S+)$", text(), re.MULTILINE)


@pytest.mark.parametrize("name", names())
def test_channels_have_the_factors_of_the_truth(name: str) -> None:
    by_channel = {
        channel.channel: channel
        for channel in reading(name).channels
        if channel.canonical_unit is not None
    }
    for column, _, canonical, factor, *_ in table(f"### {name}"):
        if canonical == "–":
            continue
        channel = canonical.split()[0]
        assert channel in by_channel, (column, canonical)
        if channel == "Gear" or (name, channel) in BY_SIGN_OF_CELLS:
            continue
        expected = FACTORS[factor] if factor in FACTORS else float(factor.replace("−", "-"))
        assert by_channel[channel].factor == pytest.approx(expected, rel=1e-12), column


@pytest.mark.parametrize("name", names())
def test_what_is_no_channel_is_not_taken_for_one(name: str) -> None:
    taken = {
        (channel_id(channel.source), channel.unit)
        for channel in reading(name).channels
        if channel.canonical_unit is not None and channel.column >= 0
    }
    wanted = {channel_id(row[0]) for row in table(f"### {name}") if row[2] != "–"}
    for column, unit, canonical, *_ in table(f"### {name}"):
        if canonical == "–" and channel_id(column) not in wanted:
            plain = re.sub(r"\s*\([^()]*\)`$", "", column)
            assert (channel_id(plain), unit) not in taken, column
            assert (channel_id(column), "") not in taken, column


@pytest.mark.parametrize("row", table("## Speed"), ids=lambda row: str(row[0]))
def test_speeds_are_those_of_the_text(row: list[str]) -> None:
    name = row[0].strip("`")
    session = reading(name).session
    known = np.isfinite(session.channel("Speed"))
    times, speeds = session.times_s[known], session.channel("Speed")[known]
    for at, kph in zip(row[1::2], row[2::2], strict=True):
        nearest = int(np.argmin(np.abs(times - float(at))))
        assert times[nearest] == pytest.approx(float(at), abs=6e-4)
        assert speeds[nearest] == pytest.approx(float(kph), abs=1e-3)


@pytest.mark.parametrize("row", table("## Laps"), ids=lambda row: str(row[0]))
def test_whole_laps_are_those_of_the_drive(row: list[str]) -> None:
    name, _, lap_times, tolerance = (cell.strip("`") for cell in row[:4])
    whole = [lap.duration_s for lap in reading(name).laps if lap.whole]
    expected = [] if lap_times == "–" else [float(each) for each in lap_times.split(",")]
    assert len(whole) == len(expected)
    for found, truth in zip(whole, expected, strict=True):
        assert found == pytest.approx(truth, abs=float(tolerance))


@pytest.mark.parametrize("name", ["vbox.vbo", "aim-race-studio.csv", "racechrono-v2.csv"])
def test_positions_become_metres(name: str) -> None:
    session = reading(name).session
    x, z = session.channel("PositionX"), session.channel("PositionZ")
    known = np.isfinite(x) & np.isfinite(z)
    # An ellipse of 2,000 m, twice as long as wide.
    long, short = sorted((np.ptp(x[known]), np.ptp(z[known])))[::-1]
    assert short == pytest.approx(412.9, abs=1)
    assert long == pytest.approx(825.7, abs=1)
    way = np.hypot(np.diff(x[known]), np.diff(z[known])).sum()
    assert way == pytest.approx(6350, rel=0.01)


def test_a_lap_distance_is_derived_where_markers_tell_the_laps() -> None:
    session = reading("motec-i2.csv").session
    distance = session.channel("LapDistance")
    assert np.isnan(session.channel("Distance")).sum() == 0
    lap = (session.times_s > 12.1) & (session.times_s < 51.9)
    assert (np.diff(distance[lap]) > 0).all()
    assert distance[lap][-1] == pytest.approx(2000, abs=20)


def test_every_file_is_listed() -> None:
    listed = {path.name for path in FORMATS.iterdir() if path.suffix != ".md"}
    assert listed == set(names())


def test_folder_of_all_files_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "A.CSV").write_text("TIME,SPEED\n0,1\n1,2\n")
    (tmp_path / "notes.txt").write_text("Rain in the morning.\n")
    (tmp_path / "laps.csv").write_text("an index\n")
    (only,) = readings([tmp_path])
    assert only.session.session == "20000101-000000-A"
