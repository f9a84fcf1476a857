"""Ticks: the samples of all columns put in order, those of one time in one tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import LapFileError

Floats = NDArray[np.float64]
MOST_CELLS = 400_000_000
"""Ticks times channels that a session may have in memory, 3.2 GB."""
ALWAYS_CELLS, CELLS_A_SAMPLE = 20_000_000, 30
"""So many cells are always made, and beyond them so many for each sample of the file."""
SAME_S = 5e-7
"""Times closer than this are one."""
MOST_SECONDS = 1e11
"""Times beyond this cannot be counted in microseconds."""
SPARE_CHANNELS = 3
"""Room beside the channels of a file for those that are derived from them."""
LONGEST_GAP_S = 2.0
"""Resampling makes no value between two samples that are farther apart."""

FELL = "time fell back"
NO_TIME = "no time"
REPEATED = "repeated row"
ANOTHER = "another value at the same time"
EMPTY = "no value in any channel"


@dataclass(frozen=True)
class Ticks:
    """All channels on one axis."""

    times_s: Floats
    """Shape (ticks,), rising by at least a microsecond."""
    memory: Floats = field(repr=False)
    """The values, and behind them room for further channels, shape (ticks, channels or more)."""
    channels: int
    left_out: dict[str, int] = field(default_factory=dict)
    """Rows that gave nothing, by reason."""

    @property
    def values(self) -> Floats:
        """Shape (ticks, channels); NaN where a channel has no sample then."""
        return self.memory[:, : self.channels]

    def with_channels(self, more: Sequence[Floats]) -> Ticks:
        """These ticks with further channels, each of shape (ticks,), in the same memory.

        At most `SPARE_CHANNELS` are added. The ticks without them must not be used any more.
        """
        for column, samples in enumerate(more, start=self.channels):
            self.memory[:, column] = samples
        return replace(self, channels=self.channels + len(more))


def ticks(series: Sequence[tuple[Floats, Floats]], what: str = "the recording") -> Ticks:
    """The ticks of channels, each given as times and values of shape (samples,).

    Two samples are of one time when their microseconds are. A time that falls back, one that is no
    number, a row without any value and a row that only repeats a time are left out and counted by
    row; series that share one array of times are one set of rows. Raises `LapFileError` where the
    ticks do not fit into memory.
    """
    groups: dict[int, list[int]] = {}
    for column, (times, _) in enumerate(series):
        groups.setdefault(id(times), []).append(column)
    if len(groups) == 1 and _in_order(series[0][0]) and _every_row_has_a_value(series):
        memory = _memory(len(series[0][0]), len(series))
        for column, (_, numbers) in enumerate(series):
            memory[:, column] = numbers
        return Ticks(series[0][0], memory, len(series))
    left_out: dict[str, int] = {}
    kept = []
    for columns in groups.values():
        times = series[columns[0]][0]
        rows = _rows_in_order(times, left_out)
        samples = [series[column][1][rows] for column in columns]
        known = np.zeros(len(rows), bool)
        for each in samples:
            known |= np.isfinite(each)
        _count(left_out, EMPTY, len(rows) - int(known.sum()))
        kept.append((columns, times[rows][known], [each[known] for each in samples]))
    keys = [_microseconds(times) for _, times, _ in kept]
    every, first = np.unique(np.concatenate(keys), return_index=True)
    in_file = sum(len(times) * len(columns) for columns, times, _ in kept)
    most = min(MOST_CELLS, max(ALWAYS_CELLS, CELLS_A_SAMPLE * in_file))
    if len(every) * len(series) > most:
        raise LapFileError(
            f"{what}: {len(every):,} ticks of {len(series):,} channels do not fit into memory; "
            "give --resample HZ"
        )
    memory = _memory(len(every), len(series))
    values = memory[:, : len(series)]
    values.fill(np.nan)
    for (columns, _, rows_of), key in zip(kept, keys, strict=True):
        place = np.searchsorted(every, key)
        for column, each in zip(columns, rows_of, strict=True):
            known = np.isfinite(each)
            # Of several values of one time the first is kept: it is assigned last.
            values[place[known][::-1], column] = each[known][::-1]
        _count_repeats(left_out, values[:, columns], place, rows_of)
    times_s = np.concatenate([times for _, times, _ in kept])[first]
    return Ticks(times_s, memory, len(series), left_out)


def resampled(
    series: Sequence[tuple[Floats, Floats]],
    rate_hz: float,
    steps: Sequence[bool],
    what: str = "the recording",
) -> Ticks:
    """The channels at `rate_hz` from the first to the last sample; arguments as of `ticks`.

    A value lies on the straight line between the two samples around it, or for a channel that goes
    in steps (`steps`, by channel) it is the last sample. There is none outside a channel's samples
    and none in a gap of more than `LONGEST_GAP_S`.
    """
    left_out: dict[str, int] = {}
    rows_of: dict[int, NDArray[np.intp]] = {}
    kept = []
    for times, values in series:
        if id(times) not in rows_of:
            rows_of[id(times)] = _rows_in_order(times, left_out)
        rows = rows_of[id(times)]
        rows = rows[np.isfinite(values[rows])]
        kept.append((times[rows], values[rows]))
    ends = [(float(t[0]), float(t[-1])) for t, _ in kept if len(t)]
    if not ends:
        return Ticks(np.empty(0), _memory(0, len(series)), len(series), left_out)
    first = min(begin for begin, _ in ends)
    lows, highs = _pieces([times for times, _ in kept if len(times)], first, rate_hz)
    count = int((highs - lows + 1).sum())
    if count * len(series) > MOST_CELLS:
        raise LapFileError(
            f"{what}: --resample {rate_hz:g} makes {count:,} ticks, which do not fit into memory; "
            "give a lower rate"
        )
    places = [np.arange(low, high + 1) for low, high in zip(lows, highs, strict=True)]
    grid = first + np.concatenate(places) / rate_hz
    memory = _memory(count, len(series))
    made = memory[:, : len(series)]
    made.fill(np.nan)
    for column, ((t, v), in_steps) in enumerate(zip(kept, steps, strict=True)):
        if not len(t):
            continue
        before = np.searchsorted(t, grid + SAME_S, "right") - 1
        after = np.minimum(before + 1, len(t) - 1)
        inside = (before >= 0) & (grid <= t[-1] + SAME_S)
        inside &= t[after] - t[before] <= LONGEST_GAP_S
        straight = v[np.maximum(before, 0)] if in_steps else np.interp(grid, t, v)
        made[inside, column] = straight[inside]
    some = np.isfinite(made).any(axis=1)
    memory = memory if some.all() else memory[some]
    return Ticks(grid[some], memory, len(series), left_out)


def _memory(ticks: int, channels: int) -> Floats:
    """Memory for values, each channel in one piece: nearly all work is done channel by channel."""
    return np.empty((ticks, channels + SPARE_CHANNELS), order="F")


def _every_row_has_a_value(series: Sequence[tuple[Floats, Floats]]) -> bool:
    """Whether each row of channels of one array of times has a finite value."""
    known = np.zeros(len(series[0][0]), bool)
    for _, values in series:
        known |= np.isfinite(values)
        if known.all():
            return True
    return False


def _pieces(
    times: Sequence[Floats], first_s: float, rate_hz: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last ticks of the pieces in which a channel has samples without a long gap.

    Ticks are counted from `first_s`. So a clock that leaps by days makes no ticks on its way.
    """
    begins, ends = [], []
    for each in times:
        gaps = np.flatnonzero(np.diff(each) > LONGEST_GAP_S)
        begins.append(each[np.r_[0, gaps + 1]])
        ends.append(each[np.r_[gaps, len(each) - 1]])
    begin, end = np.concatenate(begins), np.concatenate(ends)
    order = np.argsort(begin, kind="stable")
    lows = np.ceil((begin[order] - first_s - SAME_S) * rate_hz)
    highs = np.maximum.accumulate(np.floor((end[order] - first_s + SAME_S) * rate_hz))
    apart = np.flatnonzero(np.r_[True, lows[1:] > highs[:-1]])
    lows, highs = lows[apart], highs[np.r_[apart[1:] - 1, len(highs) - 1]]
    some = highs >= lows
    return lows[some].astype(np.int64), highs[some].astype(np.int64)


