"""Which laps in the offline store were recorded from start to end."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_M = 50.0
"""A shorter lap is never whole."""
SAME_LENGTH = 0.005
"""Laps whose lengths differ by a smaller share than this have the same length."""


def whole(
    session: Sequence[Hashable], from_start: ArrayLike, length_m: ArrayLike, follows: ArrayLike
) -> NDArray[np.bool_]:
    """Which laps were recorded from their start to their end; all arrays have the shape (laps,).

    `session` says which laps are of one session of one car. `from_start` is 1 for a lap recorded
    from its start, `length_m` the length recorded, `follows` whether the next lap was recorded,
    too. A lap has its end when the next lap follows. Recordings often stop at the line, so a lap
    that none follows has its end, too, when it is as long as a lap that has; and in sessions
    without such a lap, when it is as long as the lap of another of them.
    """
    length = np.asarray(length_m, float)
    started = (np.asarray(from_start, float) == 1) & (length > LEAST_M)
    ended = started & np.asarray(follows, bool)
    with_ended = {key for key, has_end in zip(session, ended, strict=True) if has_end}
    alone = started & np.array([key not in with_ended for key in session], bool)
    places = np.flatnonzero(alone)
    order = places[np.argsort(length[places])]
    twins = np.diff(length[order]) < SAME_LENGTH * length[order[1:]]
    has_twin = np.zeros(len(length), bool)
    has_twin[order] = np.r_[False, twins] | np.r_[twins, False] if len(order) else False
    return np.asarray(ended | (started & (_as_long(length, length[ended]) | has_twin)))


def _as_long(length: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each lap is as long as any of the others."""
    if not len(others):
        return np.zeros(len(length), bool)
    ordered = np.sort(others)
    after = np.searchsorted(ordered, length)
    last = len(ordered) - 1
    apart = [np.abs(ordered[np.clip(at, 0, last)] - length) for at in (after - 1, after)]
    return np.asarray(np.minimum(*apart) < SAME_LENGTH * length)
