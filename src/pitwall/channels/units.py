"""Units: the factors by which a value in another unit is brought to the channel's canonical one.

`UNIT_FACTORS` are the units that the wire knows, to the bit. `conversion` knows those and every
spelling that people use, by pint and the definitions of `units.txt`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pitwall.channels.channel import Channel

if TYPE_CHECKING:
    import pint

UNIT_FACTORS: dict[str, dict[str, float]] = {
    "km/h": {"m/s": 3.6, "mph": 1.609344},
    "m": {"km": 1000.0, "mm": 0.001},
    "km": {"m": 0.001},
    "mm": {"m": 1000.0},
    "G": {"m/s²": 1 / 9.80665, "m/s2": 1 / 9.80665, "m/s^2": 1 / 9.80665},
    "deg": {"rad": 57.29577951308232},
    "deg/s": {"rad/s": 57.29577951308232},
    "rpm": {"rad/s": 9.549296585513721},
    "kW": {"W": 0.001},
}
"""Factors by canonical unit and other unit, to the bit; they are part of what a feature means."""

NO_UNIT = {
    *("", "n/a", "na", "none", "-", "–", "#", "raw", "unitless", "no unit", "position", "gear"),
    *("number", "count", "integer", "int", "bool", "boolean", "float", "flag", "state", "enum"),
}
"""What stands in place of a unit where a file names none, in lower case."""

_SPELLINGS = {
    "kph": "kph",
    "kmh": "kph",
    "km/h": "kph",
    "kmh-1": "kph",
    "mi/h": "mph",
    "miles/h": "mph",
    "g": "gravity",
    "gs": "gravity",
    "g's": "gravity",
    "mps": "m/s",
    "m/sec": "m/s",
    "kmph": "kph",
    "m/s/s": "m/s**2",
    "m/s2": "m/s**2",
    "m/s^2": "m/s**2",
    "m/ss": "m/s**2",
    "deg": "deg",
    "°": "deg",
    "degrees": "deg",
    "degs": "deg",
    "°/s": "deg/s",
    "deg_sec": "deg/s",
    "deg/sec": "deg/s",
    "rads": "rad",
    "radians": "rad",
    "rad/sec": "rad/s",
    "rpm": "rpm",
    "r/min": "rpm",
    "u/min": "rpm",
    "1/min": "rpm",
    "/min": "rpm",
    "min-1": "rpm",
    "min^-1": "rpm",
    "min⁻¹": "rpm",
    "revs/min": "rpm",
    "c": "degC",
    "°c": "degC",
    "degc": "degC",
    "deg c": "degC",
    "deg. c": "degC",
    "f": "degF",
    "°f": "degF",
    "degf": "degF",
    "deg f": "degF",
    "deg. f": "degF",
    "k": "kelvin",
    "%": "percent",
    "pct": "percent",
    "0-1": "ratio",
    "0–1": "ratio",
    "0..1": "ratio",
    "0 to 1": "ratio",
    "fraction": "ratio",
    "‰": "permille",
    "nm": "N*m",
    "n.m": "N*m",
    "n·m": "N*m",
    "n-m": "N*m",
    "n m": "N*m",
    "newton metre": "N*m",
    "lb-ft": "lbf*ft",
    "ft-lb": "lbf*ft",
    "lbft": "lbf*ft",
    "ftlb": "lbf*ft",
    "ft.lb": "lbf*ft",
    "lb.ft": "lbf*ft",
    "lbf.ft": "lbf*ft",
    "ft-lbs": "lbf*ft",
    "kw": "kW",
    "kwh": "kWh",
    "kpa": "kPa",
    "hpa": "hPa",
    "mpa": "MPa",
    "pa": "Pa",
    "psig": "psi",
    "psia": "psi",
    "lbs/in²": "psi",
    "inhg": "inHg",
    "mmhg": "mmHg",
    "v": "volt",
    "mv": "millivolt",
    "a": "ampere",
    "hz": "hertz",
    "ps": "PS",
    "msec": "ms",
    "us": "µs",
    "usec": "µs",
    '"': "inch",
}
"""Spellings that pint reads otherwise or not at all, in lower case, as pint writes them."""

_WIRE_NAMES = (
    *("m/s", "m/s²", "kph", "kmh", "km/h", "mph", "ft/s", "fps", "kn", "kt", "kts", "knots"),
    *("mm", "cm", "m", "km", "in", "inch", "ft", "feet", "yd", "mi", "miles"),
    *("ms", "s", "sec", "seconds", "min", "h", "deg", "rad", "rev", "turn", "rad/s", "deg/s"),
    *("dps", "rpm", "Hz", "W", "kW", "MW", "hp", "bhp", "PS", "J", "kJ", "Wh", "kWh", "N", "kN"),
    *("N*m", "kNm", "Pa", "hPa", "kPa", "MPa", "bar", "mbar", "psi", "atm", "g", "kg", "lb"),
    *("V", "mV", "A", "mA", "ratio", "percent", "celsius", "degC", "l", "L", "ml", "gal"),
)
"""Names of units that cars write, beside `_SPELLINGS`."""
_ARC_MINUTES = {"min", "minute", "minutes", "minutes of arc", "'", "′"}
"""Minutes where an angle is expected."""
_FAR = 2.0**20
"""From this many units to zero, a factor beside an offset is told without loss."""
_EXPRESSION = re.compile(r"[^\W\d]+(\*\*-?[1-4])?( ?[*/] ?[^\W\d]+(\*\*-?[1-4])?){0,4}")
"""Names of units with small powers; pint would also compute with numbers of any size."""
_LONGEST = 40
"""No unit has more characters; text of a hostile file is not parsed."""


class Conversion(NamedTuple):
    """How a number becomes canonical: value * `factor` + `offset`."""

    factor: float
    offset: float = 0.0


def unit_factors(channel: Channel) -> dict[str, float]:
    """The factors of `UNIT_FACTORS` to this channel's canonical unit."""
    return UNIT_FACTORS.get(channel.unit, {})


