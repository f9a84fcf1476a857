"""What each step of a formula computes of numbers, and what it keeps between two ticks.

Every step gives a finite number or NaN, which stands for a missing value; a result beyond the
largest double is missing, and there is no negative zero. A step of a missing value is missing, but
for `and`, `or`, `where` and the steps that keep something. A condition is 1, 0 or missing.
`pitwall/maths/Steps.java` does the same operations in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from pitwall.features.maths import elementary

NAN = math.nan
Slots = list[float]
"""What one step keeps between two ticks; NaN at the beginning of a session."""


def finite(x: float) -> float:
    """The number itself, or NaN where it is not finite; 0 for a negative zero."""
    return x + 0.0 if x - x == 0 else NAN


def _divide(a: float, b: float) -> float:
    return a / b if b else NAN


def _modulo(a: float, b: float) -> float:
    """What is left of a after whole times b, with the sign of b."""
    if not b or a != a or b != b:
        return NAN
    rest = math.fmod(a, b)
    return rest + b if rest and (rest < 0) != (b < 0) else rest


def _power(a: float, b: float) -> float:
    return NAN if a != a or b != b else elementary.power(a, b)


def _known(test: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    """A comparison as a condition, missing where one side is."""
    return lambda a, b: NAN if a != a or b != b else float(test(a, b))


def _and(a: float, b: float) -> float:
    if a == 0 or b == 0:
        return 0.0
    return NAN if a != a or b != b else 1.0


def _or(a: float, b: float) -> float:
    if a == 1 or b == 1:
        return 1.0
    return NAN if a != a or b != b else 0.0


def _where(c: float, a: float, b: float) -> float:
    return a if c == 1 else b if c == 0 else NAN


def _least(a: float, b: float) -> float:
    return NAN if a != a or b != b else a if a <= b else b


def _greatest(a: float, b: float) -> float:
    return NAN if a != a or b != b else a if a >= b else b


def _of_known(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: NAN if x != x else function(x)


PURE: dict[str, Callable[..., float]] = {
    "value": lambda x: x,
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": _divide,
    "modulo": _modulo,
    "power": _power,
    "negative": lambda x: -x,
    "less": _known(lambda a, b: a < b),
    "less_equal": _known(lambda a, b: a <= b),
    "greater": _known(lambda a, b: a > b),
    "greater_equal": _known(lambda a, b: a >= b),
    "equal": _known(lambda a, b: a == b),
    "not_equal": _known(lambda a, b: a != b),
    "and": _and,
    "or": _or,
    "not": lambda x: 1 - x,
    "where": _where,
    "abs": abs,
    "min": _least,
    "max": _greatest,
    "sqrt": _of_known(lambda x: math.sqrt(x) if x >= 0 else NAN),
    "exp": elementary.exp,
    "log": elementary.log,
    "sin": elementary.sin,
    "cos": elementary.cos,
    "atan2": lambda y, x: NAN if y != y or x != x else elementary.atan2(y, x),
    "sign": _of_known(lambda x: float((x > 0) - (x < 0))),
    "round": _of_known(lambda x: float(round(x))),
    "floor": _of_known(lambda x: float(math.floor(x))),
}
"""Steps that need this tick's numbers alone."""


def _previous(kept: Slots, time_us: float, before_us: float, x: float) -> float:
    before = kept[0]
    if x == x:
        kept[0] = x
    return before


def _hold(kept: Slots, time_us: float, before_us: float, x: float) -> float:
    if x == x:
        kept[0] = x
    return kept[0]


def _rate(kept: Slots, time_us: float, before_us: float, x: float) -> float:
    if x != x:
        return NAN
    before, at_us = kept
    kept[:] = x, time_us
    return NAN if at_us != at_us else _divide(x - before, (time_us - at_us) * 1e-6)


def _smooth(kept: Slots, time_us: float, before_us: float, x: float, seconds: float) -> float:
    if x != x:
        return NAN
    mean, at_us = kept
    if mean != mean:
        mean = x
    else:
        passed = (time_us - at_us) * 1e-6
        mean = finite(mean + (x - mean) * (passed / (passed + seconds)))
    kept[:] = mean, time_us
    return mean


def _integral(kept: Slots, time_us: float, before_us: float, x: float, reset: float) -> float:
    total, from_us, begun = kept
    if reset == 1:
        begun = NAN
        from_us = max(from_us, before_us) if from_us == from_us else from_us
    if x == x:
        passed = (time_us - (from_us if from_us == from_us else before_us)) * 1e-6
        total = (total if begun == begun else 0.0) + x * passed
        from_us, begun = time_us, 1.0
    kept[:] = total, from_us, begun
    return total if begun == begun else NAN


def _count_of(kept: Slots, time_us: float, before_us: float, c: float, reset: float) -> float:
    count = 0.0 if reset == 1 or kept[0] != kept[0] else kept[0]
    kept[0] = count + 1 if c == 1 else count
    return kept[0]


def _time_since(kept: Slots, time_us: float, before_us: float, c: float) -> float:
    if c == 1:
        kept[0] = time_us
    return (time_us - kept[0]) * 1e-6


def _extreme(kept: Slots, choose: Callable[[float, float], float], x: float, reset: float) -> float:
    if reset == 1:
        kept[0] = NAN
    if x == x:
        kept[0] = x if kept[0] != kept[0] else choose(kept[0], x)
    return kept[0]


def _stat_min(kept: Slots, time_us: float, before_us: float, x: float, reset: float) -> float:
    return _extreme(kept, _least, x, reset)


def _stat_max(kept: Slots, time_us: float, before_us: float, x: float, reset: float) -> float:
    return _extreme(kept, _greatest, x, reset)


def _stat_mean(kept: Slots, time_us: float, before_us: float, x: float, reset: float) -> float:
    total, count = kept
    if reset == 1 or count != count:
        total = count = 0.0
    if x == x:
        total, count = total + x, count + 1
    kept[:] = total, count
    return total / count if count else NAN


KEEPING: dict[str, tuple[Callable[..., float], int]] = {
    "previous": (_previous, 1),
    "hold": (_hold, 1),
    "rate": (_rate, 2),
    "smooth": (_smooth, 2),
    "integral": (_integral, 3),
    "count_of": (_count_of, 1),
    "time_since": (_time_since, 1),
    "stat_min": (_stat_min, 1),
    "stat_max": (_stat_max, 1),
    "stat_mean": (_stat_mean, 2),
}
"""Steps that keep numbers between two ticks, and how many each."""
