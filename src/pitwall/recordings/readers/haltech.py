"""CSV logs of Haltech's NSP: a block of lines describes each channel, then come rows without names.

The numbers are as the ECU stores them: whole, in tenths or thousandths of the unit that the type of
the channel tells. Pressures count from vacuum, temperatures in kelvin.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from pitwall.errors import LapFileError
from pitwall.recordings.recording import Column, Options, Recording
from pitwall.recordings.text import decoding, table
from pitwall.recordings.text.columns import fields_of
from pitwall.recordings.text.dialect import Dialect
from pitwall.recordings.text.layout import Layout
from pitwall.recordings.text.units import Heading

NAME = "haltech-csv"
SUFFIXES = (".csv",)
MARK = re.compile(r"%DataLog%[^\n]*\n\s*DataLogVersion\s*:", re.IGNORECASE)
ROW = re.compile(r"(\d{1,2}):\d{2}:\d{2}(?:\.\d+)?\s*,")
DAY = re.compile(r"(\d{4})(\d{2})(\d{2})\s+(\d{1,2}:\d{2}:\d{2})")
MOST_LINES = 20_000
"""Lines that the channels and the first rows have at most."""
CLOCK = "Time"
TYPES = {
    "EngineSpeed": ("rpm", 1.0),
    "AbsPressure": ("kPa", 0.1),
    "Pressure": ("kPa", 0.1),
    "Percentage": ("%", 0.1),
    "Angle": ("deg", 0.1),
    "BatteryVoltage": ("V", 0.001),
    "Temperature": ("K", 0.1),
    "Speed": ("km/h", 0.1),
    "AFR": ("λ", 0.001),
    "AngularVelocity": ("deg/s", 0.1),
    "Gear": ("", 1.0),
}
"""By the type of a channel: its unit, and how much of it one is. Other types stay as stored."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the first lines say that this is a Haltech log."""
    return decoding.is_text(head) and bool(MARK.match(decoding.beginning(head).lstrip("\ufeff")))


def read(path: Path, options: Options) -> list[Recording]:
    """The recording. Raises `LapFileError` where there are no channels or other ones than cells."""
    with path.open("rb") as file:
        encoding = decoding.encoding(file.read(4 * decoding.HEAD))
    lines = decoding.first_lines(path, encoding, MOST_LINES)
    first = next((index for index, line in enumerate(lines) if ROW.match(line)), None)
    if first is None:
        raise LapFileError(f"{path}: no row that begins with a time, such as 14:05:06.000,")
    channels = _channels(lines[:first])
    layout = _layout(path, lines, first, channels)
    recording = table.recording(table.parse(path, options, layout), NAME)
    by_name = dict(channels)
    columns = tuple(_scaled(column, by_name.get(column.name, "")) for column in recording.columns)
    doubts = list(recording.doubts)
    if any(kind == "Pressure" for _, kind in channels):
        doubts.append("pressures count from vacuum, not from the air's pressure")
    return [replace(recording, columns=columns, doubts=tuple(doubts))]


def _channels(lines: list[str]) -> list[tuple[str, str]]:
    """Name and type of each channel, in the order of the cells. A name that comes again is told
    apart by its place."""
    channels: list[tuple[str, str]] = []
    names: set[str] = set()
    for line in lines:
        key, mark, value = (part.strip() for part in line.partition(":"))
        if mark and key == "Channel":
            name = f"{value} {len(channels) + 1}" if value in names else value
            names.add(name)
            channels.append((name, "Raw"))
        elif mark and key == "Type" and channels:
            channels[-1] = (channels[-1][0], value)
    return channels


def _layout(path: Path, lines: list[str], first: int, channels: list[tuple[str, str]]) -> Layout:
    width = len(lines[first].rstrip(",").split(","))
    if not channels or width != len(channels) + 1:
        raise LapFileError(
            f"{path}: line {first + 1} has a time and {width - 1} cells, the lines above describe "
            f"{len(channels)} channels; export the log again"
        )
    headings = [Heading(CLOCK, "", ""), *(Heading(name, "", "") for name, _ in channels)]
    dialect = Dialect(",", ".", len(lines[first].split(",")))
    headings += [Heading("", "", "")] * (dialect.width - len(headings))
    rows = [cells for cells in map(dialect.split, lines[first:]) if len(cells) == dialect.width]
    facts = []
    told = next((line for line in lines[:first] if re.match(r"Log\s*:", line)), "")
    if (match := DAY.search(told)) is not None:
        day = "-".join(match.groups()[:3])
        # A clock of rows that begins at midnight counts from the beginning of the log.
        since_midnight = int(lines[first].split(":")[0]) > 0
        facts.append(("date", day if since_midnight else f"{day} {match[4]}"))
    return Layout(dialect, fields_of(headings, rows, "."), first + 1, tuple(facts))


def _scaled(column: Column, kind: str) -> Column:
    """The column in the unit of its type; a unit that nobody knows where the type is not known."""
    if kind not in TYPES:
        return replace(column, unit=f"raw {kind}".strip())
    unit, factor = TYPES[kind]
    return replace(column, unit=unit, values=column.values * factor)
