"""CSV exports of RaceChrono, versions 1 to 3.

The app writes one row exactly on each passing of the line: the first row with another lap number,
or with none, is a passing. Rows before the first lap and after the last one have no number.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from pitwall.recordings.recording import Options, Recording
from pitwall.recordings.text import decoding, table
from pitwall.recordings.text.table import Parsed

NAME = "racechrono-csv"
SUFFIXES = (".csv",)
MARK = re.compile(r"created using RaceChrono", re.IGNORECASE)


def recognises(path: Path, head: bytes) -> bool:
    """Whether the first lines say that RaceChrono wrote them."""
    return decoding.is_text(head) and bool(MARK.search(decoding.beginning(head)))


def read(path: Path, options: Options) -> list[Recording]:
    """The recording, with a marker at the first row of each lap and behind the last one.

    Raises `LapFileError`, see `recordings.text.table.parse`.
    """
    parsed = table.parse(path, options)
    return [table.recording(parsed, NAME, beacons_s=passings(parsed))]


def passings(parsed: Parsed) -> tuple[float, ...]:
    """Times of the rows at which the lap number changes, also from none and to none."""
    index = parsed.lap_column
    if index is None:
        return ()
    laps = np.nan_to_num(parsed.body.values[index], nan=-1.0)
    changes = np.flatnonzero(np.diff(laps) != 0) + 1
    return tuple(float(time) for time in parsed.axis.times_s[changes])
