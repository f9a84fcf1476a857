"""Stored laps on one axis, distance or time, and by how much one is behind another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pitwall.page.data.recorded import Archive
from pitwall.page.data.rows import Floats
from pitwall.page.data.stored_laps import StoredLap

STEP_M = 5.0
"""Step of the grid over distance."""
STEP_S = 0.05
"""Step of the grid over time."""
MOST_STRETCH = 0.03
"""Laps whose lengths differ by a larger share than this are not laps of one road."""


@dataclass(frozen=True)
class LapData:
    """The samples of one stored lap. All arrays have the shape (samples,)."""

    lap: StoredLap
    time_s: Floats
    """Seconds since lap start."""
    distance_m: Floats
    """Lap distance, rising."""
    columns: dict[str, Floats]
    """Features and channels by name."""

    @property
    def length_m(self) -> float:
        """Distance at the line, where the lap's time ends; NaN for a lap that is not whole."""
        speed_mps = np.diff(self.distance_m[-2:]) / np.diff(self.time_s[-2:])
        return float(self.distance_m[-1] + (self.lap.time_s - self.time_s[-1]) * speed_mps[0])

    def stretched_to(self, reference: LapData) -> LapData:
        """This lap with its distance stretched to the reference's length, and one sample more.

        That sample lies at the line, where the delta must be the difference of the lap times,
        although no two laps of a road are equally long. A lap that is not whole, or whose length
        differs by more than `MOST_STRETCH`, stays as it is.
        """
        length_m, stretch = self.length_m, reference.length_m / self.length_m
        if not abs(stretch - 1) <= MOST_STRETCH or self.lap.time_s < self.time_s[-1]:
            return self
        if self.lap.time_s == self.time_s[-1]:
            return LapData(self.lap, self.time_s, self.distance_m * stretch, self.columns)
        return LapData(
            self.lap,
            np.r_[self.time_s, self.lap.time_s],
            np.r_[self.distance_m, length_m] * stretch,
            {name: np.r_[values, values[-1:]] for name, values in self.columns.items()},
        )

    def axis(self, by: str) -> Floats:
        """The lap's distance (m) where `by` is "distance", else its time (s)."""
        return self.distance_m if by == "distance" else self.time_s


def read(archive: Archive, lap: StoredLap, names: Sequence[str]) -> LapData:
    """The samples of a lap, with the features and channels `names` as its columns.

    Channels that are no features are interpolated at the times of the features; NaN for a channel
    that the history does not have. Raises `StoreError` when a store does not answer.
    """
    known_names = archive.feature_sets[lap.view].names
    features = [name for name in names if name in known_names]
    rows = archive.lap_rows(lap, features)
    columns = {name: rows[:, 3 + index] for index, name in enumerate(features)}
    for name in names:
        if name not in columns:
            values = archive.channel(lap.vehicle, lap.session, name, lap.start_s, lap.end_s)
            columns[name] = (
                np.interp(rows[:, 0], values[:, 0], values[:, 1])
                if len(values)
                else np.full(len(rows), np.nan)
            )
    return LapData(lap, rows[:, 1], rows[:, 2], columns)


def aligned(laps: Sequence[LapData]) -> list[LapData]:
    """The laps with two samples or more, all stretched to the length of the first of them."""
    drawable = [lap for lap in laps if len(lap.time_s) > 1]
    return [lap.stretched_to(drawable[0]) for lap in drawable]


@dataclass(frozen=True)
class Overlay:
    """Laps on one grid. NaN stands where a lap does not reach."""

    by: str
    """What the grid runs over: "distance" or "time"."""
    grid: Floats
    """Distance (m) or time (s), shape (grid,)."""
    columns: dict[str, Floats]
    """Each column by name, shape (laps, grid)."""
    delta_s: Floats
    """Seconds behind the first lap at the same distance, shape (laps, grid).

    On a grid of time, that is the distance that the lap has reached at this time.
    """


def overlay(laps: Sequence[LapData], names: Sequence[str], by: str) -> Overlay:
    """Put `aligned` laps on a grid of distance (5 m) or time (0.05 s)."""
    if not laps:
        nothing = np.empty((0, 0))
        return Overlay(by, np.empty(0), {name: nothing for name in names}, nothing)
    step = STEP_M if by == "distance" else STEP_S
    begin = min(float(lap.axis(by)[0]) for lap in laps)
    end = max(float(lap.axis(by)[-1]) for lap in laps)
    grid = np.arange(np.ceil(begin / step) * step, end + step / 2, step)
    columns = {
        name: np.array([_values_at(grid, lap.axis(by), lap.columns[name]) for lap in laps])
        for name in names
    }
    reference = laps[0]
    delta_rows = []
    for lap in laps:
        distance = grid if by == "distance" else _values_at(grid, lap.time_s, lap.distance_m)
        time_s = _values_at(distance, lap.distance_m, lap.time_s)
        delta_rows.append(time_s - _values_at(distance, reference.distance_m, reference.time_s))
    return Overlay(by, grid, columns, np.array(delta_rows))


def _values_at(wanted: Floats, axis: Floats, values: Floats) -> Floats:
    """Values at the wanted places of a rising axis, interpolated; NaN outside of the axis."""
    return np.interp(wanted, axis, values, np.nan, np.nan)


@dataclass(frozen=True)
class Extremes:
    """Minimum, maximum and mean of a column between two cursors."""

    low: float
    high: float
    mean: float


def extremes(axis: Floats, values: Floats, begin: float, end: float) -> Extremes:
    """The extremes of the samples between `begin` and `end`, both included; NaN without one.

    The cursors may come in either order. `axis` and `values` have the shape (samples,).
    """
    first, last = min(begin, end), max(begin, end)
    inside = values[(axis >= first) & (axis <= last) & np.isfinite(values)]
    if not len(inside):
        return Extremes(np.nan, np.nan, np.nan)
    return Extremes(float(inside.min()), float(inside.max()), float(inside.mean()))
