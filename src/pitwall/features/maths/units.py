"""How units follow through a formula, by pint.

Numbers as they are written have no unit of their own and take the one that is needed: `Speed > 100`
is in the unit of Speed. A channel times a number keeps its unit, but loosely: the number may be a
factor between units, so that the result may be declared, added and compared as any unit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pitwall.channels.units import conversion, unit_of

if TYPE_CHECKING:
    import pint

_SIGNS = {"kph": "km/h", "gravity": "G", "pct": "%", "degC": "°C", "degF": "°F", "N·m": "Nm"}
"""Names of the channel table for units that pint writes otherwise."""
_SAME = 1e-12
"""Two units whose factors differ by less are one unit in two spellings."""


@dataclass(frozen=True)
class Unit:
    """The unit of a part of a formula."""

    unit: pint.Unit | None
    """None for any unit: plain numbers, and what has no unit that pint knows."""
    loose: bool = False
    """Whether a number without a unit was multiplied in, which may have changed the unit."""
    written: str = ""
    """The unit as a channel spells it; empty where it follows from several."""

    def __str__(self) -> str:
        if self.unit is None:
            return "any unit"
        return self.text or "no unit"

    @property
    def text(self) -> str:
        """The unit as a channel would name it; empty for a number without one."""
        if self.unit is None or self.unit.dimensionless:
            return ""
        return self.written or spelled(self.unit)

    @property
    def strict(self) -> bool:
        """Whether it must agree with other units."""
        return self.unit is not None and not self.loose

    def times(self, other: Unit) -> Unit:
        """The unit of a product."""
        if self.unit is None and other.unit is None:
            return Unit(None, self.loose or other.loose)
        if self.unit is None or other.unit is None:
            known = self if other.unit is None else other
            return replace(known, loose=True)
        if self.unit.dimensionless or other.unit.dimensionless:
            known = self if other.unit.dimensionless else other
            return replace(known, loose=self.loose or other.loose)
        return Unit(_step(self.unit) * _step(other.unit), self.loose or other.loose)

    def over(self, other: Unit) -> Unit:
        """The unit of a quotient."""
        if other.unit is None or other.unit.dimensionless:
            return self.times(other)
        if self.unit is None:
            return Unit(_power(other.unit, -1), True)
        return Unit(_step(self.unit) / _step(other.unit), self.loose or other.loose)

    def power(self, exponent: float) -> Unit:
        """The unit of a power with a known exponent."""
        if self.unit is None or exponent == 1:
            return self
        if not exponent:
            return replace(none(), loose=self.loose)
        return Unit(_power(self.unit, exponent), self.loose)

    def same(self, other: Unit) -> Unit | None:
        """The unit of what both are: a sum, a choice; None where they do not agree."""
        if self.unit is None or other.unit is None:
            known = self if other.unit is None else other
            return replace(known, loose=known.loose or (self.loose and other.loose))
        if equal(self, other):
            return replace(self if self.written else other, loose=self.loose and other.loose)
        if self.strict and other.strict:
            return None
        if self.strict or other.strict:
            return self if self.strict else other
        return MIXED


ANY = Unit(None)
"""The unit of a number as it is written."""
MIXED = Unit(None, True)
"""The unit of channels of several units, between which numbers stand."""


def none() -> Unit:
    """The unit of a number that has none, such as a count."""
    return _known("")


def seconds() -> Unit:
    """The unit s."""
    return _known("s")


def radians() -> Unit:
    """The unit rad."""
    return _known("rad")


def named(text: str) -> Unit | None:
    """The unit of this spelling; None where it is not understood. Empty text is no unit."""
    unit = unit_of(text)
    return None if unit is None else Unit(unit, written=text.strip())


def of_channel(text: str) -> Unit:
    """The unit of a channel. One that pint does not know agrees with every unit."""
    return named(text) or ANY


def one_dimension(a: Unit, b: Unit) -> bool:
    """Whether both units are known and of one dimension."""
    return (
        a.unit is not None
        and b.unit is not None
        and bool(a.unit.dimensionality == b.unit.dimensionality)
    )


def equal(a: Unit, b: Unit) -> bool:
    """Whether both are one unit, which may be spelled in two ways."""
    if a.unit is None or b.unit is None:
        return a.unit is b.unit
    if a.unit == b.unit:
        return True
    if not one_dimension(a, b):
        return False
    known = factor(a, b)
    return known is not None and abs(known[0] - 1) < _SAME and not known[1]


def factor(a: Unit, b: Unit) -> tuple[float, float] | None:
    """The factor and the offset that bring a value from unit `a` to unit `b`, of one dimension.

    None where there is no factor: from a product of degrees Celsius.
    """
    if a.written and b.written and (known := conversion(a.written, b.written)):
        return known.factor, known.offset
    assert a.unit is not None and b.unit is not None
    try:
        return float((1.0 * a.unit).to(b.unit).magnitude), 0.0
    except (TypeError, OverflowError, ZeroDivisionError):  # pint's own errors are TypeErrors
        return None


def spelled(unit: pint.Unit) -> str:
    """A unit as a channel may name it, such as `km/h`, `kph/s` or `kW·s`."""
    over: list[str] = []
    under: list[str] = []
    powers = {name: float(str(power)) for name, power in unit._units.items()}
    for name, power in sorted(powers.items()):
        sign = f"{unit._REGISTRY.get_symbol(name)}"
        size = abs(power)
        text = sign if size == 1 else f"{sign}^{size:g}"
        (over if power > 0 else under).append(text)
    text = "·".join(over) or "1"
    text = "/".join([text, *under])
    return _SIGNS.get(text, text)


def _step(unit: pint.Unit) -> pint.Unit:
    """The unit of a difference: a product of degrees Celsius is in kelvin."""
    steps = {"degree_Celsius": "kelvin", "degree_Fahrenheit": "delta_degree_Fahrenheit"}
    return unit._REGISTRY.Unit(steps.get(str(unit), str(unit)))


def _power(unit: pint.Unit, exponent: float) -> pint.Unit:
    power: pint.Unit = _step(unit) ** exponent  # type: ignore[assignment]
    return power


def _known(text: str) -> Unit:
    unit = named(text)
    assert unit is not None
    return unit
