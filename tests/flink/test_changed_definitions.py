"""A running session under other definitions: what both know goes on, bit for bit.

The sets of a case have the same number of features, because `DryRun` writes rows of one width.
"""

from __future__ import annotations

import pytest
from arrival import KEY, Arrival, arrive
from dryrun import Restart, Run

from pitwall.features import FeatureSet, diff, lag, lap, lap_mean, last, maths, rolling, ticks
from pitwall.features.feature import Feature

pytestmark = pytest.mark.xdist_group("operator")
TICKS = 1000
BEFORE = (
    lap("number", "time"),
    rolling("Speed", ("mean", "std"), (1, 5)),
    lag("Speed", 0.5),
    lap_mean("Throttle"),
    last("Brake"),
)
TOTAL = maths("integral(Speed, reset=lap)", name="Total")
OTHER = maths("integral(Speed, reset=session)", name="Total")
CHANGES = {
    "a feature added": (*BEFORE, diff("Speed", 0.5)),
    "a feature removed": (*BEFORE[:2], *BEFORE[3:]),
    "a feature of a channel that nothing else uses removed": (*BEFORE[:3], BEFORE[4]),
    "a window changed": (BEFORE[0], rolling("Speed", ("mean", "std"), (1, 7)), *BEFORE[2:]),
    "a statistic added to a window": (
        BEFORE[0],
        rolling("Speed", ("mean", "std", "min", "slope"), (1, 5)),
        *BEFORE[2:],
    ),
    "features in another order": tuple(reversed(BEFORE)),
    "a channel added before the others": (last("AccelerationLat"), *BEFORE),
    "a maths channel added": (*BEFORE, last(TOTAL), rolling(TOTAL, ("mean",), (5,))),
}


def sets(changed: tuple[tuple[Feature, ...], ...]) -> tuple[FeatureSet, FeatureSet]:
    """Both sets, filled up with features of the session to the same number."""
    before, after = (FeatureSet(name, *groups) for name, groups in (("a", BEFORE), ("b", changed)))
    count = max(len(before.features), len(after.features)) + 1
    return tuple(  # type: ignore[return-value]
        FeatureSet(
            features.name,
            *groups,
            *(ticks(20 + n) for n in range(count - len(features.features))),
        )
        for features, groups in ((before, BEFORE), (after, changed))
    )


def drive() -> list[Arrival]:
    """Two laps of 10 s at 50 Hz over two partitions, with a lost tick now and then."""
    return [
        Arrival(
            20 * i,
            i / 50,
            {
                "SPEED": 100 + (i * 37 % 101) / 3,
                "LAPDISTANCE": 3.0 * (i % 500),
                "THROTTLE": i % 7,
                "BRAKE": i % 11,
                "ACCELERATIONLAT": i % 5,
            },
            i % 2,
        )
        for i in range(TICKS)
        if i % 97
    ]


@pytest.mark.parametrize("place", [1, 30, 505, 700])
@pytest.mark.parametrize("change", CHANGES)
def test_features_that_both_definitions_know_go_on_bit_for_bit(
    run: Run, change: str, place: int
) -> None:
    before, after = sets(CHANGES[change])
    whole = run(before, arrive(drive())).rows[KEY]
    steps = arrive(drive())
    outcome = run(before, [*steps[: 2 * place], Restart(), *steps[2 * place :]], after)
    assert not outcome.late and not outcome.duplicates
    rows = outcome.rows[KEY]
    assert [time for time, _ in rows] == [time for time, _ in whole]
    both = [name for name in before.names if name in after.names]
    assert len(both) >= 5
    names_then = [before.names.index(name) for name in both]
    names_now = [after.names.index(name) for name in both]
    left = len(run(before, steps[: 2 * place]).rows.get(KEY, []))
    for (_, expected), (_, row) in zip(whole[left:], rows[left:], strict=True):
        assert row[names_now].tobytes() == expected[names_then].tobytes()


@pytest.mark.parametrize("change", ["a feature added", "a window changed", "a maths channel added"])
def test_a_feature_that_is_new_is_right_once_its_window_is_full(run: Run, change: str) -> None:
    before, after = sets(CHANGES[change])
    steps = arrive(drive())
    rows = run(before, [*steps[:600], Restart(), *steps[600:]], after).rows[KEY]
    alone = run(after, arrive(drive())).rows[KEY]
    new = [n for n, name in enumerate(after.names) if name not in before.names]
    assert new
    for (_, row), (_, expected) in zip(rows[-100:], alone[-100:], strict=True):
        assert row[new] == pytest.approx(expected[new], rel=1e-12, nan_ok=True)


SUM = last(TOTAL), rolling(TOTAL, ("mean",), (5,)), lap_mean(TOTAL)


@pytest.mark.parametrize("place", [30, 505])
@pytest.mark.parametrize(
    ("after", "goes_on"),
    [
        ((*BEFORE, *SUM), True),
        ((*SUM, *BEFORE), True),
        ((*BEFORE, last(OTHER), rolling(OTHER, ("mean",), (5,)), lap_mean(OTHER)), False),
        ((*BEFORE, ticks(30), ticks(31), ticks(32)), None),
    ],
    ids=["the same", "in another order", "another formula", "without"],
)
def test_a_formula_goes_on_as_long_as_it_computes_the_same(
    run: Run, after: tuple[tuple[Feature, ...], ...], goes_on: bool | None, place: int
) -> None:
    """A formula of that name that computes something else has neither its sum nor its window."""
    first, second = FeatureSet("a", *BEFORE, *SUM), FeatureSet("b", *after)
    steps = arrive(drive())
    whole = run(first, steps).rows[KEY]
    outcome = run(first, [*steps[: 2 * place], Restart(), *steps[2 * place :]], second)
    left = len(run(first, steps[: 2 * place]).rows.get(KEY, []))
    kept = [name for name in first.names if "total" not in name]
    summed = ["total", "total_mean_5s", "total_lap_mean"]
    agrees = []
    for (_, expected), (_, row) in zip(whole[left:], outcome.rows[KEY][left:], strict=True):
        then, now = (
            dict(zip(first.names, expected, strict=True)),
            dict(zip(second.names, row, strict=True)),
        )
        assert [now[name].tobytes() for name in kept] == [then[name].tobytes() for name in kept]
        if goes_on is not None:
            agrees.append(all(now[name].tobytes() == then[name].tobytes() for name in summed))
    if goes_on is not None:
        assert all(agrees) is goes_on
