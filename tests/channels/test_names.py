"""Names of other loggers: each leads to a channel of the table, by its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from pitwall.channels import names
from pitwall.channels.channel import channel_id
from pitwall.channels.names import Names, load, read
from pitwall.channels.table import CHANNELS
from pitwall.channels.units import conversion
from pitwall.errors import UsageError


def test_every_meaning_is_a_channel_in_a_unit_that_fits() -> None:
    for source in read(names.OWN):
        for column, meaning in source.meanings.items():
            if meaning.channel is None:
                continue
            channel = CHANNELS.get(channel_id(meaning.channel))
            assert channel is not None and channel.name == meaning.channel, (source.name, column)
            if meaning.unit and meaning.unit != "lap":
                assert conversion(meaning.unit, channel.unit), (source.name, column)


@pytest.mark.parametrize(
    ("format", "columns", "source"),
    [
        ("csv", ["Record", "Time", "Latitude", "Longitude", "KPH", "X", "Y", "Z"], "racebox"),
        ("csv", ["Record", "Time", "Speed", "GForceX", "GForceY", "GyroX"], "racebox"),
        ("csv", ["Speed", "LapDistPct", "Lat", "SteeringWheelAngle"], "iracing"),
        ("iracing-ibt", [], "iracing"),
        ("vbo", ["anything"], "vbox"),
        ("racechrono-csv", [], "racechrono"),
        ("csv", ["RPM", "Speed", "nGear", "DRS"], "fastf1"),
        ("csv", ["Time", "Speed"], ""),
        ("csv", ["engine/rpm", "vehicle/speed", "sensors/clt"], "ecumaster"),
        ("csv", ["Engine RPM", "Vehicle Speed", "Coolant Temp"], ""),
        ("csv", ["gx", "gy", "gz", "GPS Speed"], ""),
        ("parquet", ["LapDistance", "PositionX", "PositionZ", "AccelerationVert"], "perrinn"),
    ],
)
def test_a_source_is_told_by_format_or_columns(
    format: str, columns: list[str], source: str
) -> None:
    assert load().source(format, columns) == source


@pytest.mark.parametrize(
    ("source", "column", "channel", "sign", "unit"),
    [
        ("", "Ground Speed", "Speed", 1, ""),
        ("", "GROUND_SPEED", "Speed", 1, ""),
        ("", "SPEED", "Speed", 1, ""),
        ("iracing", "Speed", "Speed", 1, "m/s"),
        ("iracing", "LatAccel", "AccelerationLat", -1, "m/s²"),
        ("racechrono", "lateral_acc", "AccelerationLat", -1, "G"),
        ("vbox", "long", "Longitude", -1, "arcmin"),
        ("fastf1", "Brake", None, 1, ""),
        ("", "KPH", "Speed", 1, "km/h"),
        ("", "Vehicle Speed (SAE)", "Speed", 1, ""),
        ("", "GPS (2D speed)", "Speed", 1, ""),
        ("", "Driving Wheel Speed", "Speed", 1, ""),
        ("", "Geschwindigkeit", "Speed", 1, ""),
        ("", "Régime moteur", "EngineRpm", 1, ""),
        ("", "LÄNGSBESCHLEUNIGUNG", "AccelerationLong", 1, ""),
        ("racebox", "GForceX", "AccelerationLong", -1, "G"),
        ("", "TPS (Main)", "Throttle", 1, ""),
        ("", "RPMS", "EngineRpm", 1, ""),
        ("", "G_LON", "AccelerationLong", 1, ""),
        ("", "SUS_TRAVEL_LR", "SuspensionTravelRL", 1, ""),
        ("", "TYRE_PRESS_RF", "TyrePressureFR", 1, ""),
        ("", "Tire Temp Core RR", "TyreTemperatureRR", 1, ""),
        ("", "Wheel Angular Speed FL", "nWheelFL", 1, ""),
        ("", "TrackPositionPercent", "LapDistance", 1, "lap"),
        ("vbox", "long (east)", "Longitude", 1, "arcmin"),
    ],
)
def test_a_name_has_the_meaning_of_its_source(
    source: str, column: str, channel: str | None, sign: int, unit: str
) -> None:
    meaning = load().meaning(source, column, CHANNELS)
    assert meaning is not None
    assert (meaning.channel, meaning.sign, meaning.unit) == (channel, sign, unit)


def test_an_unknown_name_has_none() -> None:
    assert load().meaning("", "Flux Capacitor", CHANNELS) is None


def test_a_team_adds_its_own_names(tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text(
        "ours:\n"
        "  columns: [Flux]\n"
        "  names:\n"
        "    -AccelerationLat in m/s²: [ay]\n"
        "any:\n"
        "  names:\n"
        "    Throttle in ratio: [Gas]\n"
    )
    known = load(tmp_path)
    assert known.source("csv", ["Time", "flux"]) == "ours"
    meaning = known.meaning("ours", "AY", CHANNELS)
    assert meaning is not None
    assert (meaning.channel, meaning.sign, meaning.unit) == ("AccelerationLat", -1, "m/s²")
    gas = known.meaning("", "gas", CHANNELS)
    assert gas is not None and gas.channel == "Throttle" and gas.unit == "ratio"
    assert load(tmp_path / "none").meaning("", "gas", CHANNELS) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("any: [", "not a readable YAML file"),
        ("- a\n", "expected sections"),
        ("any:\n  nams: {}\n", "section 'any' is not made of"),
        ("any:\n  names:\n    'Speed of km/h': [x]\n", "'Speed of km/h' is no meaning"),
    ],
)
def test_a_teams_file_with_a_fault_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "names.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        load(tmp_path)
    assert str(path) in str(caught.value)


def test_without_files_no_name_is_known() -> None:
    assert Names().source("csv", ["Speed"]) == ""
