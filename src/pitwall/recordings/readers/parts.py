"""What several readers of binary formats share: texts of fixed width, and times of steady rates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import LapFileError
from pitwall.recordings.recording import Column

HEAD_BYTES = 1 << 16
"""So much of a file tells its format."""


BRACKETS = re.compile(r"(.*\S)\s*[\[(]([^\s\[\]()]{1,8})[\])]")
UNITS_IN_BRACKETS = set(
    "s ms us ns m/s km/h kmh kph mph m/s2 m/s^2 m/s² g deg ° rad deg/s °/s rad/s rpm % bar mbar "
    "psi kpa pa c °c f °f k m km ft mm cm n kn nm n.m n·m v mv a l kg hz lambda 1/min".split()
)


def check_content(path: Path, recognises: Callable[[Path, bytes], bool], kind: str) -> None:
    """Raise `LapFileError` for a file that has the suffix of a format and other content."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not recognises(path, head):
        raise LapFileError(
            f"{path}: it does not begin as {kind} does, but with {head[:8]!r}; is the file "
            "damaged, or of another format?"
        )


def text_of(raw: bytes) -> str:
    """The text of a field of fixed width: up to its first NUL, UTF-8 or else Windows-1252.

    Characters that cannot be printed are left out.
    """
    raw = raw.partition(b"\0")[0]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="ignore")
    return "".join(letter for letter in text if letter.isprintable()).strip()


class SteadyTimes:
    """Times of channels of steady rates. Channels of one rate and length share one array."""

    def __init__(self) -> None:
        self._arrays: dict[tuple[int, float], NDArray[np.float64]] = {}

    def at(self, samples: int, rate_hz: float) -> NDArray[np.float64]:
        """Times in s from 0 s on, shape (samples,)."""
        times = self._arrays.get((samples, rate_hz))
        if times is None:
            times = np.arange(samples, dtype=np.float64)
            times /= rate_hz
            self._arrays[samples, rate_hz] = times
        return times


def told_apart(columns: Iterable[Column]) -> Iterator[Column]:
    """The columns; each that has name and source of one before it gets its place as source."""
    taken: set[tuple[str, str]] = set()
    for place, column in enumerate(columns, start=1):
        if (column.name, column.source) in taken:
            column = replace(column, source=f"{column.source} column {place}".strip())
        taken.add((column.name, column.source))
        yield column


def longest(columns: Iterable[Column]) -> int:
    """Samples of the column that has most: the rows of a file of several rates."""
    return max((len(column.values) for column in columns), default=0)


LAP_NAMES = {"lap", "lapnumber", "lapno", "lapnum", "lapcount", "currentlap", "lapindex"}


def lap_column(columns: Iterable[Column]) -> str | None:
    """The name of the first column that is named as a count of laps."""
    for column in columns:
        if "".join(filter(str.isalnum, column.name.lower())) in LAP_NAMES:
            return column.name
    return None


def name_and_unit(name: str) -> tuple[str, str]:
    """A name and the unit that stands in brackets behind it. Other brackets belong to the name."""
    match = BRACKETS.fullmatch(name)
    if match and match[2].lower() in UNITS_IN_BRACKETS:
        return match[1], match[2]
    return name, ""


SAME_BEACON_S = 0.001
"""Two passings of the line that are closer than this are one."""


def beacons_of(laps: Iterable[tuple[float, float | None, bool]]) -> tuple[float, ...]:
    """Where the line was passed, rising, by laps of start and end in s, and whether each is whole.

    A lap that is not whole begins or ends at the line only where another lap is beside it.
    """
    ordered = sorted(laps, key=lambda lap: lap[0])
    times = {start for place, (start, _, whole) in enumerate(ordered) if place or whole}
    times |= {end for _, end, whole in ordered if whole and end is not None}
    beacons: list[float] = []
    for time in sorted(times):
        # The end of a lap is the start of the next one, perhaps rounded otherwise.
        if not beacons or time - beacons[-1] >= SAME_BEACON_S:
            beacons.append(time)
    return tuple(beacons)
