"""Maths channels over whole columns, for previews and analysis.

Arithmetic runs on arrays. Steps that keep something, and the functions of `elementary`, take one
number after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitwall.features.maths.channel import Maths, Step
from pitwall.features.maths.steps import KEEPING, PURE

Floats = NDArray[np.float64]
NAN = np.nan


def _modulo(a: Floats, b: Floats) -> Floats:
    rest = np.fmod(a, b)
    return np.where((rest != 0) & ((rest < 0) != (b < 0)), rest + b, rest)


def _known(test: Callable[[Floats, Floats], Any]) -> Callable[[Floats, Floats], Floats]:
    return lambda a, b: np.where(np.isnan(a) | np.isnan(b), NAN, test(a, b))


def _and(a: Floats, b: Floats) -> Floats:
    return np.where((a == 0) | (b == 0), 0.0, np.where(np.isnan(a) | np.isnan(b), NAN, 1.0))


def _or(a: Floats, b: Floats) -> Floats:
    return np.where((a == 1) | (b == 1), 1.0, np.where(np.isnan(a) | np.isnan(b), NAN, 0.0))


def _where(c: Floats, a: Floats, b: Floats) -> Floats:
    return np.where(c == 1, a, np.where(c == 0, b, NAN))


ARRAYS: dict[str, Callable[..., Floats]] = {
    "value": lambda x: x,
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "modulo": _modulo,
    "negative": np.negative,
    "less": _known(np.less),
    "less_equal": _known(np.less_equal),
    "greater": _known(np.greater),
    "greater_equal": _known(np.greater_equal),
    "equal": _known(np.equal),
    "not_equal": _known(np.not_equal),
    "and": _and,
    "or": _or,
    "not": lambda x: 1 - x,
    "where": _where,
    "abs": np.abs,
    "min": np.minimum,
    "max": np.maximum,
    "sqrt": np.sqrt,
    "sign": np.sign,
    "round": np.rint,
    "floor": np.floor,
}
"""Steps that NumPy computes to the bit."""


def values(
    maths: Sequence[Maths],
    times_us: NDArray[np.int64],
    channels: Mapping[str, Floats],
    new_laps: NDArray[np.bool_] | None = None,
) -> dict[str, Floats]:
    """The value of each maths channel at each tick of one session, by id; NaN where missing.

    `times_us` is session time in rising order, shape (ticks,). `channels` holds the columns of
    that shape by channel id; a channel that is not there counts as never sent. `new_laps` says
    where a lap begins, no lap's beginning where it is left out. `maths` is in an order in which
    the channels can be computed.
    """
    ticks = len(times_us)
    laps = np.zeros(ticks, np.bool_) if new_laps is None else new_laps
    known = dict(channels)
    computed = {}
    for channel in maths:
        results: list[Floats] = []
        for step in channel.steps:
            with np.errstate(all="ignore"):
                result = _result(step, results, times_us, laps, known)
                results.append(np.where(np.isfinite(result), result + 0.0, NAN))
        known[channel.id] = computed[channel.id] = results[-1]
    return computed


def _result(
    step: Step,
    results: Sequence[Floats],
    times_us: NDArray[np.int64],
    new_laps: NDArray[np.bool_],
    channels: Mapping[str, Floats],
) -> Floats:
    name, *places = step
    ticks = len(times_us)
    if name == "channel":
        column = channels.get(str(places[0]))
        return np.full(ticks, NAN) if column is None else column
    if name == "number":
        return np.full(ticks, float(places[0]))
    if name == "new_lap":
        return new_laps.astype(np.float64)
    arguments = [results[int(place)] for place in places]
    if name in ARRAYS:
        return ARRAYS[str(name)](*arguments)
    lists = [column.tolist() for column in arguments]
    if name in KEEPING:
        function, slots = KEEPING[str(name)]
        kept = [NAN] * slots
        times = times_us.tolist()
        before = [*times[:1], *times[:-1]]
        rows = zip(times, before, *lists, strict=True)
        return np.fromiter((function(kept, *row) for row in rows), np.float64, ticks)
    rows = zip(*lists, strict=True)
    return np.fromiter((PURE[str(name)](*row) for row in rows), np.float64, ticks)
