"""CSV: a row of names, a row of units, then a row for each tick. UTF-8, comma, point.

The first column is `Timestamp`, seconds since session start. An empty cell is no value. Numbers are
as short as they can be and read back to the same bits.
"""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl

from pitwall.recordings.writers.export import CLOCK, Export, Written

ROWS = 50_000
"""Rows that are rendered at a time."""


def write(export: Export, path: Path) -> Written:
    """Write channels and features as CSV."""
    session = export.joined()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([CLOCK, *session.names])
        writer.writerow(["s", *session.units])
        for first in range(0, len(session.times_s), ROWS):
            rows = slice(first, first + ROWS)
            columns = [session.times_s[rows], *session.values[rows].T]
            frame = pl.DataFrame({str(place): column for place, column in enumerate(columns)})
            file.write(frame.fill_nan(None).write_csv(include_header=False))
    return Written((path,))
