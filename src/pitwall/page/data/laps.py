"""The lap table, and the predicted lap time beside its baseline and the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pitwall.page.data.session import AT, Floats, Predicted, column


@dataclass(frozen=True)
class LapRow:
    """One lap.

    Times in seconds, NaN where unknown; `first` and `last` are its rows in the trail, both
    included.
    """

    number: int
    time_s: float
    sectors_s: tuple[float, float, float]
    whole: bool
    """Seen from its start to its end."""
    valid: bool
    """Whole, and no channel left its expected range for long."""
    first: int
    last: int


def laps_of(trail: Floats) -> list[LapRow]:
    """The laps of a trail, in order; the last one is the one under way, without a time."""
    numbers = column(trail, "lap_number")
    there = np.flatnonzero(np.isfinite(numbers))
    if not len(there):
        return []
    edges = there[np.flatnonzero(np.diff(numbers[there]) != 0) + 1]
    starts = [int(there[0]), *map(int, edges)]
    found = []
    for at, first in enumerate(starts):
        ended = at + 1 < len(starts)
        last = (starts[at + 1] if ended else len(trail)) - 1
        after = trail[last + 1] if ended else np.full(trail.shape[1], np.nan)
        seconds = float(after[AT["lap_last_time"]])
        whole = bool(ended and np.isfinite(seconds) and column(trail, "lap_from_start")[first] == 1)
        bad = column(trail, "out_of_range")[first : last + 1]
        valid = whole and not bool((np.nan_to_num(bad) > 0.5).any())
        sectors = tuple(float(after[AT[f"last_sector_{n}"]]) for n in (1, 2, 3))
        if whole and not np.isfinite(sectors).all():
            sectors = _thirds(trail[first : last + 1], seconds)
        found.append(
            LapRow(
                int(numbers[first]),
                seconds if whole else np.nan,
                sectors,  # type: ignore[arg-type]
                whole,
                valid,
                first,
                last,
            )
        )
    return found


def _thirds(lap: Floats, final_s: float) -> tuple[float, ...]:
    """Sector times of a lap driven before the road's length was known: its own thirds."""
    distance, times = column(lap, "lap_distance"), column(lap, "lap_time")
    rises = np.flatnonzero(np.isfinite(distance) & np.isfinite(times))
    rises = (
        rises[np.r_[True, np.diff(np.maximum.accumulate(distance[rises])) > 0]]
        if len(rises)
        else rises
    )
    if len(rises) < 2:
        return (np.nan, np.nan, np.nan)
    cuts = np.interp(distance[rises[-1]] * np.array([1 / 3, 2 / 3]), distance[rises], times[rises])
    return tuple(np.diff([0.0, *cuts, final_s]).tolist())


def best_of(laps: Sequence[LapRow]) -> tuple[float, list[float]]:
    """Best lap time and best time of each sector, seconds; NaN where none."""
    times = [lap.time_s for lap in laps if lap.whole]
    sectors = [
        [lap.sectors_s[n] for lap in laps if np.isfinite(lap.sectors_s[n])] for n in range(3)
    ]
    return min(times, default=np.nan), [min(each, default=np.nan) for each in sectors]


@dataclass(frozen=True)
class Reference:
    """A lap to compare with: times (s since lap start) at rising distances (m), and where the car
    was then (m).
    """

    name: str
    distance_m: Floats
    time_s: Floats
    x_m: Floats
    z_m: Floats
    final_s: float

    def fits(self, trail: Floats, near_m: float = 60.0, least_m: float = 200.0) -> bool:
        """Whether the trail's car drives the same road: at the same lap distances it is at the same
        places.
        """
        distance, x, z = (
            column(trail, name) for name in ("lap_distance", "position_x", "position_z")
        )
        there = np.isfinite(distance) & np.isfinite(x) & np.isfinite(z)
        if not there.any() or np.ptp(distance[there]) < least_m:
            return False
        apart = np.hypot(
            x - np.interp(distance, self.distance_m, self.x_m),
            z - np.interp(distance, self.distance_m, self.z_m),
        )
        return bool(np.median(apart[there]) < near_m)


def behind(trail: Floats, reference: Reference | None) -> Floats:
    """Seconds behind the reference at the same distance, at each row; without one, behind the
    session's best lap so far.
    """
    if reference is None:
        return column(trail, "lap_delta_to_best")
    at = np.interp(
        column(trail, "lap_distance"), reference.distance_m, reference.time_s, np.nan, np.nan
    )
    return np.asarray(column(trail, "lap_time") - at)


def pace_ratio(trail: Floats, reference: Reference | None = None) -> Floats:
    """The plain guess at the final lap time (s) at each row: the rest of the reference at this
    lap's pace; NaN without one.

    Elapsed + (reference − its time here) × elapsed / its time here.

    """
    elapsed = column(trail, "lap_time")
    best = reference.final_s if reference else column(trail, "lap_best_time")
    there = elapsed - behind(trail, reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(there > 0.5, elapsed / there, 1.0)
    return np.asarray(elapsed + np.maximum(best - there, 0) * ratio)


@dataclass(frozen=True)
class Forecast:
    """One lap's predictions and the pace ratio over distance, metres and seconds."""

    distance_m: Floats
    value: Floats
    low: Floats
    high: Floats
    baseline_m: Floats
    baseline: Floats


def forecast(
    trail: Floats, lap: LapRow, predictions: Sequence[Predicted], reference: Reference | None = None
) -> Forecast:
    """What was predicted in a lap, where."""
    part = trail[lap.first : lap.last + 1]
    times, distance = column(part, "session_time"), column(part, "lap_distance")
    inside = [p for p in predictions if len(times) and times[0] <= p.time_s <= times[-1] + 0.15]
    at = np.interp([p.time_s for p in inside], times, distance) if inside else np.empty(0)
    value, low, high = (
        np.array([getattr(p, name) for p in inside]) for name in ("value", "low", "high")
    )
    return Forecast(at, value, low, high, distance, pace_ratio(part, reference))


@dataclass(frozen=True)
class Verdict:
    """How a lap's prediction at half distance compared with what came: seconds, errors are
    predicted − truth.
    """

    lap: int
    truth: float
    predicted: float
    baseline: float
    inside: bool | None
    """Whether the truth lay in the interval; None without a prediction."""


def verdicts(
    trail: Floats,
    laps: Sequence[LapRow],
    predictions: Sequence[Predicted],
    reference: Reference | None = None,
) -> list[Verdict]:
    """One verdict for each whole lap with a prediction, or a baseline, at half distance."""
    found = []
    for lap in laps:
        if not lap.whole:
            continue
        made = forecast(trail, lap, predictions, reference)
        half = np.nanmax(made.baseline_m) / 2 if np.isfinite(made.baseline_m).any() else np.nan
        value, at = np.nan, -1
        if len(made.value):
            at = int(np.argmin(np.abs(made.distance_m - half)))
            value = float(made.value[at])
        plain = (
            made.baseline[int(np.nanargmin(np.abs(made.baseline_m - half)))]
            if np.isfinite(half)
            else np.nan
        )
        inside = bool(made.low[at] <= lap.time_s <= made.high[at]) if at >= 0 else None
        found.append(Verdict(lap.number, lap.time_s, value, float(plain), inside))
    return found
