"""Racelogic VBOX files, `.vbo`: sections in brackets, then rows with blanks between the numbers.

`time` is UTC time of day as digits, HHMMSS.SS. `lat` and `long` are minutes of arc, west positive.
Units stand behind the names in `[header]`, and in `[channel units]` for the last channels.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from pitwall.errors import LapFileError
from pitwall.recordings.geometry import gate
from pitwall.recordings.recording import Column, Line, Options, Recording
from pitwall.recordings.text import clocks, decoding, table
from pitwall.recordings.text.columns import fields_of
from pitwall.recordings.text.dialect import Dialect, find_dialect
from pitwall.recordings.text.layout import Layout
from pitwall.recordings.text.units import Heading, is_unit

NAME = "vbo"
SUFFIXES = (".vbo",)
SECTION = re.compile(r"\s*\[([^\]]+)\]\s*")
DATA = re.compile(r"^\s*\[column names\]\s*$", re.IGNORECASE | re.MULTILINE)
HEADER = re.compile(r"^\s*\[header\]\s*$", re.IGNORECASE | re.MULTILINE)
CREATED = re.compile(r"created on\s+(\S+?)(?:\s+(?:at|@)\s+\S+)?\s*$", re.IGNORECASE)
NUMBER = r"[-+]?\d+(?:[.,]\d+)?"
GATE = re.compile(rf"Start\s+({NUMBER})\s+({NUMBER})\s+({NUMBER})\s+({NUMBER})", re.IGNORECASE)
MINUTES, DEGREES = "arcmin", "deg"
LATITUDES, LONGITUDES = ("lat", "latitude"), ("long", "longitude")
"""Names of the two angles in lower case, in `[column names]` and in `[header]`."""
EAST = " (east)"
"""Behind the name of a longitude that counts east as positive."""
SURE = 0.5
"""So far the steps of a longitude must agree with the heading, from -1 to 1, to tell its sign."""
SATELLITES = ("sats", "satellites")
FLAGS_FROM = 64
"""In the number of satellites, 64 and 128 are flags: the brake trigger, and a second antenna."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the head has the sections of a VBOX file."""
    if not decoding.is_text(head):
        return False
    text = decoding.text_of(head, decoding.encoding(head)).replace("\r", "\n")
    return bool(DATA.search(text) or HEADER.search(text))


def read(path: Path, options: Options) -> list[Recording]:
    """The recording, with the start/finish line of `[laptiming]`.

    Raises `LapFileError` where a section is missing, and as `recordings.text.table.parse` does.
    """
    with path.open("rb") as file:
        encoding = decoding.encoding(file.read(4 * decoding.HEAD))
    lines = decoding.first_lines(path, encoding)
    sections, first = _sections(lines)
    if not first:
        raise LapFileError(f"{path}: no section [data]; is the file truncated?")
    layout = _layout(path, lines, sections, first)
    parsed = table.parse(path, options, layout)
    recording = table.recording(parsed, NAME)
    columns, unit = _with_units_of_angles(tuple(map(_without_flags, recording.columns)))
    east, told = _is_east(columns, unit)
    line, doubts = _line(sections, columns, unit, 1.0 if east else -1.0)
    doubts += told
    columns = tuple(_eastward(column) if east else column for column in columns)
    day = [f"{parsed.facts.day_text} is the day on which the file was made"]
    kept = [doubt for doubt in recording.doubts if "no time zone" not in doubt]
    return [
        replace(
            recording,
            columns=columns,
            line=line,
            zone_told=recording.start is not None,
            doubts=(*kept, *(day if recording.start and not options.start else []), *doubts),
        )
    ]


def _sections(lines: list[str]) -> tuple[dict[str, list[str]], int]:
    """The lines of each section that are not empty, and the line below `[data]`, from 1; else 0."""
    sections: dict[str, list[str]] = {"": []}
    name = ""
    for number, line in enumerate(lines, start=1):
        match = SECTION.fullmatch(line)
        if match:
            name = match[1].strip().lower()
            sections.setdefault(name, [])
            if name == "data":
                return sections, number + 1
        elif line.strip():
            sections[name].append(line.strip())
    return sections, 0


