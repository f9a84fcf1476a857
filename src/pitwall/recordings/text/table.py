"""A text file read as a recording: what all readers of text formats share.

`parse` finds out everything that a table tells by itself; `recording` makes a `Recording` of it,
with what the reader of a format knows besides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import LapFileError, listed
from pitwall.recordings.recording import Column, Line, Options, Recording
from pitwall.recordings.text import cars, decoding, long_form
from pitwall.recordings.text.axis import Axis, axis_of
from pitwall.recordings.text.body import Body, read_body
from pitwall.recordings.text.cells import Kind
from pitwall.recordings.text.clocks import clocks, day_of
from pitwall.recordings.text.facts import Facts, facts_of
from pitwall.recordings.text.layout import Layout, find_layout

LAP_NAMES = re.compile(
    r"(current|cur|race)?(lap|laps|runde|tour|giro|vuelta)(s|no|nr|num|number|count|counter|index"
    r"|id)?"
)
HEXADECIMAL = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{1,16}")
SHOWN = 8
"""Names that a sentence lists before it only counts them."""


@dataclass(frozen=True)
class Parsed:
    """A table with everything that it tells by itself."""

    path: Path
    encoding: str
    layout: Layout
    facts: Facts
    body: Body
    axis: Axis

    def values(self, name: str) -> NDArray[np.float64] | None:
        """Numbers of the first column of that name, shape (rows,), or None."""
        for index, column in enumerate(self.layout.fields):
            if column.name.lower() == name.lower() and index in self.body.values:
                return self.body.values[index]
        return None

    @property
    def lap_column(self) -> int | None:
        """The column that counts laps, or None."""
        for index, column in enumerate(self.layout.fields):
            key = re.sub(r"[^a-z]", "", column.name.lower())
            if LAP_NAMES.fullmatch(key) and index in self.body.values:
                known = self.body.values[index]
                known = known[np.isfinite(known)]
                if known.size and (known == np.round(known)).all():
                    return index
        return None


def parse(path: Path, options: Options, layout: Layout | None = None) -> Parsed:
    """The table in a text file.

    Raises `LapFileError` where it has no rows, no names, no clock, lines that do not fit, or the
    rows of several cars.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4 * decoding.HEAD)
    except OSError as error:
        raise LapFileError(f"{path}: {error.strerror}") from error
    if not decoding.is_text(head):
        cause = "the file is empty" if not head.strip() else "this is no text"
        raise LapFileError(f"{path}: {cause}; give a file with a header and rows of numbers")
    encoding = decoding.encoding(head)
    layout = layout or find_layout(path, decoding.first_lines(path, encoding))
    parts = long_form.parts_of(layout.fields)
    wanted = parts.texts if parts is not None else frozenset()
    whose = frozenset(
        index
        for index in cars.columns_of(layout.fields)
        if layout.fields[index].kind is Kind.TEXT and parts is None
    )
    body = read_body(path, encoding, layout, options.day_first, wanted | whose)
    facts = facts_of(layout.preamble, layout.dialect.decimal, options.day_first)
    if facts.day is None:
        day = day_of(layout.fields, body)
        facts = replace(facts, day=day, day_text=str(day.day) if day is not None else "")
    axis = axis_of(path, len(body.lines), clocks(layout.fields, body, options), facts, options)
    if parts is None:
        cars.check(path, layout.fields, body, axis)
    for index in whose:
        del body.texts[index]
    return _without_empty_rows(Parsed(path, encoding, layout, facts, body, axis))


def recording(
    parsed: Parsed,
    format: str,
    *,
    beacons_s: Sequence[float] | None = None,
    line: Line | None = None,
    doubts: Sequence[str] = (),
) -> Recording:
    """The recording of a table. Markers that the reader knows replace those of the preamble."""
    body, axis, facts = parsed.body, parsed.axis, parsed.facts
    parts = long_form.parts_of(parsed.layout.fields)
    long = parts is not None and long_form.columns(parts, body, axis.times_s)
    columns = long or _columns(parsed)
    markers = _markers(parsed) if beacons_s is None else tuple(beacons_s)
    lap = parsed.lap_column
    return Recording(
        path=parsed.path,
        format=format,
        columns=tuple(columns),
        rows=body.rows,
        encoding="utf-8" if parsed.encoding == "ascii" else parsed.encoding,
        clock=axis.clock,
        start=axis.start,
        zone_told=axis.zone_told,
        day_only=axis.day_only,
        vehicle=facts.vehicle,
        driver=facts.driver,
        beacons_s=markers,
        lap_column=None if lap is None or parts is not None else parsed.layout.fields[lap].name,
        line=line,
        left_out={reason: count for reason, count in body.left_out.items() if count},
        doubts=(*axis.doubts, *_doubts(parsed), *doubts),
    )


