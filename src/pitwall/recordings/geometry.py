"""Lines on the ground: which of two points and a path is the start/finish line."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pitwall.recordings.recording import Line

METRES_PER_DEGREE = 111_194.93
"""Of latitude, on a sphere of 6,371 km radius."""
NEAR_M = 100.0
"""Farthest distance between a line's middle and the path on which it lies."""
SHORTEST_STEP_M = 0.5


def gate(
    first: tuple[float, float],
    second: tuple[float, float],
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
) -> Line | None:
    """The line that two points mean on a path, all in degrees; None if the path is not near it.

    The points are the two ends of the line where the path crosses between them. Where they lie
    along the path, the first one is the middle of the line and the other one gives the direction:

        ends of the line        along the path
             1                    ──2───1──▶
          ───┼──▶
             2
    """
    known = np.isfinite(latitude) & np.isfinite(longitude)
    if not known.any():
        return None
    scale = METRES_PER_DEGREE * math.cos(math.radians(first[0]))
    x = (longitude[known] - first[1]) * scale
    y = (latitude[known] - first[0]) * METRES_PER_DEGREE
    across = ((second[1] - first[1]) * scale, (second[0] - first[0]) * METRES_PER_DEGREE)
    length = math.hypot(*across)
    middle = (across[0] / 2, across[1] / 2)
    direction = _direction(x, y, middle)
    if direction is None:
        return None
    along = abs(direction[0] * across[0] + direction[1] * across[1])
    if length > SHORTEST_STEP_M and along < 0.7 * length:
        # The line's normal, turned into the direction of travel.
        normal = (across[1] / length, -across[0] / length)
        if normal[0] * direction[0] + normal[1] * direction[1] < 0:
            normal = (-normal[0], -normal[1])
        return Line(
            first[0] + middle[1] / METRES_PER_DEGREE,
            first[1] + middle[0] / scale,
            _heading(normal),
            length,
        )
    return Line(first[0], first[1], _heading(_direction(x, y, (0.0, 0.0)) or direction))


def _direction(
    x: NDArray[np.float64], y: NDArray[np.float64], point: tuple[float, float]
) -> tuple[float, float] | None:
    """Unit vector of travel where the path is nearest to the point; None if it is never near."""
    distance = np.hypot(x - point[0], y - point[1])
    nearest = int(distance.argmin())
    if distance[nearest] > NEAR_M:
        return None
    for reach in (1, 2, 5, 10, 50, 200):
        before, behind = max(nearest - reach, 0), min(nearest + reach, len(x) - 1)
        step = (float(x[behind] - x[before]), float(y[behind] - y[before]))
        size = math.hypot(*step)
        if size > SHORTEST_STEP_M:
            return step[0] / size, step[1] / size
    return None


def _heading(direction: tuple[float, float]) -> float:
    """Clockwise from north, in degrees."""
    return round(math.degrees(math.atan2(direction[0], direction[1])) % 360, 4)
