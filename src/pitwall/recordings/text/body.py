"""The rows of a table as columns of numbers, read by Polars in pieces of bounded size.

A piece that Polars reads as the layout says, cell for cell, is taken as it is. Any other piece is
read line by line first: comments, repeated headers and lines with more or fewer cells than the
header are left out and counted; then its cells are read as texts, so that each one that is no
number is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pitwall.errors import LapFileError
from pitwall.recordings.text import conversion, times
from pitwall.recordings.text.cells import Kind
from pitwall.recordings.text.conversion import Unread
from pitwall.recordings.text.growing import Growing
from pitwall.recordings.text.layout import Layout
from pitwall.recordings.text.lines import RAGGED, Piece, line_by_line, pieces_of

FLOATS = {Kind.NUMBER, Kind.MISSING}
MOST_RAGGED = 0.1
"""Share of lines with another number of cells than the header above which a file is refused."""


@dataclass
class Body:
    """The rows of a file."""

    values: dict[int, NDArray[np.float64]]
    """By column, shape (rows,); columns of times are seconds."""
    texts: dict[int, pl.Series]
    """The columns of texts that were asked for, as categories."""
    rows: int
    """Rows of the file, with those that were left out."""
    lines: NDArray[np.int64]
    """The line of each row in the file, shape (rows,)."""
    left_out: Counter[str]
    unread: dict[int, Unread]
    """Of each column with cells that are no number: how many, and the first one."""
    comments: list[str]
    zones: dict[int, bool]
    """Of each column of times: whether every text names its zone."""
    uncertain_days: set[int] = field(default_factory=set)
    """Columns of dates in which day and month could be the other way round."""


def read_body(
    path: Path,
    encoding: str,
    layout: Layout,
    day_first: bool | None = None,
    wanted_texts: frozenset[int] = frozenset(),
) -> Body:
    """The rows below the header.

    Raises `LapFileError` where no row is left, where other names stand below the rows, and where
    more than one line in ten has another number of cells than the header.
    """
    fields = layout.fields
    body = Body({}, {}, 0, np.empty(0, np.int64), Counter(), {}, [], {})
    signs = {
        field.sign_of: index for index, field in enumerate(fields) if field.sign_of is not None
    }
    taken = [
        index
        for index, column in enumerate(fields)
        if not column.counter
        and (column.kind is not Kind.TEXT or index in wanted_texts or index in signs.values())
    ]
    numeric = [
        index
        for index in taken
        if index not in wanted_texts and fields[index].kind is not Kind.TEXT
    ]
    table = Growing(len(numeric), path.stat().st_size)
    texts: dict[int, list[pl.Series]] = {index: [] for index in wanted_texts}
    lines: list[NDArray[np.int64]] = []
    orders: dict[int, bool] = {}
    ragged: tuple[int, int] | None = None
    for piece, frame in _frames(path, encoding, layout, taken):
        body.left_out.update(piece.left_out)
        body.comments += piece.comments
        ragged = ragged or piece.ragged
        if piece.other_header is not None:
            number, names = piece.other_header
            raise LapFileError(
                f"{path}: line {number} has the names {', '.join(names)[:80]!r} below rows of "
                "other columns; the file holds several tables: write each into a file of its own"
            )
        if frame is None:
            continue
        lines.append(piece.lines)
        for index in wanted_texts:
            texts[index].append(frame[str(index)].cast(pl.Categorical))
        for index, target in zip(numeric, table.more(piece.rows, len(piece.data)), strict=True):
            series = frame[str(index)]
            if fields[index].kind is Kind.TIME:
                shape = fields[index].shape
                if index not in orders:
                    orders[index], doubt = times.order(series, shape, day_first)
                    if doubt:
                        body.uncertain_days.add(index)
                seconds, told = times.seconds_of(series, shape, orders[index])
                body.zones[index] = told and body.zones.get(index, True)
                target[:] = seconds
                _note(body, index, conversion.unread_times(series, seconds, piece.lines))
            else:
                numbers, unread = conversion.numbers(
                    series, fields[index], layout.dialect.decimal, piece.lines
                )
                if index in signs:
                    numbers = numbers * conversion.signs(frame[str(signs[index])])
                target[:] = numbers
                _note(body, index, unread)
        del frame
    rows = sum(map(len, lines))
    body.rows = rows + body.left_out[RAGGED]
    _check_ragged(path, layout, body, ragged, rows)
    body.lines = np.concatenate(lines) if lines else body.lines
    body.texts = {index: pl.concat(series) for index, series in texts.items()}
    body.values = dict(zip(numeric, table.columns(), strict=True))
    return body


def _frames(
    path: Path, encoding: str, layout: Layout, taken: list[int]
) -> Iterator[tuple[Piece, pl.DataFrame | None]]:
    """The pieces and their cells; None where no row is left in a piece."""
    numbers: dict[str, pl.DataType] = {
        str(index): pl.Float64() if column.kind in FLOATS else pl.String()
        for index, column in enumerate(layout.fields)
    }
    texts: dict[str, pl.DataType] = dict.fromkeys(numbers, pl.String())
    for piece in pieces_of(path, encoding, layout):
        frame = _frame(piece, layout, taken, numbers) if piece.rows else None
        if piece.rows and frame is None:
            # Line by line, the lines that are no rows are left out. Texts in the others stay.
            if not piece.left_out:
                piece = line_by_line(piece.data, int(piece.lines[0]), layout, piece.separator)
            frame = _frame(piece, layout, taken, numbers) if piece.rows else None
            if piece.rows and frame is None:
                frame = _frame(piece, layout, taken, texts)
            if piece.rows and frame is None:
                raise LapFileError(
                    f"{path}: lines {piece.lines[0]} to {piece.lines[-1]} cannot be read as rows "
                    f"of {layout.dialect.width} cells; look for stray quotes and delimiters"
                )
        yield piece, frame


def _frame(
    piece: Piece, layout: Layout, taken: list[int], schema: dict[str, pl.DataType]
) -> pl.DataFrame | None:
    """The wanted columns of a piece by this schema; None where a cell or a line does not fit."""
    missing = sorted({text for column in layout.fields for text in column.missing} - {""})
    try:
        frame = pl.read_csv(
            piece.data,
            has_header=False,
            schema=schema,
            columns=taken,
            separator=piece.separator,
            quote_char=None,
            null_values=["", *missing] if missing else None,  # An empty cell is null in any case.
            decimal_comma=layout.dialect.decimal == "," and piece.separator != ",",
            infer_schema=False,
            glob=False,
        )
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == piece.rows else None


def _note(body: Body, index: int, unread: Unread | None) -> None:
    if unread is not None:
        before = body.unread.get(index)
        body.unread[index] = unread if before is None else before.and_more(unread.count)


def _check_ragged(
    path: Path, layout: Layout, body: Body, ragged: tuple[int, int] | None, rows: int
) -> None:
    width = layout.dialect.width
    if ragged is not None and (body.left_out[RAGGED] > MOST_RAGGED * max(body.rows, 1) or rows < 2):
        raise LapFileError(
            f"{path}: line {ragged[0]} has {ragged[1]} fields, the header has {width}; is the file "
            "truncated, or is a cell with a delimiter not quoted?"
        )
    if rows == 0:
        raise LapFileError(f"{path}: no row of numbers below the header")
