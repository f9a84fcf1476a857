"""The functions of the language: arguments, what they mean, and the rule of their units."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Function:
    """One function that a formula may call."""

    arguments: str
    """Its arguments as documentation shows them."""
    least: int
    most: int
    """Bounds of the number of arguments by position."""
    meaning: str
    unit: str
    """The rule of its unit, in words; the compiler holds it in code."""
    keyword: str = ""
    """The argument by name that it takes: `over` or `reset`; empty for none."""
    keeps: str = ""
    """What it keeps between two ticks, in words; empty for nothing."""


FUNCTIONS: dict[str, Function] = {
    "where": Function(
        "c, a, b", 3, 3, "`a` where the condition `c` holds, `b` where it does not", "of `a`, `b`"
    ),
    "abs": Function("x", 1, 1, "the value without its sign", "of `x`"),
    "min": Function("a, b, …", 2, 20, "the least value", "of all arguments"),
    "max": Function("a, b, …", 2, 20, "the greatest value", "of all arguments"),
    "clip": Function("x, low, high", 3, 3, "`x`, at least `low` and at most `high`", "of all"),
    "sqrt": Function("x", 1, 1, "square root; missing below 0", "the root of that of `x`"),
    "exp": Function("x", 1, 1, "e to the power `x`", "`x` and the result have none"),
    "log": Function("x", 1, 1, "natural logarithm; missing at 0 and below", "both have none"),
    "sin": Function("x", 1, 1, "sine, for at most ±1,000,000 rad", "`x` in rad, the result none"),
    "cos": Function("x", 1, 1, "cosine, for at most ±1,000,000 rad", "`x` in rad, the result none"),
    "atan2": Function("y, x", 2, 2, "angle of the point (`x`, `y`), −π to π", "rad"),
    "sign": Function("x", 1, 1, "−1, 0 or 1", "none"),
    "round": Function("x", 1, 1, "the nearest whole number, halves to the even one", "of `x`"),
    "floor": Function("x", 1, 1, "the greatest whole number that is not above `x`", "of `x`"),
    "to": Function('x, "unit"', 2, 2, "`x` in another unit of its dimension", "the one named"),
    "previous": Function(
        "x", 1, 1, "the value of `x` before this tick's", "of `x`", keeps="one value"
    ),
    "hold": Function(
        "x", 1, 1, "`x`, or its newest value where it is missing", "of `x`", keeps="one value"
    ),
    "rate": Function(
        "x",
        1,
        1,
        "change of `x` since its value before, a second",
        "of `x`, per s",
        keeps="one value and its time",
    ),
    "smooth": Function(
        "x, s",
        2,
        2,
        "exponential mean: moves by dt / (dt + `s`) of the way to `x`, `s` in seconds",
        "of `x`",
        keeps="the mean and its time",
    ),
    "integral": Function(
        "x, reset=…",
        1,
        1,
        "sum of `x` times the seconds since its value before, from the last reset on",
        "of `x`, times s",
        "reset",
        "the sum and a time",
    ),
    "count_of": Function(
        "c, over=…", 1, 1, "ticks at which the condition `c` held", "none", "over", "the count"
    ),
    "time_since": Function(
        "c", 1, 1, "seconds since the condition `c` held last", "s", keeps="one time"
    ),
    "stat_min": Function("x, over=…", 1, 1, "least value so far", "of `x`", "over", "one value"),
    "stat_max": Function("x, over=…", 1, 1, "greatest value so far", "of `x`", "over", "one value"),
    "stat_mean": Function(
        "x, over=…", 1, 1, "mean of the values so far", "of `x`", "over", "sum and count"
    ),
}
"""The functions by name. `over` takes `lap` or `session`; `reset` also a condition."""

SPANS = ("lap", "session")
"""What `over` and `reset` may name: from the first tick of the lap on, or from the session's."""
