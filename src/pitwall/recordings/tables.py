"""The readers of plain tables, Parquet and CSV, in the shape that all readers have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pitwall.channels.channel import channel_id
from pitwall.errors import LapFileError
from pitwall.recordings import csv, parquet
from pitwall.recordings.meanings import TIME_COLUMNS
from pitwall.recordings.reader import Table
from pitwall.recordings.recording import Column, Options, Recording


class TableReader:
    """A reader of tables whose clock counts seconds in one of the columns `TIME_COLUMNS`."""

    def __init__(
        self, name: str, suffix: str, read_table: Callable[[Path], Table], marks: tuple[bytes, ...]
    ) -> None:
        self.NAME: str = name
        self.SUFFIXES: tuple[str, ...] = (suffix,)
        self._read_table = read_table
        self._marks = marks

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether the file begins with the format's mark, or has its suffix and no other mark."""
        if self._marks:
            return head.startswith(self._marks)
        return path.suffix.lower() in self.SUFFIXES and b"\0" not in head

    def read(self, path: Path, options: Options) -> Sequence[Recording]:
        """The one recording of a table. Raises `LapFileError` as its reader and for no clock."""
        names, units, values = self._read_table(path)
        ids = [channel_id(name) for name in names]
        place = _clock(path, names, ids, values)
        if place is None and options.rate_hz is None:
            raise LapFileError(
                f"{path}: no time column among {', '.join(names[:6])}; expected one of Timestamp, "
                "TotalTime, Time, or give the rows a second: --rate-hz"
            )
        rate_hz = options.rate_hz or 1.0
        times = np.arange(len(values)) / rate_hz if place is None else values[:, place]
        if len(times) < 2:
            raise LapFileError(f"{path}: {len(times)} rows; a lap has at least two")
        columns = tuple(
            Column(name, units[at], times, values[:, at])
            for at, name in enumerate(names)
            if ids[at] != "TIMESTAMP"
        )
        clock = names[place] if place is not None else ""
        return [Recording(path, self.NAME, columns, len(values), clock=clock)]


CSV = TableReader("csv", ".csv", csv.read_table, ())
PARQUET = TableReader("parquet", ".parquet", parquet.read_table, (b"PAR1",))


def _clock(path: Path, names: list[str], ids: list[str], values: NDArray[np.float64]) -> int | None:
    """Index of the session's clock: the first candidate that always rises, else one that moves."""
    candidates = [ids.index(column) for column in TIME_COLUMNS if column in ids]
    for index in candidates:
        if np.all(np.diff(values[:, index]) > 0):
            return index
    for index in candidates:
        times = values[:, index]
        if np.isfinite(times).any() and np.nanmax(times) > np.nanmin(times):
            return index
    if candidates:
        raise LapFileError(f"{path}: time stands still in column {names[candidates[0]]}")
    return None
