"""Walks a row through all trees of a model, compiled to machine code.

Numba compiles it once for a machine and keeps the code in its cache. The sums have the bits of a
sum from left to right: nothing is reordered, and no multiplication is fused with an addition.
"""

from __future__ import annotations

import numpy as np
from numba import float64, int32, njit, types, void
from numpy.typing import NDArray

AT_ONCE = 8
"""So many trees are walked side by side, since each step waits for memory."""


_ROWS = types.Array(float64, 2, "A", readonly=True)
_INTEGERS = int32[::1]
_DOUBLES = float64[::1]


@njit(  # type: ignore[untyped-decorator]
    void(
        _ROWS,
        *(_INTEGERS, _INTEGERS, _INTEGERS),
        *(_DOUBLES, _INTEGERS, _DOUBLES),
        *(float64, _DOUBLES),
    ),
    cache=True,
    nogil=True,
)
def walk(
    rows: NDArray[np.float64],
    roots: NDArray[np.int32],
    depths: NDArray[np.int32],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float64],
    left: NDArray[np.int32],
    value: NDArray[np.float64],
    start: float,
    out: NDArray[np.float64],
) -> None:  # pragma: no cover: compiled
    """Write a value for each of `rows` (n, inputs) to `out` (n,).

    A node looks at `feature` of the row, of a copy of it with infinity for what is missing, or of
    what tells whether a value is missing (0 or 1); these follow one another. It leads to `left`, or
    to the node after that where the value is greater than `threshold`. A leaf leads to itself.
    `depths` are steps, one number for each `AT_ONCE` trees.
    """
    inputs = rows.shape[1]
    seen = np.empty(3 * inputs)
    trees = roots.shape[0]
    for i in range(rows.shape[0]):
        for k in range(inputs):
            x = rows[i, k]
            missing = x != x
            seen[k] = x
            seen[inputs + k] = np.inf if missing else x
            seen[2 * inputs + k] = 1.0 if missing else 0.0
        total = start
        for group in range(depths.shape[0]):
            t = group * AT_ONCE
            if t + AT_ONCE > trees:
                for last in range(t, trees):
                    a = roots[last]
                    for _ in range(depths[group]):
                        a = left[a] + np.int32(seen[feature[a]] > threshold[a])
                    total += value[a]
                break
            a, b, c, d = roots[t], roots[t + 1], roots[t + 2], roots[t + 3]
            e, f, g, h = roots[t + 4], roots[t + 5], roots[t + 6], roots[t + 7]
            for _ in range(depths[group]):
                a = left[a] + np.int32(seen[feature[a]] > threshold[a])
                b = left[b] + np.int32(seen[feature[b]] > threshold[b])
                c = left[c] + np.int32(seen[feature[c]] > threshold[c])
                d = left[d] + np.int32(seen[feature[d]] > threshold[d])
                e = left[e] + np.int32(seen[feature[e]] > threshold[e])
                f = left[f] + np.int32(seen[feature[f]] > threshold[f])
                g = left[g] + np.int32(seen[feature[g]] > threshold[g])
                h = left[h] + np.int32(seen[feature[h]] > threshold[h])
            total = total + value[a] + value[b] + value[c] + value[d]
            total = total + value[e] + value[f] + value[g] + value[h]
        out[i] = total
