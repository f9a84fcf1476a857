"""What the reader of a format gives: the table of a file, before anybody looks at its clock."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Table(NamedTuple):
    """The numbers of a recording, as the file holds them."""

    names: list[str]
    """Name of each column, as written in the file."""
    units: list[str]
    """Unit of each column, as written in the file; empty where the file names none."""
    values: NDArray[np.float64]
    """Shape (rows, columns); NaN where the file has no value."""


class Reader(Protocol):
    """A function that reads the files of one format."""

    def __call__(self, path: Path) -> Table:
        """The table of one file. Raises `LapFileError`, which names the file and its fault."""
