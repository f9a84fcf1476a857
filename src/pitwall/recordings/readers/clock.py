"""The clock of a table whose times are plain numbers: their unit, and whether they are dates."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import LapFileError
from pitwall.recordings.recording import Options

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAMES = ("timestamp", "totaltime", "time", "sessiontime", "elapsedtime", "elapsed", "timeelapsed")
OTHER_NAMES = ("logtime", "datetime", "date", "utctime", "unixtime", "epoch", "epochtime", "index")
CLOCK_NAME = re.compile(
    rf"({'|'.join(NAMES + OTHER_NAMES)})"
    r"(s|secs?|seconds?|ms|millis|milliseconds|us|micros|microseconds|ns|nanos|nanoseconds)?"
)
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
SPELLINGS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("us", "µs", "μs", "usec", "micros", "microseconds"), "us"),
    **dict.fromkeys(("ns", "nsec", "nanos", "nanoseconds"), "ns"),
}
FIRST_DATE_S, LAST_DATE_S = 946_684_800.0, 4_102_444_800.0
"""Start of the years 2000 and 2100 in seconds since 1970: what is between is taken as a date."""


class Clock(NamedTuple):
    """The times of a table's rows."""

    times_s: NDArray[np.float64]
    """Shape (rows,); NaN where a row has no time."""
    start: datetime | None = None
    """UTC time at 0 s."""
    zone_told: bool = True
    doubts: tuple[str, ...] = ()


def rank(name: str) -> int | None:
    """How well a name fits a clock, 0 is best; None if it is not the name of one."""
    match = CLOCK_NAME.fullmatch("".join(filter(str.isalnum, name.lower())))
    if match is None or match[1] == "index":
        return None
    return (NAMES + OTHER_NAMES).index(match[1])


def unit_of(name: str, unit: str) -> str | None:
    """The unit of a clock, `s`, `ms`, `us` or `ns`, by its unit or name; None if not told."""
    if unit:
        return SPELLINGS.get(unit.strip().lower())
    match = CLOCK_NAME.fullmatch("".join(filter(str.isalnum, name.lower())))
    return SPELLINGS.get(match[2]) if match and match[2] else None


def of_numbers(
    path: Path, name: str, unit: str, values: NDArray[np.float64], whole: bool, options: Options
) -> Clock:
    """The clock that a column of numbers is. `whole`: the column's type has no fractions.

    Numbers between the years 2000 and 2100, counted from 1970 in s, ms, µs or ns, are dates; the
    axis then begins at the first. Raises `LapFileError` when a column of whole numbers that are
    no dates does not say its unit, or says one that is no time.
    """
    told = options.time_unit or unit_of(name, unit)
    if unit and told is None:
        raise LapFileError(
            f"{path}: column {name!r}: its unit {unit!r} is no unit of time; give --time-unit "
            "s, ms, us or ns"
        )
    finite = values[np.isfinite(values)]
    first = float(finite[0]) if len(finite) else 0.0
    for candidate in (told,) if told else SECONDS:
        if FIRST_DATE_S <= first * SECONDS[candidate] <= LAST_DATE_S:
            return _since_1970(values, first, SECONDS[candidate])
    if told:
        return Clock(values if told == "s" else values * SECONDS[told])
    step = float(np.median(np.diff(finite))) if len(finite) > 1 else 0.0
    if whole or (step >= 2 and bool((finite == np.floor(finite)).all())):
        raise LapFileError(
            f"{path}: column {name!r}: its times are whole numbers {step:g} apart, and the file "
            "does not tell their unit; give --time-unit ms (or s, us, ns)"
        )
    doubt = f"{name}: the file tells no unit of its times; seconds are assumed (--time-unit)."
    return Clock(values, doubts=() if rank(name) is not None and step < 1 else (doubt,))


def _since_1970(values: NDArray[np.float64], first: float, seconds: float) -> Clock:
    # The first row is the start. Subtracted before they are scaled, times keep all their digits.
    start = EPOCH + timedelta(microseconds=round(first * (seconds * 1e6)))
    return Clock((values - first) * seconds, start)
