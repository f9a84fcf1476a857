"""Logs of RaceCapture: each cell of the header is `"Name"|"unit"|lowest|highest|rate`.

`LapCount` and `LapTime` come once a second; `LapTime` is the time of the lap before, in minutes,
whatever its unit says. Together they tell the passings better than to a second.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from pitwall.recordings.recording import Options, Recording
from pitwall.recordings.text import decoding, table
from pitwall.recordings.text.table import Parsed

NAME = "racecapture-log"
SUFFIXES = (".log", ".csv")
MARK = re.compile(r'^"?[^"|,\n]+"?\|"[^"|]*"(?:\|[-\d.]+)+,', re.MULTILINE)


def recognises(path: Path, head: bytes) -> bool:
    """Whether the first line has cells of name, unit, lowest, highest and rate."""
    return decoding.is_text(head) and bool(MARK.match(decoding.beginning(head).lstrip("\ufeff")))


def read(path: Path, options: Options) -> list[Recording]:
    """The recording, with the passings that `LapCount` and `LapTime` tell.

    Raises `LapFileError`, see `recordings.text.table.parse`.
    """
    parsed = table.parse(path, options)
    markers = passings(parsed)
    doubts = ["LapTime is taken as minutes of the lap before"] if markers else []
    return [table.recording(parsed, NAME, beacons_s=markers, doubts=doubts)]


def passings(parsed: Parsed) -> tuple[float, ...]:
    """Times at which the line was passed.

    The first passing lies between two samples of `LapCount`; so does each later one, which is the
    first one plus the laps between. The middle of what all of them allow is taken:

        LapCount   0  .  .  1  .  .  .  2  .     one sample a second
        passing       [  b1 ]     [ b2  ]        b2 = b1 + LapTime of lap 1

    Empty where the two columns contradict each other.
    """
    counts, lengths = parsed.values("LapCount"), parsed.values("LapTime")
    if counts is None or lengths is None:
        return ()
    known = np.flatnonzero(np.isfinite(counts) & np.isfinite(lengths))
    if known.size < 2:
        return ()
    laps, minutes = counts[known], lengths[known]
    times = parsed.axis.times_s[known]
    changes = np.flatnonzero(np.diff(laps) == 1) + 1
    if not changes.size or (np.diff(laps) < 0).any() or (np.diff(laps) > 1).any():
        return ()
    offsets = np.r_[0.0, np.cumsum(minutes[changes[1:]] * 60.0)]
    earliest = float((times[changes - 1] - offsets).max())
    latest = float((times[changes] - offsets).min())
    rounding = 0.1 * len(changes)
    if earliest > latest + rounding or (minutes[changes[1:]] <= 0).any():
        return ()
    first = (earliest + latest) / 2
    return tuple(float(time) for time in np.round(first + offsets, 3))
