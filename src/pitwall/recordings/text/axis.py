"""The axis of a recording, its start, and what is doubtful about both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from pitwall.errors import LapFileError
from pitwall.recordings.recording import Options
from pitwall.recordings.text.clocks import Clock, Counts, Numbers
from pitwall.recordings.text.facts import Facts

DAY_S = 86400.0
ORDER = "give --day-first or --month-first"


@dataclass(frozen=True)
class Axis:
    """Times of the rows and what they count from."""

    times_s: Numbers
    """Shape (rows,); NaN where a row has no time."""
    clock: str
    columns: tuple[int, ...]
    """The columns that the clock is made of."""
    elapsed: bool
    """Whether the clock counts from its own zero, which is then the zero of the axis."""
    start: datetime | None
    zone_told: bool
    day_only: bool
    doubts: tuple[str, ...]
    restarts: tuple[float, ...] = ()
    """Times on the axis at which the file's clock began again."""


def axis_of(path: Path, rows: int, found: Sequence[Clock], facts: Facts, options: Options) -> Axis:
    """The axis by the best clock, else by the rate that the user or the preamble gives.

    Raises `LapFileError` where there is neither, and where a clock counts in steps whose unit
    nothing tells.
    """
    usable = [clock for clock in found if clock.filled >= 0.5] or list(found)
    coarse = bool(usable) and usable[0].distinct * 2 < rows and options.rate_hz is not None
    if not usable or coarse:
        return _counted(path, rows, found, facts, options)
    clock, doubts = usable[0], []
    seconds = clock.seconds
    if clock.counts is Counts.ELAPSED:
        doubts += _unit_doubts(path, clock)
    restarts: tuple[float, ...] = ()
    if clock.counts is Counts.DAY:
        seconds = _over_midnight(seconds)
    elif clock.counts is Counts.ELAPSED:
        seconds, restarts = _unwrapped(seconds, facts.markers_s)
    if restarts:
        doubts.append(
            f"{clock.name} begins again {len(restarts)} times; each piece follows the one before"
        )
    elif clock.distinct * 5 < rows * 2:
        doubts.append(
            f"{clock.name} has {clock.distinct} times in {rows} rows; "
            "give --rate-hz if each row is an instant of its own"
        )
    zero = 0.0 if clock.counts is Counts.ELAPSED else _first(seconds)
    # A float64 holds seconds since 1970 to a quarter of a microsecond.
    times = np.round(seconds - zero, 6 if clock.counts is Counts.EPOCH else 9)
    start, zone_told, day_only, more = _start(clock, zero, found, facts, options)
    elapsed = clock.counts is Counts.ELAPSED
    told = (start, zone_told, day_only)
    return Axis(times, clock.name, clock.columns, elapsed, *told, (*doubts, *more), restarts)


def _counted(path: Path, rows: int, found: Sequence[Clock], facts: Facts, options: Options) -> Axis:
    rate = options.rate_hz or facts.rate_hz
    if not rate or rate <= 0:
        raise LapFileError(
            f"{path}: no column of time; expected one such as Time or Timestamp. If the rows have "
            "a fixed rate, give --rate-hz"
        )
    times = np.arange(rows) / rate
    source = "--rate-hz" if options.rate_hz else "the preamble"
    doubts = (f"no column of time: row number / {rate:g}, the rate of {source}",)
    start, told, day_only, more = _start(None, 0.0, found, facts, options)
    return Axis(times, "", (), True, start, told, day_only, (*doubts, *more))


def _unit_doubts(path: Path, clock: Clock) -> list[str]:
    """What is said of a clock without a unit. Raises where its steps are not those of seconds."""
    if clock.unit_told:
        return []
    known = clock.seconds[np.isfinite(clock.seconds)]
    steps = np.diff(known)
    steps = steps[steps > 0]
    step = float(np.median(steps)) if steps.size else 0.0
    whole = bool((known == np.round(known)).all())
    if step >= 5 or (whole and step >= 2):
        raise LapFileError(
            f"{path}: column {clock.name} counts in steps of {step:g} and names no unit; "
            "give --time-unit ms, or s, us or ns"
        )
    return [f"{clock.name} names no unit: seconds are assumed; give --time-unit if not"]


def _over_midnight(seconds: Numbers) -> Numbers:
    """Times of day that go on after midnight."""
    known = np.isfinite(seconds)
    steps = np.diff(seconds[known], prepend=seconds[known][:1])
    result = seconds.copy()
    result[known] += DAY_S * np.cumsum(steps < -DAY_S / 2)
    return result