def _without_empty_rows(parsed: Parsed) -> Parsed:
    """The table without rows that have no time or no value, or that repeat the row before."""
    body, axis = parsed.body, parsed.axis
    timed = np.isfinite(axis.times_s)
    others = [values for index, values in body.values.items() if index not in axis.columns]
    valued = np.ones(len(timed), bool)
    if others and all(np.isnan(values).any() for values in others):
        valued = np.zeros(len(timed), bool)
        for values in others:
            valued |= np.isfinite(values)
    repeated = np.zeros(len(timed), bool)
    if axis.columns and not body.texts:
        same = np.flatnonzero(np.diff(axis.times_s) == 0) + 1
        for values in others:
            same = same[
                (values[same] == values[same - 1])
                | (np.isnan(values[same]) & np.isnan(values[same - 1]))
            ]
        repeated[same] = True
    body.left_out["row without a time"] += int((~timed).sum())
    body.left_out["row without a value"] += int((timed & ~valued).sum())
    body.left_out["row that repeats the one before"] += int((timed & valued & repeated).sum())
    kept = timed & valued & ~repeated
    if kept.sum() < 2:
        raise LapFileError(
            f"{parsed.path}: {kept.sum()} rows have a time in column {axis.clock or '-'} and a "
            "value; a recording has at least two"
        )
    if kept.all():
        return parsed
    filtered = replace(
        body,
        values={index: values[kept] for index, values in body.values.items()},
        texts={index: texts.filter(kept) for index, texts in body.texts.items()},
        lines=body.lines[kept],
    )
    return replace(
        parsed,
        body=filtered,
        axis=replace(axis, times_s=axis.times_s[kept]),
    )


def _columns(parsed: Parsed) -> list[Column]:
    """The columns of numbers; a clock of dates or of instants is none."""
    taken = []
    for index, column in enumerate(parsed.layout.fields):
        instant = column.kind is Kind.TIME or (
            index in parsed.axis.columns and not parsed.axis.elapsed
        )
        if index not in parsed.body.values or instant or _is_text(parsed.body, index):
            continue
        taken.append(
            Column(
                column.name,
                column.unit,
                parsed.axis.times_s,
                parsed.body.values[index],
                column.source,
                column.kind is Kind.TRUTH,
            )
        )
    return taken


def _is_text(body: Body, index: int) -> bool:
    """Whether a column has texts and not one number, or numbers to the base of 16."""
    unread = body.unread.get(index)
    if unread is None:
        return False
    hexadecimal = HEXADECIMAL.fullmatch(unread.text) and unread.count * 10 > body.rows
    return bool(hexadecimal) or not np.isfinite(body.values[index]).any()


def _markers(parsed: Parsed) -> tuple[float, ...]:
    """The markers of the preamble that lie within the recording; its end is none."""
    times = parsed.axis.times_s
    last, steps = float(times.max()), np.diff(times)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    return tuple(time for time in parsed.facts.markers_s if 0 <= time < last - step / 2)


def _doubts(parsed: Parsed) -> list[str]:
    fields, body = parsed.layout.fields, parsed.body
    sentences = []
    texts = [
        column.name
        for index, column in enumerate(fields)
        if not column.counter
        and index not in body.texts
        and index not in parsed.axis.columns
        and column.sign_of is None
        and (column.kind is Kind.TEXT or _is_text(body, index))
    ]
    others = [
        column.name
        for index, column in enumerate(fields)
        if column.kind is Kind.TIME and index not in parsed.axis.columns
    ]
    if others:
        sentences.append(f"other clocks are left out: {listed(others, SHOWN)}")
    if texts:
        sentences.append(f"columns without numbers are left out: {listed(texts, SHOWN)}")
    truths = [column.name for column in fields if column.kind is Kind.TRUTH]
    if truths:
        sentences.append(f"true and false count as 1 and 0: {listed(truths, SHOWN)}")
    sentences += [
        f"{fields[index].name}: {unread.count} cells are no number, the first one is "
        f"{unread.text!r} in line {unread.line}; they count as missing"
        for index, unread in body.unread.items()
        if not _is_text(body, index)
    ]
    if not parsed.layout.dialect.decimal_told:
        sign = "decimal sign" if parsed.layout.dialect.decimal == "," else "sign of thousands"
        sentences.append(f"the comma in numbers such as 1,100 is taken as the {sign}")
    return sentences


def is_table(head: bytes) -> bool:
    """Whether the first bytes of a file are text that has rows of numbers in columns."""
    if not decoding.is_text(head):
        return False
    text = decoding.text_of(head, decoding.encoding(head)).replace("\r\n", "\n").replace("\r", "\n")
    try:
        find_layout(Path("head"), text.split("\n")[: decoding.FIRST_LINES])
    except LapFileError:
        return False
    return True
