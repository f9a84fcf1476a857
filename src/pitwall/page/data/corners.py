"""The corners of a lap, found in its data, and the time that other laps lose in each of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from pitwall.page.data.compare import LapData
from pitwall.page.data.rows import Floats

STEP_M = 5.0
"""Step of the grid on which corners are looked for."""
SMOOTHED_STEPS = 3
"""Standard deviation of the filter over the lateral acceleration, in steps of the grid."""
CORNER_G = 0.6
"""The road is a corner where the lateral acceleration is higher than this."""
CORNER_M = 30.0
"""Length of the shortest corner."""
LEAST_SAMPLES = 10
"""A lap with fewer samples has no corners."""


@dataclass(frozen=True)
class Corner:
    """A corner of the reference lap, in metres since lap start."""

    number: int
    begin_m: float
    apex_m: float
    """Where the lap is slowest."""
    end_m: float

    @property
    def name(self) -> str:
        """`T1` for the first corner."""
        return f"T{self.number}"


def corners_of(reference: LapData) -> list[Corner]:
    """Where the smoothed lateral acceleration stays above `CORNER_G` on one side, in lap order.

    None without the columns `acceleration_lat` and `speed`.
    """
    needed = {"acceleration_lat", "speed"}
    if not needed <= set(reference.columns) or len(reference.distance_m) < LEAST_SAMPLES:
        return []
    distance = reference.distance_m
    grid = np.arange(distance[0], distance[-1], STEP_M)
    lateral_g = gaussian_filter1d(
        np.nan_to_num(np.interp(grid, distance, reference.columns["acceleration_lat"])),
        SMOOTHED_STEPS,
    )
    speed = np.interp(grid, distance, reference.columns["speed"])
    side = np.where(np.abs(lateral_g) > CORNER_G, np.sign(lateral_g), 0)
    edges = np.flatnonzero(np.diff(np.r_[0, side, 0])).tolist()
    in_order: list[Corner] = []
    for begin, end in itertools.pairwise(edges):
        if side[begin] and (end - begin) * STEP_M >= CORNER_M:
            apex = begin + int(np.argmin(speed[begin:end]))
            in_order.append(
                Corner(
                    number=len(in_order) + 1,
                    begin_m=float(grid[begin]),
                    apex_m=float(grid[apex]),
                    end_m=float(grid[end - 1]),
                )
            )
    return in_order


@dataclass(frozen=True)
class Part:
    """The part of the road around one corner, and what each lap did there."""

    name: str
    """The corner's name."""
    begin_m: float
    end_m: float
    lost_s: tuple[float, ...]
    """Seconds that each lap lost there to the first lap; a negative number is time gained."""
    slowest_kph: tuple[float, ...]
    """The lowest speed of each lap in the corner."""


def parts_of(laps: Sequence[LapData], corners_in_order: Sequence[Corner]) -> list[Part]:
    """One part for each corner, of `aligned` laps.

    A part reaches from the middle of the straight before the corner to the middle of the straight
    after it, so that the parts add up to the whole lap.
    """
    if not corners_in_order or not laps:
        return []
    # All laps have samples only here: the last sample of a lap lies up to a tick before the line.
    first_m = max(float(lap.distance_m[0]) for lap in laps)
    last_m = min(float(lap.distance_m[-1]) for lap in laps)
    middles_m = [
        (corner.end_m + next_corner.begin_m) / 2
        for corner, next_corner in itertools.pairwise(corners_in_order)
    ]
    parts = []
    for corner, (begin_m, end_m) in zip(
        corners_in_order, itertools.pairwise([first_m, *middles_m, last_m]), strict=True
    ):
        spent_s = [_spent_s(lap, begin_m, end_m) for lap in laps]
        parts.append(
            Part(
                name=corner.name,
                begin_m=begin_m,
                end_m=end_m,
                lost_s=tuple(lap_s - spent_s[0] for lap_s in spent_s),
                slowest_kph=tuple(_slowest_kph(lap, corner) for lap in laps),
            )
        )
    return parts


def _spent_s(lap: LapData, begin_m: float, end_m: float) -> float:
    times_s: Floats = np.interp([begin_m, end_m], lap.distance_m, lap.time_s, np.nan, np.nan)
    return float(times_s[1] - times_s[0])


def _slowest_kph(lap: LapData, corner: Corner) -> float:
    """The lap's lowest speed in the corner; NaN without a sample there."""
    inside = (lap.distance_m >= corner.begin_m) & (lap.distance_m <= corner.end_m)
    return float(np.nanmin(lap.columns["speed"][inside])) if inside.any() else np.nan


def corners_to_name(
    corners_in_order: Sequence[Corner], parts: Sequence[Part], room_m: float
) -> list[Corner]:
    """The corners whose names have `room_m` metres of road each, in the order of the road.

    The corners where a lap lost or gained most time come first.
    """
    weights = {
        part.name: max((abs(lost_s) for lost_s in part.lost_s if np.isfinite(lost_s)), default=0.0)
        for part in parts
    }
    named: list[Corner] = []
    for corner in sorted(corners_in_order, key=lambda corner: -weights.get(corner.name, 0.0)):
        if all(abs(corner.apex_m - other.apex_m) >= room_m for other in named):
            named.append(corner)
    return sorted(named, key=lambda corner: corner.apex_m)
