"""CSV exports of AiM Race Studio 2 and 3.

`Beacon Markers` are the ends of the pieces of the outing, in seconds: the last one is the end of
the recording and no passing of the line. Where `Time` begins again with each piece, a piece begins
at the marker before it.
"""

from __future__ import annotations

import re
from pathlib import Path

from pitwall.recordings.recording import Options, Recording
from pitwall.recordings.text import decoding, table

NAME = "aim-csv"
SUFFIXES = (".csv",)
MARK = re.compile(r'^"?Format"?\s*[,;\t]\s*"?AiM CSV', re.IGNORECASE | re.MULTILINE)


def recognises(path: Path, head: bytes) -> bool:
    """Whether the first lines say that this is an AiM CSV file."""
    return decoding.is_text(head) and bool(MARK.search(decoding.beginning(head)))


def read(path: Path, options: Options) -> list[Recording]:
    """The recording, with the beacon markers of its preamble.

    Raises `LapFileError`, see `recordings.text.table.parse`.
    """
    return [table.recording(table.parse(path, options), NAME)]
