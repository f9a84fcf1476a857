"""exp, log, sin, cos, atan2 and powers: near the true value, and of the same bits in Java."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from dryrun import MAX, Advance, Run
from sessions_of_doubles import SESSION, bits, messages, ticks_of

from pitwall.features import FeatureSet, last, maths
from pitwall.features.maths import elementary
from pitwall.features.oracle import reference

pytestmark = pytest.mark.xdist_group("operator")
DICE = random.Random(1)
SAMPLES = 5000


def ulps(value: float, true: float) -> float:
    """Distance in units in the last place of the true value."""
    return abs(value - true) / math.ulp(true)


@pytest.mark.parametrize(
    ("ours", "true", "low", "high"),
    [
        (elementary.exp, math.exp, -700, 709),
        (elementary.exp, math.exp, -1, 1),
        (lambda x: elementary.log(math.exp(x)), lambda x: math.log(math.exp(x)), -700, 700),
        (elementary.log, math.log, 0.5, 2),
        (elementary.sin, math.sin, -1e6, 1e6),
        (elementary.sin, math.sin, -7, 7),
        (elementary.cos, math.cos, -1e6, 1e6),
        (elementary.cos, math.cos, -7, 7),
        (lambda x: elementary.atan2(x, 0.7), lambda x: math.atan2(x, 0.7), -5, 5),
        (lambda x: elementary.atan2(0.7, x), lambda x: math.atan2(0.7, x), -5, 5),
    ],
)
def test_a_function_is_within_two_units_in_the_last_place(
    ours: Callable[[float], float], true: Callable[[float], float], low: float, high: float
) -> None:
    arguments = [DICE.uniform(low, high) for _ in range(SAMPLES)]
    assert max(ulps(ours(x), true(x)) for x in arguments) <= 2


def test_powers_are_right_to_twelve_digits() -> None:
    for _ in range(SAMPLES):
        a, b = DICE.uniform(0, 100), DICE.uniform(-100, 100)
        assert elementary.power(a, b) == pytest.approx(a**b, rel=1e-12)
        assert elementary.power(a, round(b)) == pytest.approx(a ** round(b), rel=1e-12)
    assert [elementary.power(-2, n) for n in (0, 1, 2, 3, -1)] == [1, -2, 4, -8, -0.5]
    assert elementary.power(0, 0) == 1
    assert math.isnan(elementary.power(-2, 0.5))
    assert math.isnan(elementary.power(0, -1))


def test_the_platforms_exp_has_other_bits_so_ours_counts() -> None:
    arguments = [DICE.uniform(-5, 5) for _ in range(SAMPLES)]
    assert any(elementary.exp(x) != math.exp(x) for x in arguments)


def test_java_has_the_same_bits_for_arguments_of_every_size(run: Run) -> None:
    one = ("exp", "log", "sin", "cos", "sqrt", "floor", "round", "sign")
    features = FeatureSet(
        "elementary",
        *(last(maths(f"{name}(Speed * 1)", "", name=f"One{name}")) for name in one),
        last(maths("atan2(Speed * 1, Throttle * 1)", "rad", name="Angle")),
        last(maths("(Speed * 1) ** (Throttle * 1)", "", name="Power")),
        last(maths("Speed * 1 % (Throttle * 1)", "", name="Rest")),
    )
    rows = []
    for _ in range(1500):
        size = 10 ** DICE.uniform(-320, 308) if DICE.random() < 0.3 else DICE.choice((1, 20, 800))
        value = DICE.uniform(-1, 1) * size
        other = DICE.choice((DICE.uniform(-9, 9), float(DICE.randint(-40, 40)), value * 3))
        rows.append((value, other, 0.0, 0.0))
    ticks = ticks_of(rows, [20_000] * len(rows))
    steps = messages(rows, ticks)
    outcome = run(features, [*steps, Advance(steps[-1].now_ms + 10_000, MAX)])
    seen = outcome.rows[f"V/{SESSION}"]
    assert len(seen) == len(rows)
    for row, (_, values), wanted in zip(rows, seen, reference(features, ticks), strict=True):
        assert bits(values.tolist()) == bits(list(wanted.values())), row
