"""The lines of a table that are rows, in pieces that Polars can read without quotes.

What is left out here is a reason and a number: an empty line, a comment, a header that is written
again, a line with more or fewer cells than the header.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pitwall.recordings.text import decoding
from pitwall.recordings.text.cells import Kind, kind
from pitwall.recordings.text.dialect import Dialect, comment_mark
from pitwall.recordings.text.layout import NUMERIC, Layout

JOINT = "\x1f"
"""Stands between cells where the file's own delimiter also stands inside of quotes."""
MOST_COMMENTS = 100_000
COMMENT_LINE = re.compile(rb'^[ \t"]*(?:#|//|%|!)', re.MULTILINE)
COMMENT_BYTES = (b"#", b"/", b"%", b"!")
RAGGED = "row with more or fewer cells"


@dataclass
class Piece:
    """Rows of a file, one line each, without quotes."""

    data: bytes
    rows: int
    separator: str
    lines: NDArray[np.int64]
    """The line of each row in the file, from 1."""
    left_out: Counter[str] = field(default_factory=Counter)
    comments: list[str] = field(default_factory=list)
    ragged: tuple[int, int] | None = None
    """The first line with another number of cells than the header: its number and its cells."""
    other_header: tuple[int, tuple[str, ...]] | None = None
    """The first line that has a name in each column of numbers: its number and its cells."""


def pieces_of(path: Path, encoding: str, layout: Layout) -> Iterator[Piece]:
    """The rows of the file below its header."""
    number = 1
    for block in decoding.pieces(path, encoding):
        count = _count(block, b"\n")
        above = min(max(layout.first_row - number, 0), count)
        if above:
            start = 0
            for _ in range(above):
                start = block.index(b"\n", start) + 1
            block = block[start:]
        if block:
            yield piece_of(block, number + above, count - above, layout)
        number += count


def piece_of(block: bytes, first_line: int, rows: int, layout: Layout) -> Piece:
    """The rows of so many whole lines of UTF-8, the first of which is this line of the file."""
    dialect = layout.dialect
    if dialect.delimiter == " ":
        block = re.sub(rb"(?m)^ +| +$", b"", re.sub(rb"[ \t]+", b" ", block))
    lines = np.arange(first_line, first_line + rows)
    # A search for one byte is far faster than the expression.
    commented = any(mark in block for mark in COMMENT_BYTES) and COMMENT_LINE.search(block)
    if not commented:  # An empty line shows in the count of delimiters.
        for data, separator in _without_quotes(block, dialect):
            if _count(data, separator.encode()) == rows * (dialect.width - 1):
                return Piece(data, rows, separator, lines)
    return line_by_line(block, first_line, layout)


def _without_quotes(block: bytes, dialect: Dialect) -> Iterator[tuple[bytes, str]]:
    """Ways to read the block without quotes. One is right if its delimiters are as many as told."""
    if b'"' not in block:
        yield block, dialect.delimiter
        return
    mark = dialect.delimiter.encode()
    quoted = block.replace(b'"' + mark + b'"', JOINT.encode()).replace(b'"', b"")
    if mark not in quoted or dialect.decimal == ",":
        yield quoted, JOINT
    yield block.replace(b'"', b""), dialect.delimiter


def _count(data: bytes, mark: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == mark[0]))


def line_by_line(
    block: bytes, first_line: int, layout: Layout, separator: str | None = None
) -> Piece:
    """The rows of whole lines, each of which has as many cells as the header.

    With a `separator`, the lines are already without quotes.
    """
    dialect = layout.dialect
    split = separator is None and (b'"' in block or dialect.delimiter == " ")
    mark = separator or dialect.delimiter
    piece = Piece(b"", 0, JOINT if split else mark, np.empty(0, np.int64))
    kept: list[str] = []
    numbers: list[int] = []
    text = block.decode("utf-8", errors="replace").removesuffix("\n")
    for number, line in enumerate(text.split("\n"), start=first_line):
        bare = line.strip()
        if not bare.strip(mark + ' "'):
            piece.left_out["empty line"] += 1
        elif comment_mark(line, dialect.delimiter) is not None:
            piece.left_out["comment line"] += 1
            if len(piece.comments) < MOST_COMMENTS:
                piece.comments.append(bare)
        else:
            cells = dialect.split(line) if split else line.split(mark)
            if tuple(map(str.strip, cells)) in layout.header:
                piece.left_out["repeated header"] += 1
                continue
            if len(cells) != dialect.width:
                piece.left_out[RAGGED] += 1
                piece.ragged = piece.ragged or (number, len(cells))
                continue
            if piece.other_header is None and _names(cells, layout):
                piece.other_header = number, tuple(map(str.strip, cells))
            kept.append(JOINT.join(cells) if split else line)
            numbers.append(number)
    piece.data = "".join(f"{line}\n" for line in kept).encode()
    piece.rows = len(kept)
    piece.lines = np.array(numbers, np.int64)
    return piece


def _names(cells: Sequence[str], layout: Layout) -> bool:
    """Whether a line has a text in each column of numbers and times: the header of other rows."""
    places = [index for index, column in enumerate(layout.fields) if column.kind in NUMERIC]
    decimal = layout.dialect.decimal
    return len(places) > 1 and all(
        cells[index].strip()[:1].isalpha() and kind(cells[index].strip(), decimal) is Kind.TEXT
        for index in places
    )
