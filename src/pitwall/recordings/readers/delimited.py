"""Delimited text of any shape: a line of names, perhaps units, then rows of numbers.

It reads every table that has no form of its own: exports of loggers, apps, engine controllers and
games, of spreadsheets and of programs.
"""

from __future__ import annotations

from pathlib import Path

from pitwall.recordings.recording import Options, Recording
from pitwall.recordings.text import table

NAME = "csv"
SUFFIXES = (".csv", ".txt", ".tsv", ".log", ".dat", ".msl", ".asc")


def recognises(path: Path, head: bytes) -> bool:
    """Whether the head is text with rows of numbers in columns, below a line of names."""
    return table.is_table(head)


def read(path: Path, options: Options) -> list[Recording]:
    """The recording in the table. Raises `LapFileError`, see `recordings.text.table.parse`."""
    return [table.recording(table.parse(path, options), NAME)]
