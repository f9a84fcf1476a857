"""CSV exports of Harry's LapTimer: units stand in the names, the title stands above them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from pitwall.recordings.recording import Column, Options, Recording
from pitwall.recordings.text import decoding, table

NAME = "harrys-csv"
SUFFIXES = (".csv",)
MARK = re.compile(r"^[^\n]{0,40}Harry[^\n]{0,20}LapTimer", re.IGNORECASE)
FORCES = {"LATERALG", "LINEALG"}
"""Names that end in the unit G without a mark between."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the first line names the app."""
    return decoding.is_text(head) and bool(MARK.match(decoding.beginning(head).lstrip("\ufeff")))


def read(path: Path, options: Options) -> list[Recording]:
    """The recording. Raises `LapFileError`, see `recordings.text.table.parse`."""
    recording = table.recording(table.parse(path, options), NAME)
    return [replace(recording, columns=tuple(map(_with_unit, recording.columns)))]


def _with_unit(column: Column) -> Column:
    return replace(column, unit="G") if column.name in FORCES and not column.unit else column
