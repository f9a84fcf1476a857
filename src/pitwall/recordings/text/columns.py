"""The columns of a table: name, unit, and what kind of cells they hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pitwall.recordings.text import dates
from pitwall.recordings.text.cells import MISSING, QUANTITY, Kind, kind, plain
from pitwall.recordings.text.units import Heading

COORDINATE = re.compile(r"lat|lon|lng", re.IGNORECASE)
GEARS = {"n": 0.0, "neutral": 0.0, "p": 0.0, "r": -1.0, "reverse": -1.0}
"""Words for gears in lower case, and the numbers that other files write for them."""
HEMISPHERES = ({"N", "S"}, {"E", "W"}, {"n", "s"}, {"e", "w"})


@dataclass(frozen=True)
class Field:
    """One column of a text file."""

    name: str
    unit: str
    source: str
    kind: Kind
    shape: str = ""
    """Of a column of times: the name of their spelling in `dates.SHAPES`."""
    sign_of: int | None = None
    """Of a column of N and S, or E and W: the column whose sign it tells."""
    counter: bool = False
    """A column without a name that numbers the rows, or one that is empty: no quantity."""
    missing: tuple[str, ...] = ()
    """Texts among its first cells that stand for a missing value."""


def kind_of(cells: Sequence[str], decimal: str) -> Kind:
    """The kind that most of the cells have that hold a value; MISSING if none does."""
    counts = Counter(kind(cell, decimal) for cell in cells)
    del counts[Kind.MISSING]
    if not counts:
        return Kind.MISSING
    if counts[Kind.NUMBER] and counts[Kind.TRUTH] and not counts[Kind.TEXT]:
        return Kind.NUMBER if counts[Kind.NUMBER] >= counts[Kind.TRUTH] else Kind.TRUTH
    most, count = counts.most_common(1)[0]
    return most if count * 2 >= sum(counts.values()) else Kind.TEXT


def fields_of(
    headings: Sequence[Heading], rows: Sequence[Sequence[str]], decimal: str
) -> tuple[Field, ...]:
    """The columns with these headings and these first rows."""
    fields: list[Field] = []
    for index, (name, unit, source) in enumerate(headings):
        cells = [row[index] for row in rows]
        what = kind_of(cells, decimal)
        texts = {cell for cell in cells if cell}
        shape = ""
        if what is Kind.TIME:
            shapes = Counter(dates.shape(cell) or "" for cell in texts)
            shapes.pop("", None)
            shape = shapes.most_common(1)[0][0] if shapes else ""
        if what is Kind.QUANTITY and not unit:
            units = Counter(
                match[2].strip()
                for cell in texts
                if (match := QUANTITY.fullmatch(plain(cell, decimal)))
            )
            unit = units.most_common(1)[0][0]
        sign_of = None
        if what is Kind.TEXT and index and any(texts <= both for both in HEMISPHERES):
            left = fields[index - 1]
            angle = left.kind is Kind.NUMBER and COORDINATE.search(left.name)
            sign_of = index - 1 if angle else None
        if what is Kind.TEXT and "gear" in name.lower() and _gears(texts):
            what = Kind.NUMBER
        counter = not name and (not texts or (index == 0 and _rises(cells)))
        missing = tuple(sorted(text for text in texts if MISSING.fullmatch(text)))
        fields.append(
            Field(
                name or f"column {index + 1}", unit, source, what, shape, sign_of, counter, missing
            )
        )
    return tuple(fields)


def _rises(cells: Sequence[str]) -> bool:
    """Whether the cells are whole numbers that rise by one."""
    numbers = [int(cell) for cell in cells if cell.isdigit()]
    steps = {below - above for above, below in pairwise(numbers)}
    return len(numbers) == len(cells) and steps <= {1}


def _gears(texts: set[str]) -> bool:
    return all(text.lstrip("-").isdigit() or text.lower() in GEARS for text in texts)
