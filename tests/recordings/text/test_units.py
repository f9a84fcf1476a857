from __future__ import annotations

import pytest

from pitwall.recordings.text.units import heading, is_unit, no_unit

UNITS = (
    "m/s² N.m Deg_Sec Km/h seconds kmh m/s/s N-m 1/min °/s deg/s ft/s² Pct L/h mph MPH inHg kPa "
    "lambda AFR V g mV kph % ° .C °F ft·lb rad/s m/s^2 m/s2 #"
).split()


@pytest.mark.parametrize("unit", UNITS)
def test_usual_spellings_are_units(unit: str) -> None:
    assert is_unit(unit)


@pytest.mark.parametrize("text", ["Speed", "Time", "100: gps", "calc", "x", "", "1", "A B C"])
def test_names_and_sources_are_none(text: str) -> None:
    assert not is_unit(text)


@pytest.mark.parametrize("text", ["", " ", "n/a", "N/A", "-", "none", "1"])
def test_texts_for_no_unit(text: str) -> None:
    assert no_unit(text)


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("Speed (m/s) *calc", ("Speed", "m/s", "calc")),
        ("Time(s)", ("Time", "s", "")),
        ("Throttle Position(Manifold)(%)", ("Throttle Position(Manifold)", "%", "")),
        ("Speed (OBD)(km/h)", ("Speed (OBD)", "km/h", "")),
        ("G(x)", ("G(x)", "", "")),
        ("Brake (calculated)", ("Brake (calculated)", "", "")),
        ("RPM (RPM)", ("RPM", "RPM", "")),
        ("Gear Position (position)", ("Gear Position", "position", "")),
        ("AP Info:[Device A v1.0][Car A: Map]", ("AP Info:[Device A v1.0][Car A: Map]", "", "")),
        ("SPEED_KPH", ("SPEED", "KPH", "")),
        ("HEIGHT_M", ("HEIGHT", "M", "")),
        ("time_ms", ("time", "ms", "")),
        ("Brake_F", ("Brake_F", "", "")),
        ("imu/accLat", ("imu/accLat", "", "")),
        ("Boost, psi", ("Boost", "psi", "")),
    ],
)
def test_parts_of_a_heading(cell: str, parts: tuple[str, str, str]) -> None:
    assert heading(cell) == parts
