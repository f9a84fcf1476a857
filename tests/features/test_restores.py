"""State of other definitions: what both know goes on, and nothing else is made up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from dryrun import MAX, Advance, Message, Restart, Run, Step

from pitwall.features import Feature, FeatureSet, lag, last, rolling, ticks
from pitwall.kafka.wire import TickEncoder

pytestmark = pytest.mark.xdist_group("operator")
RATE_HZ = 50
RESTORED_AT = 200
"""Tick before which the job is restored under other definitions, at 4 s."""


def values(
    run: Run, before: list[Feature], after: list[Feature], every: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of 500 ticks, restored in between, and of the same ticks under `after` alone.

    Speed is the number of the tick, and comes with every so many ticks.
    """
    sets = [FeatureSet("v", features) for features in (before, after)]
    encoders = [
        TickEncoder("car", "20260101-000000-x", names, ("",) * len(names), RATE_HZ)
        for names in (("Throttle",), ("Throttle", "Speed"))
    ]
    steps: list[Step] = []
    for i in range(500):
        row = [0.0, float(i)] if i % every == 0 else [0.0]
        payload = encoders[len(row) - 1].encode(i / RATE_HZ, row)
        now_ms = 1_000_000 + 20 * i
        steps.append(Message(payload, now_ms, now_ms + 3, watermark=now_ms))
    steps.append(Advance(99_000_000, MAX))
    restored = [*steps[:RESTORED_AT], Restart(), *steps[RESTORED_AT:]]
    (seen,) = run(sets[0], restored, sets[1]).rows.values()
    (alone,) = run(sets[1], steps).rows.values()
    return np.array([row for _, row in seen]), np.array([row for _, row in alone])


@pytest.mark.parametrize("every", [1, 7, 90])
def test_a_longer_lag_is_null_until_all_it_reaches_is_known(run: Run, every: int) -> None:
    """Before, nothing older than 1 s was kept but the newest sample at least so old.

    0 s … 3 s ------ 4 s restored ------ 6 s …
          known      lag of 3 s: null    lag of 3 s: as ever
    """
    seen, alone = values(run, lag("Speed", 1, 0.5), lag("Speed", 1, 3), every)
    np.testing.assert_array_equal(seen[RESTORED_AT:, 0], alone[RESTORED_AT:, 0])
    longer = seen[RESTORED_AT:, 1]
    known = ~np.isnan(longer)
    np.testing.assert_array_equal(longer[known], alone[RESTORED_AT:, 1][known])
    first = int(np.argmax(known))
    assert first + RESTORED_AT == pytest.approx(6 * RATE_HZ, abs=every)
    assert known[first:].all()


def test_a_new_window_begins_with_what_was_kept(run: Run) -> None:
    before = [*rolling("Speed", ("mean",), (1,)), *last("Speed"), ticks(1)]
    after = [*rolling("Speed", ("mean",), (1,)), *rolling("Speed", ("count", "std"), (3,))]
    seen, alone = values(run, before, after)
    assert seen[RESTORED_AT:, 0].tobytes() == alone[RESTORED_AT:, 0].tobytes()
    counts = seen[RESTORED_AT:, 1]
    assert RATE_HZ <= counts[0] <= RATE_HZ + 2, "of the last second, and perhaps one before"
    full = int(np.argmax(counts == 3 * RATE_HZ))
    assert 0 < full <= 2 * RATE_HZ
    np.testing.assert_array_equal(np.diff(counts[: full + 1]), 1)
    np.testing.assert_allclose(seen[RESTORED_AT + full :, 2], alone[RESTORED_AT + full :, 2])


def test_a_window_goes_on_where_it_gets_other_statistics(run: Run) -> None:
    before = [*rolling("Speed", ("count", "max"), (2,)), *last("Speed")]
    after = rolling("Speed", ("std", "slope", "min"), (2,))
    seen, alone = values(run, before, after)
    assert not math.isnan(seen[RESTORED_AT, 1])
    np.testing.assert_allclose(seen[RESTORED_AT:], alone[RESTORED_AT:], rtol=1e-12)
