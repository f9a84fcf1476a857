"""Which laps in the offline store were recorded from start to end."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_M = 50.0
"""A shorter lap is never whole."""
SAME_LENGTH = 0.005
"""Laps whose lengths differ by a smaller share than this have the same length."""


def whole(from_start: ArrayLike, length_m: ArrayLike, follows: ArrayLike) -> NDArray[np.bool_]:
    """Which laps were recorded from their start to their end; all arrays have the shape (laps,).

    `from_start` is 1 for a lap recorded from its start, `length_m` the length recorded, `follows`
    whether the next lap was recorded, too. A lap has its end when the next lap follows, or when
    another lap that was recorded from its start has the same length, because recordings often stop
    at the line.
    """
    length = np.asarray(length_m, float)
    started = (np.asarray(from_start, float) == 1) & (length > LEAST_M)
    order = np.flatnonzero(started)[np.argsort(length[started])]
    close = np.diff(length[order]) < SAME_LENGTH * length[order[1:]]
    has_twin = np.zeros(len(length), bool)
    has_twin[order] = np.r_[False, close] | np.r_[close, False] if len(order) else False
    return np.asarray(started & (np.asarray(follows, bool) | has_twin))
