"""Laps on one axis: by distance or by time, where one gains on the other, and the corners found
from the data.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from pitwall.page.data.recorded import Archive, StoredLap
from pitwall.page.data.session import Floats

STEP_M = 5.0
STEP_S = 0.05
CORNER_G = 0.6
"""Lateral acceleration from which the road counts as a corner, and the shortest one there is."""
CORNER_M = 30.0
STRETCH = 0.03
"""Laps whose lengths differ by more are not laps of the same road."""


@dataclass(frozen=True)
class LapData:
    """One lap's samples, all arrays of one length: time since lap start (s), distance (m), and the
    columns by name.
    """

    lap: StoredLap
    time_s: Floats
    distance_m: Floats
    columns: dict[str, Floats]

    @property
    def length_m(self) -> float:
        """Distance at the line, which the lap's time tells; NaN for a lap not seen whole."""
        pace = np.diff(self.distance_m[-2:]) / np.diff(self.time_s[-2:])
        return float(self.distance_m[-1] + (self.lap.time_s - self.time_s[-1]) * pace[0])

    def on(self, reference: LapData) -> LapData:
        """This lap with its distance stretched to the reference's length, and its line as the last
        sample.

        No two laps of a road are equally long, and the delta at the line is the difference of the
        lap times. A lap not seen whole, or longer or shorter by more than `STRETCH`, stays as it
        is.
        """
        length, stretch = self.length_m, reference.length_m / self.length_m
        if not abs(stretch - 1) <= STRETCH or self.lap.time_s < self.time_s[-1]:
            return self
        short = self.lap.time_s > self.time_s[-1]
        columns = {
            name: np.r_[column, column[-1:][:short]] for name, column in self.columns.items()
        }
        line = np.array([[self.lap.time_s], [length]])[:, :short]
        return LapData(
            self.lap,
            np.r_[self.time_s, line[0]],
            np.r_[self.distance_m, line[1]] * stretch,
            columns,
        )

    def over(self, by: str) -> Floats:
        """Time or distance."""
        return self.distance_m if by == "distance" else self.time_s


def read(archive: Archive, lap: StoredLap, names: Sequence[str]) -> LapData:
    """A lap's data: features from the offline store, other channels from the telemetry history, on
    the features' times.

    Rows whose lap distance does not rise are left out. Raises `StoreError` when a store does not
    answer.
    """
    known = archive.sets[lap.view].names
    features = [name for name in names if name in known]
    block = archive.features(
        lap.view,
        lap.vehicle,
        lap.session,
        ["lap_number", "lap_time", "lap_distance", *features],
        lap.start_s,
        lap.end_s,
    )
    block = block[(block[:, 1] == lap.number) & np.isfinite(block[:, 2:4]).all(axis=1)]
    rises = block[:, 3] > np.r_[-np.inf, np.maximum.accumulate(block[:, 3])[:-1]]
    block = block[rises]
    columns = {name: block[:, 4 + at] for at, name in enumerate(features)}
    for name in names:
        if name not in columns:
            found = archive.channel(lap.vehicle, lap.session, name, lap.start_s, lap.end_s)
            columns[name] = (
                np.interp(block[:, 0], found[:, 0], found[:, 1])
                if len(found)
                else np.full(len(block), np.nan)
            )
    return LapData(lap, block[:, 2], block[:, 3], columns)


def aligned(laps: Sequence[LapData]) -> list[LapData]:
    """The laps that can be compared, all on the first one's distance."""
    kept = [lap for lap in laps if len(lap.time_s) > 1]
    return [lap.on(kept[0]) for lap in kept]


@dataclass(frozen=True)
class Overlay:
    """Laps on one grid.

    `columns[name]` has shape (laps, grid), NaN where a lap does not reach; so has `delta_s`.
    """

    by: str
    grid: Floats
    columns: dict[str, Floats]
    delta_s: Floats
    """Seconds behind the first lap at the same distance (over time: at the distance reached then).
    """


def overlay(laps: Sequence[LapData], names: Sequence[str], by: str) -> Overlay:
    """Put `aligned` laps on the grid of distance (5 m) or time (0.05 s)."""
    if not laps:
        return Overlay(
            by, np.empty(0), {name: np.empty((0, 0)) for name in names}, np.empty((0, 0))
        )
    step = STEP_M if by == "distance" else STEP_S
    first = min(float(lap.over(by)[0]) for lap in laps)
    grid = np.arange(
        np.ceil(first / step) * step, max(float(lap.over(by)[-1]) for lap in laps) + step / 2, step
    )
    columns = {
        name: np.array(
            [np.interp(grid, lap.over(by), lap.columns[name], np.nan, np.nan) for lap in laps]
        )
        for name in names
    }
    reference, rows = laps[0], []
    for lap in laps:
        distance = (
            grid
            if by == "distance"
            else np.interp(grid, lap.time_s, lap.distance_m, np.nan, np.nan)
        )
        mine = np.interp(distance, lap.distance_m, lap.time_s, np.nan, np.nan)
        rows.append(
            mine - np.interp(distance, reference.distance_m, reference.time_s, np.nan, np.nan)
        )
    return Overlay(by, grid, columns, np.array(rows))