def _layout(path: Path, lines: list[str], sections: dict[str, list[str]], first: int) -> Layout:
    names = " ".join(sections.get("column names", [])).split()
    header = sections.get("header", [])
    if not names:
        names = [re.sub(r"\s+", "_", line.removesuffix(_unit_behind(line))) for line in header]
        names = [name.strip("_") for name in names]
    rows = [line for line in lines[first - 1 :] if line.strip()]
    found = find_dialect(rows)
    if not names or found is None:
        missing = "[column names]" if not names else "rows of numbers below [data]"
        raise LapFileError(f"{path}: no {missing}; is the file truncated?")
    dialect = Dialect(found.delimiter, found.decimal, len(names), found.decimal_told)
    cells = [row for row in map(dialect.split, rows) if len(row) == len(names)]
    units = [""] * len(names)
    if len(header) == len(names):
        units = [_unit_behind(line) for line in header]
    told = sections.get("channel units", [])[: len(names)]
    if told:
        units[-len(told) :] = told
    for index, name in enumerate(names):
        if name.lower() == "time":
            units[index] = clocks.PACKED
    created = next((match[1] for text in sections[""] if (match := CREATED.search(text))), "")
    facts = [("date", created)] if created else []
    for text in sections.get("comments", []) + sections.get("session data", []):
        key, mark, value = text.partition(":")
        facts += [(key, value.strip())] if mark else []
    headings = [Heading(*pair, "") for pair in zip(names, units, strict=True)]
    return Layout(dialect, fields_of(headings, cells, dialect.decimal), first, tuple(facts))


def _unit_behind(line: str) -> str:
    """The unit that stands behind a name in `[header]`: `velocity kmh`."""
    words = line.split()
    return words[-1] if len(words) > 1 and is_unit(words[-1]) else ""


def _angles(columns: tuple[Column, ...]) -> tuple[Column, Column] | None:
    """The columns of latitude and longitude."""
    by_name = {column.name.lower(): column for column in columns}
    latitude = next((by_name[name] for name in LATITUDES if name in by_name), None)
    longitude = next((by_name[name] for name in LONGITUDES if name in by_name), None)
    return (latitude, longitude) if latitude and longitude else None


def _with_units_of_angles(columns: tuple[Column, ...]) -> tuple[tuple[Column, ...], str]:
    """The columns with the unit of latitude and longitude, and that unit.

    The format says minutes; programs exist that write degrees. Numbers that can be degrees are
    taken as such: as minutes they would lie in the Atlantic at 0° N 0° E.
    """
    angles = _angles(columns)
    if angles is None:
        return columns, MINUTES
    limits = zip(angles, (90.0, 180.0), strict=True)
    degrees = all((np.abs(np.nan_to_num(angle.values)) <= limit).all() for angle, limit in limits)
    unit = DEGREES if degrees else MINUTES
    return tuple(
        replace(column, unit=column.unit or unit)
        if any(column is angle for angle in angles)
        else column
        for column in columns
    ), unit


def _without_flags(column: Column) -> Column:
    if column.name.lower() not in SATELLITES or not (column.values >= FLAGS_FROM).any():
        return column
    return replace(column, values=column.values % FLAGS_FROM)


def _is_east(columns: tuple[Column, ...], unit: str) -> tuple[bool, list[str]]:
    """Whether east is positive, and what is said of it. The format says west.

    The heading decides, where the car goes as often east as it says or west. Without it, degrees
    are taken as programs write them that do not follow the format: east is positive.
    """
    angles = _angles(columns)
    heading = next((column for column in columns if column.name.lower() == "heading"), None)
    if angles is None:
        return False, []
    if heading is not None:
        steps = np.diff(angles[1].values) * np.sin(np.radians(heading.values[1:]))
        steps = steps[np.isfinite(steps) & (np.abs(steps) < 1.0)]
        share = float(steps.sum() / np.abs(steps).sum()) if steps.any() else 0.0
        if abs(share) >= SURE:
            east = share > 0
            said = f"{angles[1].name} counts east as positive, as the heading tells"
            return east, [said] if east else []
    if unit == MINUTES:
        return False, []
    return True, [f"{angles[1].name} is in degrees: east is taken as positive"]


def _eastward(column: Column) -> Column:
    is_longitude = column.name.lower() in LONGITUDES
    return replace(column, name=column.name + EAST) if is_longitude else column


def _line(
    sections: dict[str, list[str]], columns: tuple[Column, ...], unit: str, east: float
) -> tuple[Line | None, list[str]]:
    """The line of `[laptiming]`, and what is doubtful: two points, longitude before latitude."""
    match = next((m for text in sections.get("laptiming", []) if (m := GATE.match(text))), None)
    angles = _angles(columns)
    if match is None or angles is None:
        return None, []
    scale = 60.0 if unit == MINUTES else 1.0
    numbers = [float(text.replace(",", ".")) / scale for text in match.groups()]
    west1, north1, west2, north2 = numbers
    line = gate(
        (north1, east * west1),
        (north2, east * west2),
        angles[0].values / scale,
        east * angles[1].values / scale,
    )
    return line, [] if line else ["the line of [laptiming] is not near the path; it is not used"]
