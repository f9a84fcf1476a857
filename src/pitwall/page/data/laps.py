"""The laps of a live session, with their times and sectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pitwall.page.data.rows import Floats
from pitwall.page.data.trail import INDEX, column

OUT_OF_RANGE_SHARE = 0.5
"""A lap with a larger share of ticks out of range, over five seconds, is not valid."""


@dataclass(frozen=True)
class LiveLap:
    """One lap of a trail. Times are in seconds."""

    number: int
    time_s: float
    """Lap time; NaN unless the lap is whole."""
    sectors_s: tuple[float, float, float]
    """Sector times; NaN where unknown."""
    whole: bool
    """Whether the lap was seen from its start to its end."""
    valid: bool
    """Whether the lap is whole and every channel was in its range."""
    first_row: int
    """Its first row in the trail."""
    last_row: int
    """Its last row in the trail, included."""


def laps_of(trail: Floats) -> list[LiveLap]:
    """The laps of a trail, in order. The last one is under way and has no time.

    The trail has the shape (rows, TRAIL), as everywhere in this room.
    """
    numbers = column(trail, "lap_number")
    numbered_rows = np.flatnonzero(np.isfinite(numbers))
    if not len(numbered_rows):
        return []
    changes = numbered_rows[np.flatnonzero(np.diff(numbers[numbered_rows]) != 0) + 1]
    lap_starts = [int(numbered_rows[0]), *map(int, changes)]
    return [
        _lap(trail, first_row, next_lap_row)
        for first_row, next_lap_row in zip(lap_starts, [*lap_starts[1:], None], strict=True)
    ]


def _lap(trail: Floats, first_row: int, next_lap_row: int | None) -> LiveLap:
    """The lap that begins in `first_row`. The next lap is None for the lap under way."""
    if next_lap_row is None:
        last_row, row_after = len(trail) - 1, np.full(trail.shape[1], np.nan)
    else:
        last_row, row_after = next_lap_row - 1, trail[next_lap_row]
    lap_trail = trail[first_row : last_row + 1]
    time_s = float(row_after[INDEX["lap_last_time"]])
    whole = bool(np.isfinite(time_s) and column(lap_trail, "lap_from_start")[0] == 1)
    shares = np.nan_to_num(column(lap_trail, "out_of_range"))
    sector_1_s, sector_2_s, sector_3_s = (
        float(row_after[INDEX[f"last_sector_{sector}"]]) for sector in (1, 2, 3)
    )
    sectors_s = (sector_1_s, sector_2_s, sector_3_s)
    if whole and not np.isfinite(sectors_s).all():
        sectors_s = _thirds(lap_trail, time_s)
    return LiveLap(
        number=int(column(lap_trail, "lap_number")[0]),
        time_s=time_s if whole else np.nan,
        sectors_s=sectors_s,
        whole=whole,
        valid=whole and not bool((shares > OUT_OF_RANGE_SHARE).any()),
        first_row=first_row,
        last_row=last_row,
    )


def _thirds(lap_trail: Floats, time_s: float) -> tuple[float, float, float]:
    """Times of a lap's three equal parts, in seconds; NaN for a lap that did not move.

    They stand for its sectors if the road's length was unknown while the lap was driven.
    """
    distance, lap_time = column(lap_trail, "lap_distance"), column(lap_trail, "lap_time")
    rows = np.flatnonzero(np.isfinite(distance) & np.isfinite(lap_time))
    if len(rows):
        rows = rows[np.r_[True, np.diff(np.maximum.accumulate(distance[rows])) > 0]]
    if len(rows) < 2:
        return (np.nan, np.nan, np.nan)
    cuts_m = distance[rows[-1]] * np.array([1 / 3, 2 / 3])
    first_s, second_s = np.interp(cuts_m, distance[rows], lap_time[rows]).tolist()
    return (first_s, second_s - first_s, time_s - second_s)


def best_times(laps: Sequence[LiveLap]) -> tuple[float, list[float]]:
    """The best lap time and the best time of each of the three sectors, in seconds.

    NaN where there is none.
    """
    times_s = [lap.time_s for lap in laps if lap.whole]
    sectors_s = [
        [lap.sectors_s[sector] for lap in laps if np.isfinite(lap.sectors_s[sector])]
        for sector in range(3)
    ]
    return min(times_s, default=np.nan), [min(times, default=np.nan) for times in sectors_s]
