"""Sums as the oracle takes them: right to the last bits, for any doubles.

Numbers are brought into [-1, 1] by a power of two before they are squared or summed, so nothing
overflows or vanishes on the way. A result beyond the largest double is infinite.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence


def integral(x: Sequence[float], seconds: Sequence[float]) -> float:
    """Sum of the numbers, at least one, each times its seconds."""
    scaled, exponent = _scaled(x)
    return _times_power(math.fsum(map(operator.mul, scaled, seconds)), exponent)


def mean(x: Sequence[float]) -> float:
    """Mean of the numbers, at least one."""
    scaled, exponent = _scaled(x)
    return _times_power(math.fsum(scaled) / len(x), exponent)


def root_mean_square(x: Sequence[float]) -> float:
    """Root of the mean of the squares of the numbers, at least one."""
    scaled, exponent = _scaled(x)
    squares = math.fsum(value * value for value in scaled)
    return _times_power(math.sqrt(squares / len(x)), exponent)


def deviation(x: Sequence[float]) -> float:
    """Population standard deviation of the numbers, at least one."""
    scaled, exponent = _scaled(x)
    middle = math.fsum(scaled) / len(x)
    return _times_power(root_mean_square([value - middle for value in scaled]), exponent)


def slope(seconds: Sequence[float], x: Sequence[float]) -> float:
    """Slope a second of the least-squares line through the samples; NaN for a single instant."""
    scaled, exponent = _scaled(x)
    middle, middle_s = math.fsum(scaled) / len(x), math.fsum(seconds) / len(x)
    spread = math.fsum((s - middle_s) ** 2 for s in seconds)
    if not spread:
        return math.nan
    products = ((s - middle_s) * (value - middle) for s, value in zip(seconds, scaled, strict=True))
    return _times_power(math.fsum(products) / spread, exponent)


def _scaled(x: Sequence[float]) -> tuple[list[float], int]:
    """The numbers divided by a power of two so that the largest lies in [0.5, 1); its exponent."""
    _, exponent = math.frexp(max(abs(value) for value in x))
    return [math.ldexp(value, -exponent) for value in x], exponent


def _times_power(value: float, exponent: int) -> float:
    """`value * 2**exponent`, infinite beyond the largest double."""
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.copysign(math.inf, value)
