"""CSV exports of MoTeC i2, and of the games and programs that write the same form.

The preamble names the day, the driver, the vehicle and the beacon markers, in seconds on the axis
of `Time`. All cells are quoted, so that the comma may be the decimal sign as well.
"""

from __future__ import annotations

import re
from pathlib import Path

from pitwall.recordings.recording import Options, Recording
from pitwall.recordings.text import decoding, table

NAME = "motec-csv"
SUFFIXES = (".csv",)
MARK = re.compile(r'^"?Format"?\s*[,;\t]\s*"?MoTeC CSV', re.IGNORECASE | re.MULTILINE)


def recognises(path: Path, head: bytes) -> bool:
    """Whether the first lines say that this is a MoTeC CSV file."""
    return decoding.is_text(head) and bool(MARK.search(decoding.beginning(head)))


def read(path: Path, options: Options) -> list[Recording]:
    """The recording, with the beacon markers of its preamble.

    Raises `LapFileError`, see `recordings.text.table.parse`.
    """
    return [table.recording(table.parse(path, options), NAME)]
