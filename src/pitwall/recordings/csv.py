"""CSV exports of any vehicle: a line of channel names, perhaps one of units, then rows of numbers.

Text is UTF-8, else Windows-1252. An empty cell is NaN. A file without a line of units names none.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd

from pitwall.errors import LapFileError
from pitwall.recordings.reader import Table

UNITS = {"°": "deg", "°/s": "deg/s"}
"""Units as exports write them, by our name of them."""


def read_table(path: Path) -> Table:
    """The table of a CSV export.

    Raises `LapFileError` when the header does not name each column once, when a line has more or
    fewer fields than the header, when a cell is no number, and when no row follows.
    """
    lines = _lines(path)
    if len(lines) < 2:
        raise LapFileError(f"{path}: {len(lines)} lines; expected a header and rows of numbers")
    names = [name.strip() for name in lines[0].split(",")]
    if not all(names) or len(set(names)) != len(names) or any(map(_is_number, names)):
        raise LapFileError(f"{path}: the first line is no header of distinct channel names")
    for number, line in enumerate(lines[1:], start=2):
        if line.count(",") != len(names) - 1:
            raise LapFileError(
                f"{path}: line {number} has {line.count(',') + 1} fields, "
                f"the header has {len(names)}; is the file truncated?"
            )
    cells = [cell.strip() for cell in lines[1].split(",")]
    has_units = any(cell and not _is_number(cell) for cell in cells)
    units = [_unit(cell) for cell in cells] if has_units else [""] * len(names)
    rows = lines[2:] if has_units else lines[1:]
    if not rows:
        raise LapFileError(f"{path}: no row of numbers")
    try:
        frame = pd.read_csv(
            io.StringIO("\n".join(rows)), header=None, dtype=np.float64, skip_blank_lines=False
        )
    except ValueError as error:
        raise LapFileError(f"{path}: a cell is no number ({error})") from error
    return Table(names, units, frame.to_numpy())


def _lines(path: Path) -> list[str]:
    """The lines of the file, without blank ones at its end."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    return text.rstrip().splitlines()


def _unit(cell: str) -> str:
    return "" if cell.lower() == "n/a" else UNITS.get(cell, cell)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
        return True
    except ValueError:
        return False