def _in_order(times: Floats) -> bool:
    """Whether each time is later than the one before by a microsecond or more."""
    usual = np.isfinite(times).all() and (np.abs(times) < MOST_SECONDS).all()
    return bool(usual and (np.diff(_microseconds(times)) > 0).all())


def _rows_in_order(times: Floats, left_out: dict[str, int]) -> NDArray[np.intp]:
    """Places of the rows whose time is a number and does not fall back."""
    known = np.isfinite(times) & (np.abs(times) < MOST_SECONDS)
    latest = np.maximum.accumulate(np.where(known, times, -np.inf))
    falls = known & (times < np.r_[-np.inf, latest[:-1]]) if len(times) else known
    _count(left_out, NO_TIME, int((~known).sum()))
    _count(left_out, FELL, int(falls.sum()))
    return np.flatnonzero(known & ~falls)


def _microseconds(times: Floats) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = np.rint(times * 1e6).astype(np.int64)
    return whole


def _count_repeats(
    left_out: dict[str, int], values: Floats, place: NDArray[np.intp], samples: Sequence[Floats]
) -> None:
    """Count the rows at a time that a row before had, unless they fill its gaps."""
    again = np.flatnonzero(np.r_[False, place[1:] == place[:-1]]) if len(place) else place
    if not len(again):
        return
    rows = np.column_stack([each[again] for each in samples])
    before = np.column_stack([each[again - 1] for each in samples])
    known = np.isfinite(rows)
    differs = (known & (rows != values[place[again]])).any(axis=1)
    fills = (known & ~np.isfinite(before)).any(axis=1)
    _count(left_out, ANOTHER, int((differs & ~fills).sum()))
    _count(left_out, REPEATED, int((~differs & ~fills).sum()))


def _count(left_out: dict[str, int], reason: str, rows: int) -> None:
    if rows:
        left_out[reason] = left_out.get(reason, 0) + rows
