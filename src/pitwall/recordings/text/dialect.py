"""How the lines of a table are divided into cells: delimiter, decimal sign, comments."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pitwall.recordings.text.cells import Kind, kind

DELIMITERS = (",", ";", "\t", "|", " ")
COMMENTS = ("#", "//", "%", "!")
"""Beginnings of lines that hold no row."""
DECIMAL_COMMA = re.compile(r"[+-]?(?:\d*|\d{1,3}(?:\.\d{3})+),\d+(?:[eE][+-]?\d+)?")
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
IN_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
ROWS_LOOKED_AT = 300


@dataclass(frozen=True)
class Dialect:
    """How a table is written."""

    delimiter: str
    """One character; a blank stands for any number of blanks."""
    decimal: str = "."
    width: int = 0
    """Cells that most lines have."""
    decimal_told: bool = True
    """False where `1,100` could be a thousand or one, and nothing in the sample decides."""

    def split(self, line: str) -> list[str]:
        """The cells of one line, without quotes and without blanks at their ends."""
        if self.delimiter == " ":
            return line.split()
        if '"' not in line:
            return [cell.strip() for cell in line.split(self.delimiter)]
        reader = csv.reader([line], delimiter=self.delimiter, skipinitialspace=True)
        try:
            return [cell.strip() for cell in next(reader)]
        except (csv.Error, StopIteration):
            return [cell.strip(' "') for cell in line.split(self.delimiter)]


MARK = re.compile(r"MARK \d+ - ")
"""A mark that the driver of a MegaSquirt car set, in a line of its own between the rows."""


def comment_mark(line: str, delimiter: str) -> str | None:
    """The mark that makes the line a comment, or None for a line of the table."""
    text = line.lstrip(' \t"')
    if MARK.match(text):
        return "MARK"
    for mark in COMMENTS:
        if text.startswith(mark) and mark != delimiter and not _cell_of_units(text, delimiter):
            return mark
    return None


def find_dialect(lines: Sequence[str]) -> Dialect | None:
    """The dialect in which the later half of the lines has the most numbers in the same columns.

    None where no delimiter gives at least two columns with a number or a time in them.
    """
    written = [line for line in lines if line.strip()]
    tail = written[len(written) // 2 :][-ROWS_LOOKED_AT:]
    best: tuple[float, float, Dialect] | None = None
    for delimiter in DELIMITERS:
        if not any(delimiter in line for line in tail):
            continue
        dialect = Dialect(delimiter)
        rows = [dialect.split(line) for line in tail if comment_mark(line, delimiter) is None]
        rows = [row for row in rows if any(row)]
        if not rows:
            continue
        width = Counter(map(len, rows)).most_common(1)[0][0]
        even = [row for row in rows if len(row) == width]
        if width < 2:
            continue
        decimal, told = _decimal(even, delimiter)
        known = sum(
            kind(cell, decimal) in {Kind.NUMBER, Kind.TIME, Kind.QUANTITY}
            for row in even
            for cell in row
        )
        cells = sum(kind(cell, decimal) is not Kind.MISSING for row in rows for cell in row)
        share = known / max(cells, 1)
        score = known / len(rows) * (0.5 + 0.5 * share)
        if delimiter == " " and best is not None:
            # Blanks stand inside of dates and texts: they divide only where all cells are numbers.
            better = share >= 0.9 and share > best[1] + 0.05
        else:
            better = known > 0 and (best is None or score > best[0])
        if better:
            best = (score, share, Dialect(delimiter, decimal, width, told))
    return best[2] if best else None


def _decimal(rows: Sequence[Sequence[str]], delimiter: str) -> tuple[str, bool]:
    """The decimal sign, and whether the cells decide it."""
    commas = [cell for row in rows for cell in row if DECIMAL_COMMA.fullmatch(cell)]
    if not commas:
        return ".", True
    if not all(IN_GROUPS.fullmatch(cell) for cell in commas):
        return ",", True
    if any(DECIMAL_POINT.fullmatch(cell) for row in rows for cell in row):
        return ".", True
    return ("." if delimiter == "," else ","), False


def _cell_of_units(text: str, delimiter: str) -> bool:
    """Whether a line that begins with `%` or `#` is a row of units or of names, not a comment."""
    first = text.split(delimiter)[0].strip(' "')
    return delimiter != " " and text.count(delimiter) > 0 and first in {"%", "#"}
