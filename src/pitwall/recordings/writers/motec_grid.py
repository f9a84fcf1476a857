"""Puts the values of a channel on a grid of constant rate, which is all that a `.ld` can hold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import UsageError

JITTER = 0.01
"""A channel is regular while no sample is farther from the grid, in steps of the grid."""
MOST_HZ = 1000
MOST_STRETCH = 16
"""A grid has at most so many times the samples of its channel."""
SPARE = 100_000
"""So many samples a grid may always have."""


class Grid(NamedTuple):
    """A channel at a constant rate from the start of the file on."""

    rate_hz: int
    values: NDArray[np.float32]
    """Shape (samples,); NaN where the channel has no value."""
    exact: bool
    """Whether every sample stands at its own time, and no other value is in the grid."""


def on_grid(
    name: str, times_s: NDArray[np.float64], values: NDArray[np.float64], begin_s: float
) -> Grid:
    """The channel's samples on a grid that begins at `begin_s`.

    A channel with regular samples keeps its rate, and each sample its place. Otherwise the rate is
    the next whole number above the usual one, and a place of the grid holds the newest sample that
    is no older than three of the usual spacings; nothing is interpolated. `times_s` and `values`
    have the shape (samples,). Raises `UsageError` where the grid would be mostly empty.
    """
    if len(times_s) < 2:
        rate_hz, spacing_s = 1, 1.0
    else:
        spacing_s = float(np.median(np.diff(times_s)))
        rate_hz = min(max(round(1 / spacing_s), 1), MOST_HZ)
    steps = (times_s - begin_s) * rate_hz
    places = np.round(steps)
    regular = bool(np.all(np.abs(steps - places) <= JITTER) and np.all(np.diff(places) > 0))
    if not regular:
        rate_hz = min(max(int(np.ceil(1 / spacing_s - 1e-6)), 1), MOST_HZ)
    length = int(np.ceil((times_s[-1] - begin_s) * rate_hz - JITTER)) + 1 if len(times_s) else 0
    if length > MOST_STRETCH * len(times_s) + SPARE:
        raise UsageError(
            f"channel {name!r} has {len(times_s):,} samples in {times_s[-1] - begin_s:,.0f} s, "
            f"with a gap that MoTeC's format would fill with {length:,} places; export single laps"
        )
    grid = np.full(length, np.nan, np.float32)
    if regular:
        grid[places.astype(np.int64)] = values
        return Grid(rate_hz, grid, True)
    grid_s = begin_s + np.arange(length) / rate_hz
    newest = np.searchsorted(times_s, grid_s + JITTER / rate_hz, "right") - 1
    known = (newest >= 0) & (grid_s - times_s[newest] <= 3 * spacing_s)
    grid[known] = values[newest[known]]
    return Grid(rate_hz, grid, False)
