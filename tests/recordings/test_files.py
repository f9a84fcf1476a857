"""Files are found in folders and archives, and read by the reader that knows their content."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ibt_file import IbtVariable, write_ibt

from pitwall.errors import LapFileError
from pitwall.recordings.files import READERS, find, read, read_all, readings
from pitwall.recordings.recording import Options

TABLE = "TIME,SPEED\n0,1\n1,2\n"


def write(path: Path, text: str = TABLE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_names_of_formats_are_distinct() -> None:
    names = [reader.NAME for reader in READERS]
    assert len(set(names)) == len(names)


def test_a_folder_gives_its_recordings_and_nothing_else(tmp_path: Path) -> None:
    wanted = [write(tmp_path / "UP.CSV"), write(tmp_path / "deep" / "a.txt")]
    write(tmp_path / "notes.txt", "It rained.\n")
    write(tmp_path / "laps.csv")
    write(tmp_path / ".hidden" / "b.csv")
    write(tmp_path / "picture.png")
    assert find([tmp_path]) == wanted
    with pytest.raises(LapFileError, match="no such file or folder"):
        find([tmp_path / "none"])


def test_the_content_tells_the_format_before_the_suffix(tmp_path: Path) -> None:
    ibt = write_ibt(tmp_path / "drive.csv", [IbtVariable("Speed", "m/s", np.arange(60) + 1.0)])
    (reading,) = readings([ibt])
    assert reading.recording.format == "iracing-ibt"
    with pytest.raises(LapFileError, match=r"none.bin: .bin is no lap format.*\.csv"):
        read(write(tmp_path / "none.bin", "\0" * 100))


def test_an_iracing_file_has_our_units_and_signs(tmp_path: Path) -> None:
    ramp = np.arange(60) / 100 + 0.1
    (reading,) = readings(
        [
            write_ibt(
                tmp_path / "drive.ibt",
                [
                    IbtVariable("Speed", "m/s", ramp * 100),
                    IbtVariable("Throttle", "%", ramp),
                    IbtVariable("SteeringWheelAngle", "rad", ramp),
                    IbtVariable("LatAccel", "m/s^2", ramp * 10),
                    IbtVariable("RPM", "revs/min", ramp * 1000),
                    IbtVariable("WaterTemp", "C", ramp * 100),
                ],
            )
        ]
    )
    session = reading.session
    last = {name: session.channel(name)[-1] for name in session.names}
    assert session.vehicle == "Formula Vee" and session.session.startswith("20240304-140506")
    assert last["Speed"] == pytest.approx(69 * 3.6)
    assert last["Throttle"] == pytest.approx(69)
    assert last["SteeringAngle"] == pytest.approx(-math.degrees(0.69))
    assert last["AccelerationLat"] == pytest.approx(-6.9 / 9.80665)
    assert last["EngineRpm"] == pytest.approx(690)
    assert last["WaterTemperature"] == pytest.approx(69)


def test_an_archive_is_read_as_a_folder(tmp_path: Path) -> None:
    packed = tmp_path / "day.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("morning/20260304-090000.csv", TABLE)
        archive.writestr("20260304-150000.csv", TABLE)
        archive.writestr("readme.txt", "Two drives.\n")
    sessions = read_all([packed], "Kart")
    assert [session.session for session in sessions] == [
        "20260304-150000-replay",
        "20260304-090000-replay",
    ]
    assert {session.vehicle for session in sessions} == {"Kart"}
    with pytest.raises(LapFileError, match="holds 2 drives"):
        read(packed)


def test_a_file_without_a_clock_needs_a_rate(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "SPEED,GEAR\n1,2\n2,2\n3,3\n")
    with pytest.raises(LapFileError, match="--rate-hz"):
        read(path)
    assert read(path, options=Options(rate_hz=10)).times_s == pytest.approx([0, 0.1, 0.2])
