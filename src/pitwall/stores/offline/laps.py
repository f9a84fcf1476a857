"""Which of the laps in the offline store are whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_M = 200.0
TWIN = 0.005


def whole(from_start: ArrayLike, length_m: ArrayLike, follows: ArrayLike) -> NDArray[np.bool_]:
    """Laps seen from their start to their end; arguments and answer have one entry a lap.

    Its end was seen when the next lap follows (`follows`), or when another lap from the start is as long, within 0.5 %: a
    recording often stops at the line.
    """
    length = np.asarray(length_m, float)
    begun = (np.asarray(from_start, float) == 1) & (length > LEAST_M)
    order = np.flatnonzero(begun)[np.argsort(length[begun])]
    near = np.diff(length[order]) < TWIN * length[order[1:]]
    twin = np.zeros(len(length), bool)
    twin[order] = np.r_[False, near] | np.r_[near, False] if len(order) else False
    return np.asarray(begun & (np.asarray(follows, bool) | twin))
