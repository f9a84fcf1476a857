"""Which column of a table is its clock, and what the clock counts.

Three kinds of clocks exist: time since some beginning, time of day, and instants on the calendar.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pitwall.recordings.recording import Options
from pitwall.recordings.text import times
from pitwall.recordings.text.body import Body
from pitwall.recordings.text.cells import Kind
from pitwall.recordings.text.columns import Field

Numbers = NDArray[np.float64]

UNITS = {
    "s": "s sec secs second seconds s. [s]",
    "ms": "ms msec msecs millis millisecond milliseconds",
    "us": "us µs μs usec microsecond microseconds",
    "ns": "ns nsec nanosecond nanoseconds",
    "min": "min mins minute minutes",
    "h": "h hr hour hours",
}
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0}
"""Seconds of each unit of a clock."""
UNIT_OF = {spelling: unit for unit, spellings in UNITS.items() for spelling in spellings.split()}
PACKED = "HHMMSS"
"""Unit of a clock whose digits are hours, minutes and seconds."""
EPOCH = (9e8, 5e9)
"""Seconds since 1970 that count as an instant: from 1998 to 2128."""
FIRST_CHOICE = {
    *("time", "timestamp", "timestamps", "t", "ts", "datetime", "dateandtime", "zeit", "uhrzeit"),
    *("temps", "tiempo", "tempo", "czas", "sampletime", "logtime", "recordtime", "sessiontimes"),
}
SECOND_CHOICE = {
    *("interval", "elapsed", "elapsedtime", "totaltime", "seconds", "secs", "sec", "milliseconds"),
    *("millis", "msec", "ms", "sessiontime", "runtime", "devicetime", "localtime", "offset"),
    *("timeoffset", "timesincestart", "relativetime", "reltime", "abstime", "timecode", "uptime"),
    *("timesec", "times", "timems", "systemtime", "clock", "utctime", "utc", "unixtime", "epoch"),
}
NO_CLOCK = re.compile(
    r"lap|sector|split|delta|best|last|predict|remain|gap|step|dwell|inject|inj|pulse|fragment|diff"
    r"|zone|ignition|cut|hold|on.?time|response|wait|pit|stint|sample rate",
    re.IGNORECASE,
)


class Counts(Enum):
    """What a clock counts."""

    ELAPSED = "since its own zero"
    DAY = "since midnight"
    EPOCH = "since 1970"


@dataclass(frozen=True)
class Clock:
    """One column, or two, that could be the clock of a table."""

    name: str
    columns: tuple[int, ...]
    seconds: Numbers
    """Shape (rows,); NaN where the row has no time."""
    counts: Counts
    rank: int
    """0 for the most usual names."""
    zone_told: bool = True
    uncertain_day: bool = False
    unit_told: bool = True

    @cached_property
    def filled(self) -> float:
        """Share of the rows that have a time."""
        return float(np.isfinite(self.seconds).mean()) if len(self.seconds) else 0.0

    @cached_property
    def distinct(self) -> int:
        """Number of different times."""
        known = self.seconds[np.isfinite(self.seconds)]
        steps = np.diff(known)
        if (steps >= 0).all():
            return int((steps > 0).sum()) + bool(known.size)
        return len(np.unique(known))

    @cached_property
    def falls(self) -> float:
        """Share of the rows before which the clock was later."""
        steps = np.diff(self.seconds[np.isfinite(self.seconds)])
        return float((steps < 0).mean()) if len(steps) else 0.0


def clocks(fields: Sequence[Field], body: Body, options: Options) -> list[Clock]:
    """Every column that could be a clock, the best one first."""
    found: list[Clock] = []
    for index, column in enumerate(fields):
        if index not in body.values:
            continue
        rank = _rank(column.name)
        if column.kind is Kind.TIME:
            found += _text_clock(index, column, fields, body, rank)
        elif column.kind in {Kind.NUMBER, Kind.QUANTITY}:
            found += _number_clock(index, column, body.values[index], options, rank)
    best = max((clock.distinct for clock in found), default=0)
    moving = [clock for clock in found if clock.distinct > 1 or len(clock.seconds) == 1]

    def order(clock: Clock) -> tuple[bool, bool, bool, int]:
        return (
            clock.filled < 0.98,
            clock.distinct < 0.9 * best,
            clock.falls > 0 and clock.rank > 0,
            clock.rank,
        )

    return sorted(moving, key=order)


def unit_of(text: str) -> str | None:
    """The unit of a clock that a text names."""
    return UNIT_OF.get(text.strip().lower())


def _rank(name: str) -> int | None:
    """How usual the name is for a clock; None where it is none."""
    key = re.sub(r"[^a-zµ]", "", name.lower())
    if key in FIRST_CHOICE:
        return 0
    if key in SECOND_CHOICE:
        return 1
    worded = re.search(r"(?:^|[^a-z])(?:time|date|utc|gmt|clock|timestamp|zeit)", name.lower())
    if not (worded or key.endswith(("time", "timestamp", "date"))):
        return None
    return 8 if NO_CLOCK.search(name) else 2


def _text_clock(
    index: int, column: Field, fields: Sequence[Field], body: Body, rank: int | None
) -> list[Clock]:
    """A clock of a column of texts; a column of days is one with the column of times beside it."""
    seconds = body.values[index]
    doubt = index in body.uncertain_days
    if column.shape in {"ymd", "dmy", "named", "american"}:
        near = sorted(
            (abs(other - index), other)
            for other, beside in enumerate(fields)
            if other in body.values and other != index and abs(other - index) <= 2
            if beside.kind is Kind.TIME and beside.shape in {"clock", "minutes"}
        )
        if not near:
            return []
        other = near[0][1]
        pair = tuple(sorted((index, other)))
        name = " and ".join(fields[place].name for place in pair)
        both = seconds + body.values[other]
        return [Clock(name, pair, both, Counts.EPOCH, -1, False, doubt)]
    if times.dated(column.shape):
        return [
            Clock(
                column.name,
                (index,),
                seconds,
                Counts.EPOCH,
                2 if rank is None else rank,
                body.zones.get(index, False),
                doubt,
            )
        ]
    if rank is None:
        return []
    first = seconds[np.isfinite(seconds)][:1]
    of_day = column.shape == "clock" and first.size and first[0] >= 3600
    return [Clock(column.name, (index,), seconds, Counts.DAY if of_day else Counts.ELAPSED, rank)]


def _number_clock(
    index: int, column: Field, values: Numbers, options: Options, rank: int | None
) -> list[Clock]:
    unit = unit_of(column.unit) or (unit_of(column.name) if not column.unit else None)
    if rank is None:
        if unit is None or NO_CLOCK.search(column.name) or unit in {"min", "h"}:
            return []
        rank = 4
    known = values[np.isfinite(values)]
    if not known.size:
        return []
    if column.unit.upper() == PACKED:
        return [Clock(column.name, (index,), unpacked(values), Counts.DAY, rank)]
    middle = float(np.median(known))
    told = unit is not None
    if options.time_unit is not None:
        unit, told = options.time_unit, True
    if unit is not None and EPOCH[0] <= middle * SECONDS[unit] < EPOCH[1]:
        return [Clock(column.name, (index,), _instants(values, SECONDS[unit]), Counts.EPOCH, rank)]
    if options.time_unit is None:
        for factor in (1.0, 1e-3, 1e-6, 1e-9):
            if EPOCH[0] <= middle * factor < EPOCH[1]:
                instants = _instants(values, factor)
                return [Clock(column.name, (index,), instants, Counts.EPOCH, rank)]
        if re.search("date|time", column.name, re.IGNORECASE) and 30000 < middle < 80000:
            steps = np.abs(np.diff(known))
            if unit is None and steps.size and 0 < np.median(steps) < 2e-3:  # days of a spreadsheet
                instants = (values - 25569.0) * 86400.0
                return [Clock(column.name, (index,), instants, Counts.EPOCH, rank, False)]
        if unit is None and is_packed(known):
            return [Clock(column.name, (index,), unpacked(values), Counts.DAY, rank)]
    seconds = values * SECONDS[unit or "s"]
    return [Clock(column.name, (index,), seconds, Counts.ELAPSED, rank, unit_told=told)]


def _instants(values: Numbers, factor: float) -> Numbers:
    """Seconds since 1970; NaN where a receiver has no time yet and writes 0."""
    seconds: Numbers = values * factor
    return np.where((seconds >= EPOCH[0]) & (seconds < EPOCH[1]), seconds, np.nan)


def is_packed(values: Numbers) -> bool:
    """Whether the numbers are times of day as digits, HHMMSS.SS: no minute and no second is above
    59, and a minute's end was passed."""
    if values.min() < 0 or values.max() >= 240000:
        return False
    second, minute = values % 100, values // 100 % 100
    if second.max() >= 60 or minute.max() >= 60:
        return False
    steps, unpacked_steps = np.diff(values), np.diff(unpacked(values))
    passed = steps - unpacked_steps
    return bool(passed.max(initial=0) >= 40 and (unpacked_steps >= 0).mean() > 0.9)


def unpacked(values: Numbers) -> Numbers:
    """Seconds since midnight of times of day that are written as digits, HHMMSS.SS."""
    hours, minutes = values // 10000, values // 100 % 100
    seconds: Numbers = np.round(hours * 3600 + minutes * 60 + values % 100, 6)
    return seconds
