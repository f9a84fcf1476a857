"""What the reader of a format gives: the columns of a file, before anybody names or converts them.

A reader tells what the file says, in the file's own words and numbers. It resamples nothing, fills
nothing and converts no unit. What a column means is decided in `sessions`, once for all formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Column:
    """One quantity of a file at its own times. Columns of one rate share one array of times."""

    name: str
    """As written in the file, without a unit that stands in the same cell."""
    unit: str
    """As written in the file; empty where the file names none."""
    times_s: NDArray[np.float64] = field(repr=False)
    """Seconds on the recording's axis, shape (samples,), in the order of the file."""
    values: NDArray[np.float64] = field(repr=False)
    """Shape (samples,); NaN where the file has no value."""
    source: str = ""
    """The device, bus message or group that gave it, where two columns may have one name."""
    boolean: bool = False
    """Whether the file writes it as true and false; the values are then 1 and 0."""


class Line(NamedTuple):
    """A start/finish line: the middle of the line in degrees, and the heading of the cars."""

    latitude: float
    longitude: float
    heading_deg: float
    """Clockwise from north, in the direction of travel."""
    width_m: float = 50.0


@dataclass(frozen=True)
class Options:
    """Facts that a user gives because the file does not tell them. They win over the file."""

    start: datetime | None = None
    """Start of the session, with a zone: `--start`."""
    vehicle: str | None = None
    session: str | None = None
    rate_hz: float | None = None
    """Rows a second of a file without a clock: `--rate-hz`."""
    time_unit: Literal["s", "ms", "us", "ns"] | None = None
    """Unit of the file's clock: `--time-unit`."""
    day_first: bool | None = None
    """Whether `04/03/2024` is 4 March: `--day-first`, `--month-first`."""
    lap_length_m: float | None = None
    line: Line | None = None
    find_line: bool = False
    """Whether the line is one at which the path closes: `--line closed-path`."""
    resample_hz: float | None = None
    dbc: Path | None = None
    """A DBC file that names the signals of CAN frames: `--dbc`."""


@dataclass(frozen=True)
class Recording:
    """One drive as a file holds it."""

    path: Path
    """The file. Of a member of an archive: the archive, and the member below it."""
    format: str
    """Name of the reader, e.g. `motec-csv`."""
    columns: tuple[Column, ...]
    rows: int
    """Rows of the file that hold data, also those that were left out."""
    encoding: str | None = None
    """Of a text file, as Python names it."""
    clock: str = ""
    """Name of the column or field that the times come from, as written in the file."""
    start: datetime | None = None
    """UTC time at 0 s on the axis, where the file tells it; its zone is UTC if `zone_told` is False
    and the file does not say which."""
    zone_told: bool = True
    day_only: bool = False
    """The file tells the day of its start, and not the time of day."""
    vehicle: str | None = None
    driver: str | None = None
    beacons_s: tuple[float, ...] = ()
    """Times on the axis at which the file itself says that the line was passed."""
    lap_column: str | None = None
    """Name of the column that counts laps."""
    line: Line | None = None
    """The start/finish line that the file tells."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Rows that were left out, by reason, e.g. `{"comment line": 3}`."""
    doubts: tuple[str, ...] = ()
    """What the file leaves open, and what was assumed: one sentence each, with its option."""


class Reader(Protocol):
    """A module of this room that reads one format."""

    @property
    def NAME(self) -> str:
        """Name of the format, e.g. `motec-ld`."""

    @property
    def SUFFIXES(self) -> tuple[str, ...]:
        """Usual suffixes in lower case. They decide only between readers that know the content."""

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether the file's first 64 KiB are of this format. Reads nothing more of the file."""

    def read(self, path: Path, options: Options) -> Sequence[Recording]:
        """The recordings of one file, mostly one.

        Raises `LapFileError`, which names file, line, column, value, cause and remedy.
        """
