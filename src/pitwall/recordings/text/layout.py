"""Where the parts of a text file are: preamble, names, units, sources, and the first row.

Everything is decided on the first lines of the file. A line belongs to the header only for a
reason that can be named (its cells are names, units, sources or numbers of channels); every line
below the header is a row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pitwall.errors import LapFileError
from pitwall.recordings.text.cells import Kind, kind
from pitwall.recordings.text.columns import Field, fields_of
from pitwall.recordings.text.dialect import ROWS_LOOKED_AT, Dialect, comment_mark, find_dialect
from pitwall.recordings.text.units import Heading, heading, is_unit, no_unit

NUMERIC = {Kind.NUMBER, Kind.TIME, Kind.QUANTITY}
DEEPEST_HEADER = 8
"""Most lines that a header has, from the names to the last one above the rows."""
BAR_CELL = re.compile(r'"?([^|"]*)"?\|"?([^|"]*)"?(?:\|[-+.\d]*)+')
"""A cell of a header that holds name, unit and numbers (lowest, highest, rate): RaceCapture."""
SECTION = re.compile(r"\[[^\[\],;\t]+\]")
"""A line that names the section below it, such as `[Channel Data]`."""


@dataclass(frozen=True)
class Layout:
    """The parts of one file."""

    dialect: Dialect
    fields: tuple[Field, ...]
    """One for each cell of a row."""
    first_row: int
    """Number of the line with the first row, from 1."""
    preamble: tuple[tuple[str, ...], ...] = ()
    """The cells of each line above the names, without empty lines."""
    comments: tuple[str, ...] = ()
    """The comment lines above the first row."""
    header: frozenset[str] = field(default=frozenset())
    """The lines of the header as they stand, to know them again."""
    comment: str | None = None
    """The mark at the beginning of comment lines, where the file has some."""


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    cells: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not any(self.cells)


@dataclass(frozen=True)
class _Header:
    names: list[str]
    units: list[str]
    sources: list[str]
    top: int
    """Index of the names among the lines."""


def find_layout(path: Path, lines: Sequence[str]) -> Layout:
    """The layout of a file with these first lines (at least 1,000 of them, if it has so many).

    Raises `LapFileError` where there are no rows of numbers, no names above them, or other names
    than cells.
    """
    dialect = find_dialect(lines)
    if dialect is None:
        raise LapFileError(_no_rows(path, lines))
    table, comments, mark = _table(lines, dialect)
    first = _first_row(table, dialect)
    if first is None:
        raise LapFileError(_no_rows(path, lines))
    header = _header(path, table, first, dialect, comments)
    rows = [line.cells for line in table[first:] if len(line.cells) == dialect.width]
    return Layout(
        dialect,
        fields_of(_headings(header), rows, dialect.decimal),
        table[first].number,
        tuple(line.cells for line in table[: max(header.top, 0)] if not line.empty),
        tuple(text for number, text in comments if number < table[first].number),
        frozenset(line.text.strip() for line in table[max(header.top, 0) : first] if line.text),
        mark,
    )


def _table(
    lines: Sequence[str], dialect: Dialect
) -> tuple[list[_Line], list[tuple[int, str]], str | None]:
    """The lines without comments, the comments with their line numbers, and their mark."""
    table, comments, marks = [], [], set()
    for number, text in enumerate(lines, start=1):
        mark = comment_mark(text, dialect.delimiter)
        if mark is None:
            table.append(_Line(number, text, tuple(dialect.split(text))))
        else:
            comments.append((number, text.strip()))
            marks.add(mark)
    return table, comments, "#" if "#" in marks else min(marks, default=None)


def _first_row(table: Sequence[_Line], dialect: Dialect) -> int | None:
    """Index of the first row: the first line with numbers where the rows below have numbers.

    The two lines after it must look so as well; a line of numbers in a preamble is no row.
    """
    even = [line.cells for line in table if len(line.cells) == dialect.width]
    tail = even[len(even) // 2 :][-ROWS_LOOKED_AT:]
    anchors = [
        column
        for column in range(dialect.width)
        if _mostly_numbers([row[column] for row in tail], dialect.decimal)
    ]

    def numbers_and_texts(line: _Line) -> tuple[int, int]:
        if len(line.cells) != dialect.width:
            return 0, 0
        kinds = [kind(line.cells[column], dialect.decimal) for column in anchors]
        numbers = sum(kind in NUMERIC for kind in kinds)
        return numbers, len(kinds) - numbers - kinds.count(Kind.MISSING)

    like_rows = [
        numbers > texts and not _channel_numbers(table, index)
        for index, (numbers, texts) in enumerate(map(numbers_and_texts, table))
    ]
    filled = _once([index for index, line in enumerate(table) if not line.empty], table, like_rows)
    for place, index in enumerate(filled):
        if like_rows[index] and all(like_rows[below] for below in filled[place + 1 : place + 3]):
            break
    else:
        index = next((index for index in filled if like_rows[index]), -1)
        if index < 0:
            return None
    # A row whose other cells are texts is still a row, if its clock or another cell is a number
    # and names and units stand above it.
    while index > 1 and numbers_and_texts(table[index - 1])[0] > 0:
        above = table[index - 1]
        if _channel_numbers(table, index - 1) or _is_units(above.cells, table[index - 2].cells):
            break
        index -= 1
    return index


def _mostly_numbers(cells: Sequence[str], decimal: str) -> bool:
    kinds = [found for cell in cells if (found := kind(cell, decimal)) is not Kind.MISSING]
    return bool(kinds) and sum(found in NUMERIC for found in kinds) * 2 >= len(kinds)


def _once(places: Sequence[int], table: Sequence[_Line], like_rows: Sequence[bool]) -> list[int]:
    """The lines without those that are no rows and were there before: a header written again."""
    seen: set[str] = set()
    kept = []
    for place in places:
        text = table[place].text.strip()
        if like_rows[place] or text not in seen:
            kept.append(place)
        seen.add(text)
    return kept


def _channel_numbers(table: Sequence[_Line], index: int) -> bool:
    """Whether the line numbers the channels: 1, 2, 3 … below the names, with an empty line below
    or with no number below the clock."""
    cells = table[index].cells
    filled = [cell for cell in cells if cell]
    if len(filled) < 2 or not all(cell.isdigit() for cell in filled):
        return False
    numbers = [int(cell) for cell in filled]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))) or numbers[0] > 2:
        return False
    below = table[index + 1 : index + 3]
    if not below or all(line.empty for line in below):
        return False
    return below[0].empty or (not cells[0] and below[0].cells[0] != "")


def _header(
    path: Path,
    table: Sequence[_Line],
    first: int,
    dialect: Dialect,
    comments: Sequence[tuple[int, str]],
) -> _Header:
    """Names, units and sources from the lines above the first row."""
    index = first - 1
    while index >= 0 and (
        table[index].empty
        or _channel_numbers(table, index)
        or SECTION.fullmatch(table[index].text.strip(',;"\t '))
    ):
        index -= 1
    if index < 0:
        return _commented_names(path, table[first], dialect, comments)
    block: list[int] = []
    while index >= 0 and not table[index].empty and len(block) < DEEPEST_HEADER:
        cells = _joined(_trimmed(table[index].cells), dialect)
        if block and abs(len(cells) - dialect.width) > 1:
            break
        block.insert(0, index)
        index -= 1
    rows = [table[index].cells for index in block]
    last = len(block) - 1
    units: Sequence[str] = ()
    sources: Sequence[str] = ()
    names = last
    if last >= 1 and _is_units(rows[last], rows[last - 1]):
        units, names = rows[last], last - 1
    elif last >= 2 and _is_units(rows[last - 1], rows[last - 2]):
        sources, units, names = rows[last], rows[last - 1], last - 2
    top = names
    if names >= 1 and rows[names - 1] == rows[names]:
        top = names - 1
    elif names >= 1 and not sources and _is_groups(rows[names - 1], dialect.width):
        top = names - 1
        sources = _filled_forward(rows[top])
    line = table[block[names]]
    cells = _fitted(path, line, table[first:], dialect)
    return _Header(
        cells,
        _padded(units, dialect.width),
        _padded(sources, dialect.width),
        block[top],
    )


def _commented_names(
    path: Path, row: _Line, dialect: Dialect, comments: Sequence[tuple[int, str]]
) -> _Header:
    """The names from the last comment line above the first row, where it has as many cells."""
    for number, text in reversed(comments):
        cells = dialect.split(text.lstrip("#%!/ "))
        if number < row.number and len(cells) == dialect.width and all(cells):
            return _Header(cells, [""] * dialect.width, [""] * dialect.width, -1)
    raise LapFileError(
        f"{path}: line {row.number}: the rows begin without a header; write the names of the "
        f"{dialect.width} columns into a line above them"
    )


def _fitted(path: Path, line: _Line, below: Sequence[_Line], dialect: Dialect) -> list[str]:
    """The names, one for each cell of a row.

    Rows may have one cell more than names: an empty one at the end, or a row number at the
    beginning. Raises `LapFileError` for any other difference.
    """
    names, width = _joined(line.cells, dialect), dialect.width
    while len(names) > width and not names[-1]:
        names.pop()
    rows = [row.cells for row in below if len(row.cells) == width]
    if len(names) == width:
        return names
    if len(names) == width - 1 and not any(row[-1] for row in rows):
        return [*names, ""]
    if len(names) == width - 1 and _counts([row[0] for row in rows]):
        return ["", *names]
    cause = ""
    if dialect.delimiter == "," and len(names) * 2 - 1 <= width <= len(names) * 2:
        cause = "; is the decimal sign a comma, like the delimiter? Export with ';' or with quotes"
    row = next((row for row in below if len(row.cells) == width), below[0])
    raise LapFileError(
        f"{path}: line {row.number} has {width} cells, the header in line {line.number} names "
        f"{len(names)}{cause or '; give each column one name'}"
    )


def _headings(header: _Header) -> list[Heading]:
    """Name, unit and source of each column."""
    headings = []
    barred = [BAR_CELL.fullmatch(name) for name in header.names]
    for name, unit, source, bar in zip(
        header.names, header.units, header.sources, barred, strict=True
    ):
        unit = unit.strip("[]() ") if unit[:1] in {"[", "("} else unit
        unit = "" if no_unit(unit) else unit
        if bar and sum(map(bool, barred)) > len(barred) / 2:
            headings.append(Heading(bar[1].strip(), bar[2].strip(), source))
        elif unit:
            own = heading(name)
            same = own.unit.lower() == unit.lower()
            headings.append(Heading(own.name if same else " ".join(name.split()), unit, source))
        else:
            own = heading(name)
            headings.append(Heading(own.name, own.unit, own.source or source))
    return headings


def _is_units(row: Sequence[str], above: Sequence[str]) -> bool:
    """Whether a line is a row of units: most cells are units or empty, and names stand above."""
    filled = [cell for cell in row if not no_unit(cell)]
    names = [cell for cell in above if cell and not is_unit(cell)]
    if len(names) * 2 < len([cell for cell in above if cell]) or len(above) < len(row) - 1:
        return False
    known = sum(map(is_unit, filled))
    if not filled:
        return bool(row) and len(names) >= len(row) - 1
    empty = len(row) - len(filled)
    return known >= 1 and known * 4 >= len(filled) and (known + empty) * 2 >= len(row)


def _is_groups(row: Sequence[str], width: int) -> bool:
    """Whether a line above the names groups them: few or repeated texts over the whole width."""
    places = [index for index, cell in enumerate(row) if cell]
    texts = all(kind(row[index], ".") is Kind.TEXT for index in places)
    repeated = len({row[index] for index in places}) < len(places)
    few = 2 <= len(places) < width or (repeated and len(places) >= 2)
    return len(row) == width and texts and few and places[-1] * 2 >= width


def _filled_forward(row: Sequence[str]) -> list[str]:
    result: list[str] = []
    for cell in row:
        result.append(cell or (result[-1] if result else ""))
    return result


def _padded(row: Sequence[str], width: int) -> list[str]:
    return [*row[:width], *[""] * (width - len(row))]


def _trimmed(row: Sequence[str]) -> Sequence[str]:
    """The row without one empty cell at its end."""
    return row[:-1] if row and not row[-1] else row


def _joined(cells: Sequence[str], dialect: Dialect) -> list[str]:
    """The cells of a header, where a delimiter within brackets divides none: `AEM (0,23,51)`."""
    if len(cells) <= dialect.width:
        return list(cells)
    joined: list[str] = []
    for cell in cells:
        if joined and joined[-1].count("(") > joined[-1].count(")"):
            joined[-1] += dialect.delimiter + cell
        else:
            joined.append(cell)
    return joined


def _counts(cells: Sequence[str]) -> bool:
    """Whether the cells are the numbers of the rows."""
    return bool(cells) and all(
        cell.isdigit() and len(cell) < 12 and int(cell) == int(cells[0]) + index
        for index, cell in enumerate(cells)
    )


def _no_rows(path: Path, lines: Sequence[str]) -> str:
    written = [number for number, line in enumerate(lines, start=1) if line.strip()]
    if not written:
        return f"{path}: the file is empty; give a file with a header and rows of numbers"
    shown = lines[written[0] - 1].strip()[:40]
    return (
        f"{path}: line {written[0]} begins with {shown!r}, and no row of numbers in columns was "
        "found; a table has names in one line and numbers separated by , ; tab or | below"
    )