@dataclass(frozen=True)
class Corner:
    """A corner of the reference lap, metres since lap start; `apex_m` is where it is slowest."""

    number: int
    begin_m: float
    apex_m: float
    end_m: float


def corners(reference: LapData) -> list[Corner]:
    """Where the reference lap's smoothed lateral acceleration stays above `CORNER_G` on one side;
    needs it and the speed.
    """
    if (
        not {"acceleration_lat", "speed"} <= set(reference.columns)
        or len(reference.distance_m) < 10
    ):
        return []
    grid = np.arange(reference.distance_m[0], reference.distance_m[-1], STEP_M)
    lateral = gaussian_filter1d(
        np.nan_to_num(np.interp(grid, reference.distance_m, reference.columns["acceleration_lat"])),
        3,
    )
    speed = np.interp(grid, reference.distance_m, reference.columns["speed"])
    side = np.where(np.abs(lateral) > CORNER_G, np.sign(lateral), 0)
    edges = np.flatnonzero(np.diff(np.r_[0, side, 0])).tolist()
    found: list[Corner] = []
    for begin, end in itertools.pairwise(edges):
        if side[begin] and (end - begin) * STEP_M >= CORNER_M:
            apex = begin + int(np.argmin(speed[begin:end]))
            found.append(
                Corner(len(found) + 1, float(grid[begin]), float(grid[apex]), float(grid[end - 1]))
            )
    return found


@dataclass(frozen=True)
class Part:
    """A part of the lap, and the seconds each lap lost there to the first (negative: gained)."""

    name: str
    begin_m: float
    end_m: float
    lost_s: tuple[float, ...]
    slowest_kph: tuple[float, ...]


def gains(laps: Sequence[LapData], found: Sequence[Corner]) -> list[Part]:
    """Corner by corner, of `aligned` laps: from half-way of the straight before it to half-way of
    the one behind, so that the parts add up.
    """
    if not found or not laps:
        return []
    # Where all laps have samples: a lap's last one lies up to a tick before the line.
    begin, length = (
        max(float(lap.distance_m[0]) for lap in laps),
        min(float(lap.distance_m[-1]) for lap in laps),
    )
    cuts = [begin, *((a.end_m + b.begin_m) / 2 for a, b in itertools.pairwise(found)), length]
    parts = []
    for corner, begin, end in zip(found, cuts, cuts[1:], strict=False):
        lost, slowest = [], []
        for lap in laps:
            spent = _spent(lap, begin, end) - _spent(laps[0], begin, end)
            inside = (lap.distance_m >= corner.begin_m) & (lap.distance_m <= corner.end_m)
            lost.append(spent)
            slowest.append(
                float(np.nanmin(lap.columns["speed"][inside])) if inside.any() else np.nan
            )
        parts.append(Part(f"T{corner.number}", begin, end, tuple(lost), tuple(slowest)))
    return parts


def corners_to_name(found: Sequence[Corner], parts: Sequence[Part], room_m: float) -> list[Corner]:
    """Corners to name where there is room for one name each `room_m`: those with most time in them
    first, in the order of the road.
    """
    weight = {
        part.name: max((abs(lost) for lost in part.lost_s if np.isfinite(lost)), default=0.0)
        for part in parts
    }
    named: list[Corner] = []
    for corner in sorted(found, key=lambda c: -weight.get(f"T{c.number}", 0.0)):
        if all(abs(corner.apex_m - other.apex_m) >= room_m for other in named):
            named.append(corner)
    return sorted(named, key=lambda c: c.apex_m)


def _spent(lap: LapData, begin: float, end: float) -> float:
    times = np.interp([begin, end], lap.distance_m, lap.time_s, np.nan, np.nan)
    return float(times[1] - times[0])


@dataclass(frozen=True)
class Between:
    """A column between two cursors."""

    low: float
    high: float
    mean: float


def between(axis: Floats, values: Floats, begin: float, end: float) -> Between:
    """Minimum, maximum and mean of the samples with begin ≤ axis ≤ end; NaN without one."""
    inside = values[(axis >= min(begin, end)) & (axis <= max(begin, end)) & np.isfinite(values)]
    if not len(inside):
        return Between(np.nan, np.nan, np.nan)
    return Between(float(inside.min()), float(inside.max()), float(inside.mean()))
