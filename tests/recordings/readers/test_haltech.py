"""Haltech logs: channels above, stored numbers below."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pitwall.channels import names
from pitwall.errors import LapFileError
from pitwall.recordings import files
from pitwall.recordings.recording import Options
from pitwall.recordings.sessions import interpret

CHANNELS = [
    ("RPM", "EngineSpeed"),
    ("Manifold Pressure", "Pressure"),
    ("Throttle Position", "Percentage"),
    ("Coolant Temperature", "Temperature"),
    ("Vehicle Speed", "Speed"),
    ("Battery Voltage", "BatteryVoltage"),
    ("Lateral G", "Acceleration"),
]


def log(folder: Path, clock: str = "14:05:0", channels: int = 7, end: str = "") -> Path:
    lines = ["%DataLog%", "DataLogVersion : 1.1", "", "Software : Haltech NSP"]
    for number, (name, kind) in enumerate(CHANNELS[:channels]):
        lines += [f"Channel : {name}", f"ID : {384 + number}", f"Type : {kind}"]
        lines += ["DisplayMaxMin : 9000,0", ""]
    lines += ["Log Source : 20", "Log Number : 3", "Log : 20240304 14:05:06"]
    lines += [
        f"{clock}{6 + row / 10:.3f},{3000 + row},1013,{row * 10},3632,{row * 15},13800,42{end}"
        for row in range(30)
    ]
    path = folder / "a.csv"
    path.write_text("\r\n".join(lines))
    return path


@pytest.mark.parametrize(("clock", "end"), [("14:05:0", ""), ("00:00:0", ","), ("14:05:0", ",")])
def test_stored_numbers_are_in_the_units_of_their_types(
    tmp_path: Path, clock: str, end: str
) -> None:
    (recording,) = files.recordings(log(tmp_path, clock, end=end), Options())
    assert recording.format == "haltech-csv"
    made = interpret(recording, Options(), names.load())
    session = made.session
    assert session.channel("EngineRpm")[:3].tolist() == [3000, 3001, 3002]
    assert session.channel("ManifoldPressure")[0] == pytest.approx(101.3)
    assert session.channel("Throttle")[:3].tolist() == pytest.approx([0, 1, 2])
    assert session.channel("WaterTemperature")[0] == pytest.approx(90.05)
    assert session.channel("Speed")[-1] == pytest.approx(29 * 1.5)
    assert session.channel("BatteryVoltage")[0] == pytest.approx(13.8)
    assert "AccelerationLat" not in session.names, "its unit is not known"
    if clock.startswith("14"):
        assert made.start == datetime(2024, 3, 4, 14, 5, 6, tzinfo=UTC)
    assert session.times_s[-1] - session.times_s[0] == pytest.approx(2.9)
    assert "pressures count from vacuum, not from the air's pressure" in made.doubts


def test_channels_that_do_not_fit_the_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LapFileError, match="a time and 7 cells, the lines above describe 6 chan"):
        files.recordings(log(tmp_path, channels=6), Options())
    path = tmp_path / "b.csv"
    path.write_text("%DataLog%\nDataLogVersion : 1.1\nChannel : RPM\n")
    with pytest.raises(LapFileError, match="no row that begins with a time"):
        files.recordings(path, Options())
