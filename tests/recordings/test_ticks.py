from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from pitwall.recordings.ticks import LONGEST_GAP_S, resampled


@pytest.mark.parametrize("rate_hz", [1.0, 7.0, 20.0, 50.0])
def test_ticks_are_those_of_one_grid_without_the_gaps(rate_hz: float) -> None:
    dice = np.random.default_rng(5)
    gaps = np.where(dice.random(300) < 0.05, 3 * LONGEST_GAP_S, 0.03)
    one = 5 + np.cumsum(gaps)
    other = np.arange(0, one[-1], 0.9)[::3]
    made = resampled([(one, one * 2), (other, other * 3)], rate_hz, [False, True])
    grid = np.arange(int((max(one[-1], other[-1])) * rate_hz + 1e-6) + 1) / rate_hz
    near = [(np.searchsorted(t, grid + 1e-6, "right") - 1, t) for t in (one, other)]
    inside = np.zeros(len(grid), bool)
    for before, times in near:
        after = np.minimum(before + 1, len(times) - 1)
        step = times[after] - times[np.maximum(before, 0)]
        inside |= (before >= 0) & (grid <= times[-1] + 1e-6) & (step <= LONGEST_GAP_S)
    assert made.times_s.tolist() == pytest.approx(grid[inside].tolist())
    known = np.isfinite(made.values[:, 0])
    assert made.values[known, 0] == pytest.approx(made.times_s[known] * 2)


def test_a_clock_that_leaps_by_days_makes_no_ticks_on_its_way() -> None:
    times = np.r_[np.arange(50) / 10, 6_000_000 + np.arange(50) / 10]
    tracemalloc.start()
    made = resampled([(times, times)], 20.0, [False])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # There is none at the last sample before the gap.
    assert len(made.times_s) == 2 * 99 - 1
    assert made.times_s[-1] == pytest.approx(6_000_004.9)
    assert peak < 1 << 20
