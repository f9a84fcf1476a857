"""Columns of numbers that grow as a file is read, without a second copy of them at the end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPARE = 1.02
"""The rows of a file are supposed to become so many times longer or shorter as it is read."""
GROWTH = 1.5


class Growing:
    """Columns of one length, in one array whose size is told by the first bytes of a file.

    Memory that was reserved and not yet filled is not occupied. At most 8 bytes are reserved for
    each byte of the file: a cell has at least one, its delimiter.
    """

    def __init__(self, columns: int, file_bytes: int) -> None:
        self._numbers: NDArray[np.float64] = np.empty((columns, 0))
        self._rows = 0
        self._bytes = 0
        self._file_bytes = file_bytes

    def more(self, rows: int, data_bytes: int) -> NDArray[np.float64]:
        """Places for the numbers of so many more rows, shape (columns, rows).

        The rows were read from so many bytes. The places are valid until the next call.
        """
        first, self._rows = self._rows, self._rows + rows
        self._bytes += data_bytes
        if self._rows > self._numbers.shape[1]:
            expected = int(self._rows * max(self._file_bytes / self._bytes, 1.0) * SPARE)
            larger = np.empty((len(self._numbers), max(expected, int(first * GROWTH), self._rows)))
            larger[:, :first] = self._numbers[:, :first]
            self._numbers = larger
        return self._numbers[:, first : self._rows]

    def columns(self) -> NDArray[np.float64]:
        """All columns as far as they are filled, shape (columns, rows)."""
        return self._numbers[:, : self._rows]
