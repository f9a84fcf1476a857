"""Which texts are units of quantities, and units that stand inside of a column's name.

The question here is only whether a text is meant as a unit. What it means is decided later, for
all formats at one place.
"""

from __future__ import annotations

import re
from typing import NamedTuple

ATOMS = frozenset(
    """
    s sec secs second seconds ms msec msecs millisecond milliseconds us usec microseconds ns min
    mins minute minutes h hr hrs hour hours hz khz m meter meters metre metres km kilometer
    kilometers kilometre kilometres mi mile miles ft feet foot in inch inches yd cm mm um kph
    kmh kmph mph mps fps kn kt kts knot knots g g's gforce gee deg degs degree degrees ° º rad
    rads radian radians arcmin mrad rpm rev revs rot bar mbar psi psia psig psid kpa mpa hpa pa
    inhg atm c f k °c °f °k ºc ºf degc degf degk celsius fahrenheit kelvin % pct percent perc
    ratio lambda λ afr v mv volt volts a ma amp amps w kw hp ps bhp whp n kn kgf lbf lb lbs kg
    gram grams t nm ftlb ftlbs lbft j kj kwh wh ah l ml cc gal usgal l/h ohm ohms kohm ω count
    counts unit units bit bits # no. nr raw adc ticks db ppm mg ug mg/stroke stroke cyl tooth
    teeth id hex byte bytes btdc atdc dba nmi sats cm3 ccm dm kmh/s x1000 d pulse pulses
    """.split()
)
"""Units and parts of units in lower case, as loggers, apps and games spell them."""

SEPARATORS = re.compile(r"[\s/*·.•^_\-−×()²³]+|(?<=[a-z°%])[23](?![0-9a-z])")
MISSING_UNIT = re.compile(r"n/?a|none|null|-+|\[\]|\(\)|~|unitless|dimensionless|1", re.IGNORECASE)
SUFFIXES = frozenset(
    """
    kph kmh mph mps km mile miles celsius fahrenheit deg degrees psi kpa msec millis seconds
    minutes feet meters metres pct percent
    """.split()
)
"""Words that are a unit wherever they end a name: `SPEED_KPH`."""
HINTS = {
    "s": "time|elapsed|duration|interval",
    "ms": "time|elapsed|duration|interval|timestamp",
    "us": "time|elapsed|timestamp",
    "ns": "time|elapsed|timestamp",
    "sec": "time|elapsed|duration|interval",
    "m": "dist|height|alt|accuracy|elevation|odo",
    "ft": "dist|height|alt|accuracy|elevation",
    "c": "temp|coolant|water|oil|iat|clt|ect",
    "f": "temp|coolant|oil|iat|clt|ect",
    "g": "acc|force|lat|lon",
    "v": "volt|batt",
    "bar": "press|boost|brake|map|fuel|oil",
}
"""Short words that are a unit only at the end of a name of such a quantity: `HEIGHT_M`."""


class Heading(NamedTuple):
    """A column's name in parts."""

    name: str
    unit: str
    source: str


def is_unit(text: str) -> bool:
    """Whether the text is a unit in a usual spelling: `km/h`, `m/s/s`, `°F`, `N.m`, `Deg_Sec`."""
    bare = text.strip().strip("[](){}'\" ").lower().replace("Â", "").replace("â", "")
    if not bare or len(bare) > 24:
        return False
    if bare in ATOMS or bare == "unix time":
        return True
    parts = [part for part in SEPARATORS.split(bare) if part]
    return bool(parts) and all(
        part in ATOMS or (len(parts) > 1 and (part == "1" or part in {"per", "us", "uk", "lsb"}))
        for part in parts
    )


def no_unit(text: str) -> bool:
    """Whether the text says in a row of units that a column has none."""
    return not text.strip() or bool(MISSING_UNIT.fullmatch(text.strip()))


def heading(cell: str) -> Heading:
    """Name, unit and source that one cell of a header holds.

    `Speed (m/s) *gps` is Speed in m/s of gps. A bracket that holds no unit stays in the name, but
    for one that repeats a word of the name: `RPM (RPM)`, `Gear Position (position)`.
    """
    text = " ".join(cell.split())
    source = ""
    tagged = re.fullmatch(r"(.*\S) \*(\S.*)", text)
    if tagged:
        text, source = tagged[1], tagged[2]
    bracket = re.fullmatch(r"(.*?)\s*[(\[{<]\s*([^()\[\]{}<>]*(?:\([^()]*\))?)\s*[)\]}>]", text)
    if bracket and bracket[1].strip():
        name, inner = bracket[1].strip(), bracket[2].strip()
        repeated = inner.lower() in re.split(r"[\s_()\[\]]+", name.lower()) and len(inner) > 1
        if is_unit(inner) or repeated:
            return Heading(name, inner, source)
        return Heading(text, "", source)
    return Heading(*_suffix(text), source)


def _suffix(text: str) -> tuple[str, str]:
    """Name and unit of a name that ends in a unit: after `_`, or after `, ` or `: `."""
    comma = re.fullmatch(r"(.*\S)\s*[,;:|]\s+(\S+)", text)
    if comma and is_unit(comma[2]) and not comma[2].isdigit():
        return comma[1], comma[2]
    parts = re.fullmatch(r"(.*[^_\s])_+([A-Za-z]+)", text)
    if not parts:
        return text, ""
    stem, last = parts[1], parts[2]
    hint = HINTS.get(last.lower())
    if last.lower() in SUFFIXES or (hint and re.search(hint, stem.lower())):
        return stem, last
    return text, ""
