"""Units as people spell them become the canonical ones, or are refused."""

from __future__ import annotations

import math
import subprocess
import sys
import time

import pytest

from pitwall.channels import units
from pitwall.channels.table import CHANNELS
from pitwall.channels.units import (
    UNIT_FACTORS,
    conversion,
    is_understood,
    names_a_unit,
    unit_factors,
    wire_factors,
)


@pytest.mark.parametrize(
    ("spellings", "canonical", "factor"),
    [
        (("km/h", "kph", "KPH", "Km/h", "kmh"), "km/h", 1.0),
        (("mph", "MPH"), "km/h", 1.609344),
        (("m/s", "Meters/second", "[m/s]"), "km/h", 3.6),
        (("knots", "kn"), "km/h", 1.852),
        (("g", "G", "(g)"), "G", 1.0),
        (("m/s/s", "m/s²", "m/s2", "m/s^2"), "G", 1 / 9.80665),
        (("deg", "°", "Degrees"), "deg", 1.0),
        (("rad", "radians"), "deg", 180 / math.pi),
        (("minutes", "arcmin"), "deg", 1 / 60),
        (("Deg_Sec", "deg/s", "°/s"), "deg/s", 1.0),
        (("%", "Pct", "percent"), "%", 1.0),
        (("ratio", "0-1", "0–1"), "%", 100.0),
        (("rpm", "RPM", "1/min", "min-1"), "rpm", 1.0),
        (("bar",), "kPa", 100.0),
        (("psi", "PSI"), "bar", 0.06894757293168361),
        (("kPa", "kpa"), "bar", 0.01),
        (("N.m", "Nm", "N·m"), "Nm", 1.0),
        (("lb-ft", "ft-lb"), "Nm", 1.3558179483314004),
        (("ft", "feet"), "m", 0.3048),
        (("mi", "mile"), "m", 1609.344),
        (("km",), "m", 1000.0),
        (("ms", "msec"), "s", 0.001),
        (("sec", "s"), "s", 1.0),
        (("hp",), "kW", 0.7456998715822702),
        (("mV",), "V", 0.001),
    ],
)
def test_a_spelling_has_its_factor(
    spellings: tuple[str, ...], canonical: str, factor: float
) -> None:
    for spelling in spellings:
        way = conversion(spelling, canonical)
        assert way is not None, spelling
        assert way.factor == pytest.approx(factor, rel=1e-14) and way.offset == 0, spelling


@pytest.mark.parametrize("spelling", ["F", "°F", "degF", "deg F", "fahrenheit"])
def test_a_temperature_has_an_offset_too(spelling: str) -> None:
    way = conversion(spelling, "°C")
    assert way is not None
    assert 212 * way.factor + way.offset == pytest.approx(100, abs=1e-9)
    assert 32 * way.factor + way.offset == pytest.approx(0, abs=1e-9)


def test_the_factors_of_the_wire_are_the_same_to_the_bit() -> None:
    for canonical, factors in UNIT_FACTORS.items():
        for unit, factor in factors.items():
            assert conversion(unit, canonical) == (factor, 0.0)
    assert conversion("m/s/s", "G") == (UNIT_FACTORS["G"]["m/s²"], 0.0)


@pytest.mark.parametrize(
    ("unit", "canonical"),
    [
        ("%", "deg"),
        ("deg", "%"),
        ("G", "km/h"),
        ("km/h", "G"),
        ("Hz", "rpm"),
        ("rad", "km/h"),
        ("Nm", "bar"),
        ("ratio", "rpm"),
    ],
)
def test_a_unit_of_another_dimension_is_understood_and_refused(unit: str, canonical: str) -> None:
    assert is_understood(unit)
    assert conversion(unit, canonical) is None


@pytest.mark.parametrize(
    "unit", ["widgets", "9**9**9", "10^99 m", "m**99", "x" * 10_000, "m" * 39, "(((", "__import__"]
)
def test_nonsense_is_not_understood_and_costs_nothing(unit: str) -> None:
    started = time.monotonic()
    assert conversion(unit, "m") is None and not is_understood(unit)
    assert time.monotonic() - started < 5


def test_every_canonical_unit_is_understood() -> None:
    for channel in CHANNELS.values():
        assert not channel.unit or conversion(channel.unit, channel.unit) == (1.0, 0.0)
        assert not channel.unit or is_understood(channel.unit), channel


def test_two_spellings_of_one_unit_need_no_pint_and_are_one_unit_to_it() -> None:
    pairs = 0
    for unit in {channel.unit for channel in CHANNELS.values()}:
        for known in units._SPELLINGS:
            if units._spelled(known) == units._spelled(unit) and names_a_unit(known):
                for text in (known, known.upper(), f" [{known}]"):
                    assert conversion(text, unit) == (1.0, 0.0), (text, unit)
                assert units._parsed(known) == units._parsed(unit) is not None, (known, unit)
                pairs += 1
    assert pairs > 20


def test_a_unit_is_told_without_pint() -> None:
    command = (
        "import sys; from pitwall.channels.units import conversion; "
        "ways = [conversion('KPH', 'km/h'), conversion('C', '°C'), conversion('g', 'G')]; "
        "assert ways == [(1.0, 0.0)] * 3; assert 'pint' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", command], check=True)


def test_what_stands_in_place_of_a_unit_is_none() -> None:
    assert not any(map(names_a_unit, ["", " ", "n/a", "N/A", "#", "-", "Gear", "position"]))
    assert all(map(names_a_unit, ["km/h", "%", "widgets"]))


def test_the_wire_knows_usual_spellings_and_no_unit_of_another_dimension() -> None:
    factors = wire_factors(CHANNELS["SPEED"])
    for unit, factor in {"km/h": 1.0, "kph": 1.0, "KPH": 1.0, "MPH": 1.609344, "m/s": 3.6}.items():
        assert factors[unit] == factor
    assert factors["n/a"] == factors[""] == 1.0
    assert not {"furlong", "m", "s", "kg", "°C"} & factors.keys()
    assert "°F" not in wire_factors(CHANNELS["WATERTEMPERATURE"])  # it has an offset
    for channel in CHANNELS.values():
        for unit, factor in unit_factors(channel).items():
            assert wire_factors(channel)[unit] == factor


@pytest.mark.parametrize(("unit", "factor"), [("mps", 3.6), ("kmph", 1.0), ("m/sec", 3.6)])
def test_speeds_in_the_spellings_of_programs(unit: str, factor: float) -> None:
    assert conversion(unit, "km/h") == (factor, 0.0)
