"""The arithmetic of `InertialSpeed` for each row, compiled to machine code.

Its bits are those of the same formulas on whole columns in NumPy: sums go from left to right, and
no multiplication is fused with an addition.
"""

from __future__ import annotations

import math

import numpy as np
from numba import float64, int64, njit, types, void
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.int64]

_ROWS = types.Array(float64, 2, "A", readonly=True)
_PLACES, _TABLE, _DOUBLES = int64[::1], int64[:, ::1], float64[::1]


@njit(  # type: ignore[untyped-decorator]
    void(
        *(_ROWS, _PLACES, _PLACES, _DOUBLES),
        *(_TABLE, _TABLE, float64[:, ::1]),
        *(_DOUBLES, _DOUBLES, _PLACES, _DOUBLES, _PLACES, _DOUBLES, _DOUBLES),
        *(float64, float64, float64[:, ::1]),
    ),
    cache=True,
    nogil=True,
)
def speeds(
    rows: Array,
    plain_at: Places,
    gain_at: Places,
    gain_kph: Array,
    first_at: Places,
    second_at: Places,
    second_counts: Array,
    ends_s: Array,
    widths_s: Array,
    after_at: Places,
    after_share: Array,
    before_at: Places,
    before_share: Array,
    trust: Array,
    least_yaw: float,
    kph_in_corner: float,
    out: Array,
) -> None:  # pragma: no cover: compiled
    """Write the trees' inputs for `rows` (n, inputs) to `out` (n, columns).

    The columns are the plain inputs, the speed gained over each window, its differences, and for
    each stretch of time the speed of its corner, that speed now, and its yaw; last the fused speed.
    `first_at`, `second_at` and `second_counts` have a row for lateral acceleration and one for yaw.
    """
    plain, gains, stretches = plain_at.shape[0], gain_at.shape[0], ends_s.shape[0]
    differences = plain + gains
    corners = differences + gains - 1
    for i in range(rows.shape[0]):
        row, to = rows[i], out[i]
        for k in range(plain):
            to[k] = row[plain_at[k]]
        for k in range(gains):
            to[plain + k] = row[gain_at[k]] * gain_kph[k]
            if k:
                to[differences + k - 1] = to[plain + k] - to[plain + k - 1]
        total, fused = 0.0, 0.0
        lateral_before, yaw_before = 0.0, 0.0
        for k in range(stretches):
            first, second = row[first_at[0, k]], row[second_at[0, k]]
            lateral_energy = (first * first + second * second * second_counts[0, k]) * ends_s[k]
            first, second = row[first_at[1, k]], row[second_at[1, k]]
            yaw_energy = (first * first + second * second * second_counts[1, k]) * ends_s[k]
            lateral, yaw = lateral_energy, yaw_energy
            if k:
                lateral, yaw = lateral_energy - lateral_before, yaw_energy - yaw_before
            lateral_before, yaw_before = lateral_energy, yaw_energy
            lateral, yaw = lateral / widths_s[k], yaw / widths_s[k]
            if lateral < 0.0:
                lateral = 0.0
            speed = math.nan
            if yaw > least_yaw:
                speed = math.sqrt(lateral / yaw) * kph_in_corner
            since = (
                to[plain + after_at[k]] * after_share[k]
                + to[plain + before_at[k]] * before_share[k]
            )
            now = speed + since
            to[corners + k] = speed
            to[corners + stretches + k] = now
            to[corners + 2 * stretches + k] = yaw
            if math.isfinite(now):
                weight = yaw * trust[k]
                total += weight
                fused += weight * now
        to[corners + 3 * stretches] = fused / total if total > 0 else math.nan
