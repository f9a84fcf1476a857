"""Laps of the small cases and of the formats' one drive, by each kind of evidence."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paths import SHARED

from pitwall.recordings.lap_evidence import Evidence, Series, TimedLap
from pitwall.recordings.lap_rule import parts
from pitwall.recordings.laps import find_laps, lap_distance
from pitwall.recordings.recording import Line

CASES, FORMATS = SHARED / "data" / "cases", SHARED / "data" / "formats"
LINE = Line(0.4994866, -30.4964317, 209.9)
BEACONS = (12.023, 52.023, 91.223, 132.023)
LAPS = [40.0, 39.2, 40.8]


def series(rows: pd.DataFrame, time: str, name: str, factor: float = 1.0) -> Series:
    """The samples of one column; of rows with one time the last one."""
    known = rows[rows[name].notna()].drop_duplicates(time, keep="last")
    return known[time].to_numpy(float), known[name].to_numpy(float) * factor


def position(rows: pd.DataFrame, time: str, latitude: str, longitude: str):  # type: ignore[no-untyped-def]
    times, degrees = series(rows, time, latitude)
    return times, degrees, series(rows, time, longitude)[1]


def case(name: str, **told: float) -> Evidence:
    """One of the small cases."""
    rows = pd.read_csv(CASES / name, skiprows=[1] if "km" in name else None)
    distance = "DISTANCE" if "DISTANCE" in rows else "LAPDISTANCE"
    return Evidence(
        distance_m=series(rows, "TIME", distance, 1000 if "km" in name else 1),
        speed_kph=series(rows, "TIME", "SPEED"),
        lap_length_m=told.get("lap_length_m"),
    )


def table(name: str, first: str, encoding: str = "utf-8", below: int = 1) -> pd.DataFrame:
    """The rows of a text file whose header begins with `first`; `below`: lines of the header."""
    lines = (FORMATS / name).read_text(encoding).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(first))
    return pd.read_csv(io.StringIO("\n".join([lines[at], *lines[at + below :]])))


def motec() -> Evidence:
    rows = table("motec-i2.csv", '"Time"', below=4)
    return Evidence(
        beacons_s=BEACONS,
        distance_m=series(rows, "Time", "Distance"),
        speed_kph=series(rows, "Time", "Vehicle Speed"),
    )


def aim() -> Evidence:
    """The last marker is the end of the recording, and there is no distance."""
    speed = motec().speed_kph
    return Evidence(beacons_s=(*BEACONS, 138.0), speed_kph=speed)


def racechrono_3() -> Evidence:
    rows = table("racechrono-v3.csv", "timestamp", below=3)
    rows["t"] = rows["timestamp"] - 1709561106
    return Evidence(
        lap_number=series(rows, "t", "lap_number"),
        distance_m=series(rows, "t", "distance_traveled"),
        speed_kph=series(rows, "t", "speed", 3.6),
    )


def racechrono_2() -> Evidence:
    """The lap number comes with the first line and ends with the last one."""
    rows = table("racechrono-v2.csv", "Time (s)")
    rows["t"] = rows["Time (s)"] - 1709561106
    return Evidence(
        lap_number=series(rows, "t", "Lap #"),
        position=position(rows, "t", "Latitude (deg)", "Longitude (deg)"),
        speed_kph=series(rows, "t", "Speed (m/s)", 3.6),
    )


def trackaddict() -> Evidence:
    """The lap number follows a position that is held for two rows; the file tells the line."""
    rows = pd.read_csv(FORMATS / "trackaddict.csv", comment="#")
    return Evidence(
        lap_number=series(rows, "Time", "Lap"),
        line=Line(0.49949, -30.49643, 209.92),
        position=position(rows, "Time", "Latitude", "Longitude"),
        speed_kph=series(rows, "Time", "Speed (Km/h)"),
    )


def racebox() -> Evidence:
    rows = pd.read_csv(FORMATS / "racebox.csv")
    return Evidence(
        lap_number=series(rows, "Time", "Lap"),
        position=position(rows, "Time", "Latitude", "Longitude"),
        speed_kph=series(rows, "Time", "KPH"),
    )


def harry() -> Evidence:
    rows = table("harrys-laptimer.csv", "INDEX")
    rows["t"] = pd.to_timedelta(rows["TIME"]).dt.total_seconds() - 50706
    return Evidence(
        lap_number=series(rows, "t", "LAPINDEX"),
        position=position(rows, "t", "LATITUDE", "LONGITUDE"),
        speed_kph=series(rows, "t", "SPEED_KPH"),
    )


def racecapture() -> Evidence:
    """The lap number comes once a second, the position ten times."""
    lines = (FORMATS / "racecapture.log").read_text().splitlines()
    names = [cell.split("|")[0].strip('"') for cell in lines[0].split(",")]
    rows = pd.read_csv(io.StringIO("\n".join(lines[1:])), header=None, names=names)
    rows["t"] = rows["Interval"] / 1000
    return Evidence(
        lap_number=series(rows, "t", "LapCount"),
        position=position(rows, "t", "Latitude", "Longitude"),
        speed_kph=series(rows, "t", "Speed", 1.609344),
    )


def formula_student() -> Evidence:
    rows = pd.read_csv(FORMATS / "formula-student-can.csv")
    rows["t"] = pd.to_datetime(rows["TIMESTAMP"]).astype("datetime64[ns]").astype(int) / 1e9
    rows["t"] -= rows["t"].iloc[0]
    return Evidence(
        lap_number=series(rows, "t", "LAPS"),
        distance_m=series(rows, "t", "DIST"),
        speed_kph=series(rows, "t", "SPEED"),
    )


def vbox() -> Evidence:
    lines = (FORMATS / "vbox.vbo").read_text("cp1252").splitlines()
    columns = lines[lines.index("[column names]") + 1]
    text = "\n".join([columns, *lines[lines.index("[data]") + 1 :]])
    rows = pd.read_csv(io.StringIO(text), sep=" ", dtype={"time": str})
    rows["t"] = pd.to_timedelta(
        rows["time"].str.replace(r"^(..)(..)", r"\1:\2:", regex=True)
    ).dt.total_seconds()
    rows["t"] = (rows["t"] - rows["t"].iloc[0]).round(3)
    times, minutes, west = position(rows, "t", "lat", "long")
    return Evidence(
        line=LINE,
        position=(times, minutes / 60, -west / 60),
        speed_kph=series(rows, "t", "velocity"),
    )


def f1_game() -> Evidence:
    """The lap number does not change at the first line; the distance begins before it."""
    rows = pd.read_csv(FORMATS / "f1-game.csv")
    rows["t"] = (rows["Timestamp"] - 1709561106000) / 1000
    return Evidence(
        lap_number=series(rows, "t", "LapNumber"),
        distance_m=series(rows, "t", "LapDistance"),
        speed_kph=series(rows, "t", "Speed"),
    )


def perrinn() -> Evidence:
    rows = pd.read_csv(FORMATS / "perrinn-vpp.csv", skiprows=[1])
    return Evidence(
        distance_m=series(rows, "TIME", "LAPDISTANCE", 1000),
        speed_kph=series(rows, "TIME", "SPEED"),
    )


def multi_rate() -> Evidence:
    rows = pd.read_csv(FORMATS / "multi-rate-long.csv")
    return Evidence(
        distance_m=series(rows[rows["channel"] == "LapDistance"], "time", "value"),
        speed_kph=series(rows[rows["channel"] == "Speed"], "time", "value"),
    )


def times(laps: list[TimedLap]) -> list[float]:
    return [lap.duration_s for lap in laps if lap.whole]


@pytest.mark.parametrize(
    ("evidence", "told_by", "tolerance_s", "start_s"),
    [
        (motec, "marker", 0.001, 0.001),
        (aim, "marker", 0.001, 0.001),
        (racechrono_3, "lap number", 0.002, 0.001),
        (racechrono_2, "lap number", 0.002, 0.001),
        (trackaddict, "lap number", 0.002, 0.02),
        (racebox, "lap number", 0.05, 0.03),
        (harry, "lap number", 0.011, 0.004),
        (racecapture, "lap number", 0.031, 1.0),
        (formula_student, "lap number", 0.1, 0.08),
        (vbox, "line", 0.02, 0.001),
        (f1_game, "distance", 0.02, 0.001),
        (perrinn, "distance", 0.02, 0.001),
        (multi_rate, "distance", 0.02, 0.001),
    ],
)
def test_the_drive_has_three_whole_laps(
    evidence: Callable[[], Evidence], told_by: str, tolerance_s: float, start_s: float
) -> None:
    laps = find_laps(evidence())
    assert [lap.kind for lap in laps] == ["out", "timed", "timed", "timed", "in"]
    assert [lap.whole for lap in laps] == [False, True, True, True, False]
    assert {lap.told_by for lap in laps} == {told_by}
    assert times(laps) == pytest.approx(LAPS, abs=tolerance_s)
    assert [lap.start_s for lap in laps[1:]] == pytest.approx(BEACONS, abs=start_s)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("negative-out-lap.csv", [80.0, 80.0]),
        ("parked-on-the-line.csv", [80.0, 100.0]),
        ("teleport-to-pits.csv", [80.0, 80.07]),
        ("flashback.csv", []),
        ("cumulative-distance.csv", []),
        ("lap-of-150-m.csv", [15.0, 15.0]),
        ("distance-km.csv", [80.0, 80.0]),
    ],
)
def test_the_small_cases(name: str, wanted: list[float]) -> None:
    laps = find_laps(case(name))
    assert times(laps) == pytest.approx(wanted, abs=0.05)
    assert all(lap.duration_s > 1 for lap in laps), "jitter on the line is no lap"
    if name == "negative-out-lap.csv":
        assert [lap.start_s for lap in laps[1:]] == pytest.approx([10, 90, 170], abs=1e-9)
        assert laps[0].kind == "out"
    if name == "teleport-to-pits.csv":
        assert [lap.whole for lap in laps] == [True, False, True, False]
    if name == "flashback.csv":
        assert [lap.end_s for lap in laps] == pytest.approx([90.0, 95.9])


def test_a_distance_that_runs_on_is_folded_by_the_length_that_the_user_tells() -> None:
    laps = find_laps(case("cumulative-distance.csv", lap_length_m=4000.0))
    assert times(laps) == pytest.approx([80.0, 80.0, 80.0], abs=1e-6)


def test_one_exported_lap_is_whole_where_it_begins_and_ends_a_sample_from_the_line() -> None:
    rows = pd.read_csv(FORMATS / "iracing-garage61.csv")
    rows["t"] = np.arange(len(rows)) / 60
    evidence = Evidence(
        lap_fraction=series(rows, "t", "LapDistPct"), speed_kph=series(rows, "t", "Speed", 3.6)
    )
    (lap,) = find_laps(evidence)
    assert lap.whole and lap.duration_s == pytest.approx(39.2, abs=0.001)
    metres = lap_distance(evidence, [lap], rows["t"].to_numpy())
    assert metres[-1] == pytest.approx(2000, abs=2)


def test_positions_alone_tell_no_laps_without_a_line() -> None:
    where = racebox().position
    assert find_laps(Evidence(position=where)) == []
    assert times(find_laps(Evidence(position=where, line=LINE))) == pytest.approx(LAPS, abs=0.002)


@pytest.mark.parametrize(
    "evidence",
    [motec, aim, racechrono_3, racechrono_2, trackaddict, racebox, harry, racecapture, vbox],
)
def test_the_rule_of_distance_finds_the_same_lines_in_the_distance_that_is_sent(
    evidence: Callable[[], Evidence],
) -> None:
    drive = evidence()
    laps = find_laps(drive)
    assert drive.speed_kph is not None
    seconds = np.round(drive.speed_kph[0] * 1e6) * 1e-6
    metres = lap_distance(drive, laps, seconds)
    sent = np.isfinite(metres)
    found = parts(seconds[sent], metres[sent])
    assert [part.start_s for part in found[1:]] == pytest.approx(
        [lap.start_s for lap in laps[1:]], abs=1e-7
    )
    circuit = found[1].length_m
    assert circuit == pytest.approx(2000, abs=1)
    assert [part.whole(circuit) for part in found] == [lap.whole for lap in laps]
    assert metres[0] == pytest.approx(-150, abs=3), "the out-lap is before the line"


def test_the_files_own_lap_distance_is_sent_as_it_is() -> None:
    for drive in (f1_game(), perrinn(), case("parked-on-the-line.csv")):
        assert drive.distance_m is not None
        seconds, metres = drive.distance_m
        sent = lap_distance(drive, find_laps(drive), np.round(seconds * 1e6) * 1e-6)
        assert sent.tolist() == metres.tolist()


def test_nothing_tells_no_laps() -> None:
    assert find_laps(Evidence()) == []
    assert find_laps(Evidence(beacons_s=(3.0,))) == []
    empty = (np.empty(0), np.empty(0))
    assert find_laps(Evidence(lap_number=empty, distance_m=empty, speed_kph=empty)) == []
    seconds = np.arange(5.0)
    assert np.isnan(lap_distance(Evidence(), [], seconds)).all()


def test_markers_alone_tell_laps() -> None:
    laps = find_laps(Evidence(beacons_s=(0.0, 80.0, 161.0)))
    assert [(lap.start_s, lap.end_s, lap.whole) for lap in laps] == [(0, 80, True), (80, 161, True)]


def test_one_real_lap_in_a_file_has_no_line(laps_dir: Path) -> None:
    rows = pd.read_parquet(sorted(laps_dir.glob("*.parquet"))[0])
    name = next(name for name in rows if name.upper() == "LAPDISTANCE")
    metres = rows[name].to_numpy(float)
    seconds = np.arange(len(metres)) / 50
    assert find_laps(Evidence(distance_m=(seconds, metres))) == []
    assert lap_distance(Evidence(distance_m=(seconds, metres)), [], seconds).tolist() == (
        metres.tolist()
    )
