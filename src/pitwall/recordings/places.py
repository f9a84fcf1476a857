"""Positions in metres on the plane that touches the earth where a recording begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EARTH_M = 6_371_000.0
"""Mean radius of the earth: a degree of latitude is 111,194.93 m."""
Floats = NDArray[np.float64]


def metres(latitude_deg: Floats, longitude_deg: Floats) -> tuple[Floats, Floats]:
    """Metres east and north of the first known position, each of shape (ticks,), NaN as given.

    A logger without reception writes 0, 0: that is no position.
    """
    known = np.isfinite(latitude_deg) & np.isfinite(longitude_deg)
    known &= (latitude_deg != 0) | (longitude_deg != 0)
    east, north = np.full(len(known), np.nan), np.full(len(known), np.nan)
    if not known.any():
        return east, north
    first = int(np.argmax(known))
    latitude = latitude_deg[known] - latitude_deg[first]
    longitude = longitude_deg[known] - longitude_deg[first] + 180.0
    if longitude.min() < 0 or longitude.max() >= 360:  # A remainder takes long, and is rarely due.
        longitude %= 360.0
    longitude -= 180.0
    shrink = np.cos(np.radians(latitude_deg[first]))
    east[known] = np.radians(longitude) * EARTH_M * shrink
    north[known] = np.radians(latitude) * EARTH_M
    return east, north
