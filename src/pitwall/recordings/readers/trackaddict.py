"""CSV logs of TrackAddict and RaceRender.

Lines that begin with `#` tell the line's middle and heading (`# End Point`), and the exact time of
each lap when it ends (`# Lap 1: 00:00:40.000`; lap 0 is the way to the line).
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pitwall.recordings.geometry import gate
from pitwall.recordings.recording import Line, Options, Recording
from pitwall.recordings.text import dates, decoding, table
from pitwall.recordings.text.table import Parsed

NAME = "trackaddict-csv"
SUFFIXES = (".csv",)
MARK = re.compile(r'^"?#\s*RaceRender Data', re.IGNORECASE | re.MULTILINE)
LAP = re.compile(r"#\s*Lap\s+(\d+)\s*:\s*([\d:.]+)", re.IGNORECASE)
POINT = re.compile(
    r"#\s*(Start|End) Point\s*:\s*([-+\d.]+)\s*,\s*([-+\d.]+)\s*@\s*([-+\d.]+)", re.IGNORECASE
)
VEHICLE = re.compile(r"#\s*Vehicle\s*:\s*(\S.*)", re.IGNORECASE)
Degrees = NDArray[np.float64]
FARTHEST_S = 2.0
"""Most seconds between a passing by the laps' times and the column that counts laps."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the first lines say that this is a log for RaceRender."""
    return decoding.is_text(head) and bool(MARK.search(decoding.beginning(head)))


def read(path: Path, options: Options) -> list[Recording]:
    """The recording, with markers by the exact lap times, and the line.

    Raises `LapFileError`, see `recordings.text.table.parse`.
    """
    parsed = table.parse(path, options)
    comments = [*parsed.layout.comments, *parsed.body.comments]
    markers, doubts = passings(parsed, comments)
    found = line(comments, parsed.values("Latitude"), parsed.values("Longitude"))
    recording = table.recording(parsed, NAME, beacons_s=markers, line=found, doubts=doubts)
    vehicles = [match[1].strip() for text in comments if (match := VEHICLE.match(text))]
    return [replace(recording, vehicle=vehicles[0]) if vehicles else recording]


def passings(parsed: Parsed, comments: list[str]) -> tuple[tuple[float, ...], list[str]]:
    """Times at which a lap ended, by the times of the laps before, and what speaks against them.

    There are none where the laps' times disagree with the column that counts the laps.
    """
    laps = [(int(match[1]), match[2]) for text in comments if (match := LAP.match(text))]
    moments = [dates.moment(text) for _, text in laps]
    lengths = [moment.seconds for moment in moments if moment and moment.seconds is not None]
    if not laps or len(lengths) < len(laps):
        return (), []
    numbers = [number for number, _ in laps]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return (), ["the lines of lap times leave laps out; the column of laps is taken"]
    index = parsed.lap_column
    counted = parsed.body.values[index] if index is not None else np.empty(0)
    times = parsed.axis.times_s
    starts = float(times[0])
    if numbers[0] > 0:
        if not counted.size or not (counted == numbers[0]).any():
            return (), []
        starts = float(times[counted == numbers[0]][0])
    markers = tuple(accumulate(lengths, initial=starts))
    if markers[-1] > times[-1] + FARTHEST_S:
        return (), ["the lines of lap times reach beyond the rows; they are not used"]
    markers = markers[1:] if numbers[0] == 0 else markers
    for number, marker in zip(range(max(numbers[0], 1), numbers[-1] + 2), markers, strict=True):
        rows = times[counted == number] if counted.size else times[:0]
        if rows.size and abs(float(rows[0]) - marker) > FARTHEST_S:
            return (), [
                f"lap {number} begins at {marker:.3f} s by the lap times, and at {rows[0]:.3f} s "
                "by the column of laps, which is taken"
            ]
    return tuple(round(marker, 6) for marker in markers), []


def line(
    comments: list[str], latitude: Degrees | None = None, longitude: Degrees | None = None
) -> Line | None:
    """The line that the file names: its end point, which is also the start of a circuit.

    A heading of -1 means that the app does not know it: the path at that point tells it then.
    """
    points = {
        match[1].lower(): Line(float(match[2]), float(match[3]), float(match[4]))
        for text in comments
        if (match := POINT.match(text)) and all(map(_is_number, match.groups()[1:]))
    }
    found = points.get("end") or points.get("start")
    if found is None or abs(found.latitude) > 90 or abs(found.longitude) > 180:
        return None
    if found.heading_deg >= 0:
        return found._replace(heading_deg=found.heading_deg % 360)
    if latitude is None or longitude is None:
        return None
    return gate(found[:2], found[:2], latitude, longitude)


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