def _unwrapped(seconds: Numbers, markers: Sequence[float]) -> tuple[Numbers, tuple[float, ...]]:
    """A clock that begins again made to go on, and the times at which it began again.

    A clock begins again where it falls back to its own beginning from at least half of what it had
    reached. With a marker for each piece, a piece begins at its marker; else one step after the
    piece before.
    """
    places = np.flatnonzero(np.isfinite(seconds))
    known = seconds[places]
    drops = np.flatnonzero(np.diff(known) < 0) + 1
    if not drops.size:
        return seconds, ()
    steps = np.diff(known)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    origin, begin = known[0], 0
    starts = []
    for drop in drops:
        reached = float(known[begin:drop].max()) - origin
        near = abs(known[drop] - origin) <= max(5 * step, 0.02 * reached)
        if near and reached > 0 and known[drop - 1] - known[drop] > 0.5 * reached:
            starts.append(int(drop))
            begin = int(drop)
    if not starts or step * 10 > float(known.max() - origin):
        return seconds, ()
    result = known.copy()
    with_markers = len(markers) >= len(starts)
    for number, (begin, end) in enumerate(zip(starts, [*starts[1:], len(known)], strict=True)):
        first = float(result[begin - 1]) + step - known[begin]
        offset = markers[number] if with_markers else first
        result[begin:end] = known[begin:end] + offset
    unwrapped = seconds.copy()
    unwrapped[places] = np.round(result, 7)
    return unwrapped, tuple(float(unwrapped[places[begin]]) for begin in starts)


def _first(seconds: Numbers) -> float:
    known = seconds[np.isfinite(seconds)]
    return float(known[0]) if known.size else 0.0


def _start(
    clock: Clock | None, zero: float, found: Sequence[Clock], facts: Facts, options: Options
) -> tuple[datetime | None, bool, bool, list[str]]:
    """UTC time at 0 s, whether its zone is told, whether only the day is, and the doubts."""
    if options.start is not None:
        return options.start.astimezone(UTC), True, False, []
    instant = next((other for other in found if other.counts is Counts.EPOCH), None)
    if clock is not None and clock.counts is Counts.EPOCH:
        instant = clock
    if instant is not None:
        if instant.uncertain_day:
            return None, False, False, [f"{instant.name}: day or month first? {ORDER}"]
        seconds = zero if instant is clock else _meeting(instant, clock)
        return _utc(seconds), instant.zone_told, False, _zone_doubt(instant.name, instant.zone_told)
    of_day = clock if clock is not None and clock.counts is Counts.DAY else None
    of_day = of_day or next((other for other in found if other.counts is Counts.DAY), None)
    time = None
    if of_day is not None:
        time = zero if of_day is clock else _meeting(of_day, clock)
    if time is None and facts.time is not None:
        time = facts.time.seconds
    if facts.day is None or facts.day.day is None:
        if time is None:
            return None, False, False, []
        shown = (datetime(2000, 1, 1) + timedelta(seconds=time)).time().isoformat("milliseconds")
        return None, False, False, [f"at 0 s it is {shown} of a day that is not told; give --start"]
    if facts.day.ambiguous:
        return None, False, False, [f"{facts.day_text}: day or month first? {ORDER}"]
    midnight = facts.day._replace(seconds=None).utc()
    assert midnight is not None
    seconds_of_day = facts.day.seconds if facts.day.seconds is not None else time
    told = facts.day.zone is not None
    doubts = _zone_doubt(facts.day_text, told)
    if seconds_of_day is None:
        return midnight, told, True, [*doubts, f"{facts.day_text}: no time of day; give --start"]
    if (facts.time or facts.day).to_the_minute and of_day is None:
        doubts.append("the start is told to the minute")
    return midnight + timedelta(seconds=seconds_of_day), told, False, doubts


_UTC = re.compile(r"(?<![A-Za-z])(?:UTC|GMT)(?![A-Za-z])", re.IGNORECASE)
_LETTERS = re.compile(r"\d ([A-Z]{3,4}) \d{4}$")
"""A zone by letters, as `date` writes it: the same letters are in use for several zones."""


def _zone_doubt(name: str, told: bool) -> list[str]:
    """What is doubtful about the zone of a time that stands in this column, or is this text."""
    if told or _UTC.search(name.replace("_", " ")):
        return []
    if letters := _LETTERS.search(name):
        return [f"{name}: {letters[1]} can be several time zones: UTC is assumed; give --start"]
    name_it = "name" if " and " in name else "names"
    return [f"{name} {name_it} no time zone: UTC is assumed; give --start"]


def _meeting(other: Clock, clock: Clock | None) -> float:
    """What the other clock shows at 0 s of the axis.

    A clock of whole seconds shows less than it is: the largest difference counts then.
    """
    if clock is None:
        return _first(other.seconds)
    own = clock.seconds - (0.0 if clock.counts is Counts.ELAPSED else _first(clock.seconds))
    difference = other.seconds - own
    difference = difference[np.isfinite(difference)]
    if not difference.size:
        return _first(other.seconds)
    known = other.seconds[np.isfinite(other.seconds)]
    whole = bool((known == np.round(known)).all())
    return float(difference.max() if whole and np.ptp(difference) < 2 else difference[0])


def _utc(seconds: float) -> datetime | None:
    if not abs(seconds) < 1e11:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=round(seconds, 6))
