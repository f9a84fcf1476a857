"""A lap to compare with, and what follows from it: the delta and the pace ratio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pitwall.page.data.rows import Floats
from pitwall.page.data.trail import column


@dataclass(frozen=True)
class Reference:
    """A stored lap to compare with. All arrays have the shape (rows,)."""

    name: str
    distance_m: Floats
    """Lap distance, rising."""
    time_s: Floats
    """Seconds since lap start, at each distance."""
    x_m: Floats
    z_m: Floats
    """Where the car was, at each distance."""
    final_s: float
    """Lap time."""

    def fits(self, trail: Floats, near_m: float = 60.0, least_m: float = 200.0) -> bool:
        """Whether the trail follows the same road.

        It does if the median distance between the places of car and reference, each at the same
        lap distance, is less than `near_m`. A trail over less than `least_m` never fits.
        """
        distance, x, z = (
            column(trail, name) for name in ("lap_distance", "position_x", "position_z")
        )
        usable = np.isfinite(distance) & np.isfinite(x) & np.isfinite(z)
        if not usable.any() or np.ptp(distance[usable]) < least_m:
            return False
        apart_m = np.hypot(
            x - np.interp(distance, self.distance_m, self.x_m),
            z - np.interp(distance, self.distance_m, self.z_m),
        )
        return bool(np.median(apart_m[usable]) < near_m)


def deltas(trail: Floats, reference: Reference | None) -> Floats:
    """Seconds behind the reference at the same lap distance, in each row, shape (rows,).

    Without a reference it is the delta to the session's best lap so far.
    """
    if reference is None:
        return column(trail, "lap_delta_to_best")
    reference_s = np.interp(
        column(trail, "lap_distance"), reference.distance_m, reference.time_s, np.nan, np.nan
    )
    return np.asarray(column(trail, "lap_time") - reference_s)


def pace_ratio(trail: Floats, reference: Reference | None = None) -> Floats:
    """The baseline of the predicted lap time in each row, in seconds, shape (rows,).

    It is the time driven so far, and the rest of the reference at this lap's pace: elapsed +
    (final − t) × elapsed / t, where t is the reference's time at this lap distance. Without a
    reference, the session's best lap so far is the reference; NaN where there is none.
    """
    elapsed = column(trail, "lap_time")
    final_s = reference.final_s if reference else column(trail, "lap_best_time")
    reference_s = elapsed - deltas(trail, reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Right after the start, the ratio of two short times says nothing.
        ratio = np.where(reference_s > 0.5, elapsed / reference_s, 1.0)
    return np.asarray(elapsed + np.maximum(final_s - reference_s, 0) * ratio)