def wire_factors(channel: Channel) -> dict[str, float]:
    """The factors to this channel's canonical unit by what a car may write as the unit.

    These are the usual spellings of all units of that dimension, and the words for no unit, each
    without blanks around it. A unit with an offset, such as °F, is not among them.
    """
    return dict(_wire_factors(channel.unit))


@cache
def _wire_factors(canonical: str) -> dict[str, float]:
    factors = {text: 1.0 for word in NO_UNIT for text in (word, word.upper(), word.title())}
    for unit in (canonical, *UNIT_FACTORS.get(canonical, {}), *_SPELLINGS, *_WIRE_NAMES):
        for text in (unit, unit.lower(), unit.upper(), unit.title()):
            known = conversion(text, canonical)
            if known is not None and not known.offset:
                factors[text] = known.factor
    return {**factors, canonical: 1.0}


def names_a_unit(text: str) -> bool:
    """Whether this text of a file names a unit, rather than saying that there is none."""
    return text.strip().lower() not in NO_UNIT


@cache
def conversion(unit: str, canonical: str) -> Conversion | None:
    """The conversion from `unit`, as a file spells it, to the canonical unit of a channel.

    None where the unit is not understood or is of another dimension than `canonical`.
    """
    text = unit.strip().strip("[]()").strip()
    if text == canonical:
        return Conversion(1.0)
    factor = UNIT_FACTORS.get(canonical, {}).get(text)
    if factor is not None:
        return Conversion(factor)
    if canonical == "deg" and text.lower() in _ARC_MINUTES:
        text = "arcmin"
    spelled = _spelled(text) if len(text) <= _LONGEST and names_a_unit(text) else None
    if spelled is not None and spelled == _spelled(canonical):
        return Conversion(1.0)  # Most files end here and need not wait until pint is loaded.
    written, wanted = _parsed(text), _parsed(canonical)
    if written is None or wanted is None or written.dimensionality != wanted.dimensionality:
        return None
    if written == wanted:
        return Conversion(1.0)
    for known, factor in UNIT_FACTORS.get(canonical, {}).items():
        if _parsed(known) == written:
            return Conversion(factor)
    quantity = _registry().Quantity
    offset = float(quantity(0.0, written).to(wanted).magnitude)
    if not offset:
        return Conversion(float(quantity(1.0, written).to(wanted).magnitude))
    factor = (float(quantity(_FAR, written).to(wanted).magnitude) - offset) / _FAR
    return Conversion(float(f"{factor:.15g}"), float(f"{offset:.14g}"))


def is_understood(unit: str) -> bool:
    """Whether this spelling is a unit that we know, of whatever dimension."""
    return _parsed(unit.strip().strip("[]()").strip()) is not None


def unit_of(text: str) -> pint.Unit | None:
    """The unit that a spelling names, the one without dimension for empty text.

    None where it is not understood. It knows `1/s` and other fractions of one unit as well.
    """
    plain = text.strip()
    one: pint.Unit = _registry().Unit("dimensionless")
    if not names_a_unit(plain):
        return one
    parsed = _parsed(plain)
    if parsed is None and plain.startswith("1/") and (under := _parsed(plain[2:])) is not None:
        fraction: pint.Unit = one / under
        return fraction
    return parsed


def _lower(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower())


def _spelled(text: str) -> str | None:
    """The unit as pint writes it; None for a spelling that is not in the table."""
    lower = _lower(text)
    return _SPELLINGS.get(lower) or (_SPELLINGS.get(lower[:-1]) if lower.endswith("s") else None)


@cache
def _registry() -> pint.UnitRegistry[float]:
    import pint

    return pint.UnitRegistry(Path(__file__).with_name("units.txt"))


@cache
def _parsed(text: str) -> pint.Unit | None:
    """The unit that a spelling names; None for one that is not understood."""
    if not text or len(text) > _LONGEST or not names_a_unit(text):
        return None
    spelled = _spelled(text)
    candidates = [spelled] if spelled else [text, _lower(text)]
    for candidate in candidates:
        plain = candidate.replace("²", "**2").replace("³", "**3").replace("^", "**")
        plain = re.sub(r"(?<=[a-zA-Z])[.·](?=[a-zA-Z])", "*", plain)
        if not _EXPRESSION.fullmatch(plain):
            continue
        try:
            parsed = _registry().parse_units(plain)
        except Exception:
            continue
        if not parsed.dimensionless:
            return parsed
    return None
