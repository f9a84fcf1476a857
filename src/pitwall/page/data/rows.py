"""Rows of a session in memory: one thread appends them, and others read them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FIRST_ROWS = 256
"""Room for so many rows at first; it grows as rows come, for many sessions are short."""


class Rows:
    """The newest rows of one width. One thread appends rows; others read without a lock.

    Rows are numbered from 0 in the order in which they were appended. At least the newest `keep`
    rows stay, and at most twice as many.
    """

    def __init__(self, width: int, keep: int) -> None:
        self._keep = keep
        self._state: tuple[int, Floats, int] = (0, np.empty((min(FIRST_ROWS, 2 * keep), width)), 0)
        """The number of the block's first row, the block, and how many of its rows are filled.

        They are one tuple, so that a reader always gets three values that belong together.
        """

    def append(self, row: Floats) -> None:
        """Add one row, shape (width,)."""
        first, block, filled = self._state
        if filled == len(block):
            is_full = filled == 2 * self._keep
            kept = self._keep if is_full else filled
            length = filled if is_full else min(2 * filled, 2 * self._keep)
            next_block = np.empty((length, block.shape[1]))
            next_block[:kept] = block[filled - kept :]
            first, block, filled = first + filled - kept, next_block, kept
        block[filled] = row
        self._state = (first, block, filled + 1)

    def since(self, number: int) -> tuple[int, Floats]:
        """The rows from row `number` on, shape (rows, width), after the number of their first one.

        That number is higher than `number` where older rows are gone.
        """
        first, block, filled = self._state
        begin = min(max(number - first, 0), filled)
        return first + begin, block[begin:filled]

    @property
    def newest(self) -> Floats | None:
        """The newest row, shape (width,); None before the first one."""
        _, block, filled = self._state
        return block[filled - 1] if filled else None


def columns_of(names: Sequence[str], block: Floats, wanted: Sequence[str]) -> Floats:
    """The `wanted` columns of a block whose columns are `names`, shape (rows, wanted).

    A column that the block does not have is NaN.
    """
    indices = [names.index(name) if name in names else -1 for name in wanted]
    if not len(block):
        return np.empty((0, len(wanted)))
    with_nan = np.column_stack([block, np.full(len(block), np.nan)])
    return np.asarray(with_nan[:, indices])
