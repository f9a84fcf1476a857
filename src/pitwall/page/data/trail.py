"""The trail of a session: at 10 Hz, the columns that laps, map and delta are made of."""

from __future__ import annotations

from pitwall.page.data.rows import Floats

TRAIL = (
    "session_time",
    "lap_number",
    "lap_time",
    "lap_from_start",
    "lap_distance",
    "lap_last_time",
    "lap_best_time",
    "lap_delta_to_best",
    "last_sector_1",
    "last_sector_2",
    "last_sector_3",
    "position_x",
    "position_z",
    "speed",
    "throttle",
    "brake",
    "acceleration_long",
    "acceleration_lat",
    "out_of_range",
)
"""Columns of a trail: features, NaN for one that the vehicle's feature view does not have.

`out_of_range` is the largest of the features `*_out_of_range_share_*`.
"""
INDEX = {name: index for index, name in enumerate(TRAIL)}
"""Where each column stands in a row of a trail."""
TRAIL_HZ = 10.0
TRAIL_KEPT = 36_000
"""Rows of a trail that stay at least: one hour."""


def column(trail: Floats, name: str) -> Floats:
    """One column of a trail, shape (rows,)."""
    return trail[:, INDEX[name]]
