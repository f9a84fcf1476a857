"""Named reference laps: files `feature_repo/reference_laps/<name>.csv` of time over distance.

A file has a header `distance_m,time_s` and a line for each point, both since lap start.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from pitwall.errors import UsageError

FOLDER = "reference_laps"
"""Folder of the reference laps in the feature repository."""
HEADER = "distance_m,time_s"
GRID_M = 10.0
"""Laps are compared on lines so far apart, the first at 0 m; between lines they interpolate."""
LONGEST_M = 100_000.0
"""Length of the longest lap that is accepted, so that a grid has at most 10,001 lines."""


def grid(distance_m: ArrayLike, time_s: ArrayLike) -> list[float]:
    """Seconds since lap start at each line of the grid, interpolated, up to the last distance.

    Both arrays have shape (points,) and rise. Where they begin beyond 0 m, (0 m, 0 s) is added.
    """
    distance, time = np.asarray(distance_m, np.float64), np.asarray(time_s, np.float64)
    if distance[0] > 0:
        distance, time = np.r_[0.0, distance], np.r_[0.0, time]
    lines = np.arange(int(distance[-1] // GRID_M) + 1) * GRID_M
    times: list[float] = np.interp(lines, distance, time).tolist()
    return times


def read(path: Path) -> list[float]:
    """The grid of one file, at least two lines of it.

    Raises `UsageError`, which names file and line, when the file is missing or holds no lap.
    """
    if not path.exists():
        raise UsageError(
            f"there is no reference lap {path}; "
            f"write one: ./pitwall reference-lap {path.stem} LAPFILE"
        )
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as text: {error}") from error
    lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    header = lines[0][1] if lines else ""
    if [cell.strip() for cell in header.split(",")] != HEADER.split(","):
        raise UsageError(
            f"{path}: the first line is {header!r}; a reference lap begins with {HEADER}"
        )
    points = [_point(f"{path}: line {n} is {line!r}", line) for n, line in lines[1:]]
    if len(points) < 2:
        raise UsageError(f"{path}: it has {len(points)} points; a lap has at least two")
    for (n, line), before, point in zip(lines[2:], points, points[1:], strict=False):
        if point[0] <= before[0] or point[1] < before[1]:
            raise UsageError(
                f"{path}: line {n} is {line!r}; distance must rise from line to line, "
                "and time must not fall"
            )
    distance_m, time_s = np.array(points).T
    if distance_m[0] < 0 or time_s[0] < 0 or time_s[-1] == 0:
        raise UsageError(f"{path}: distance and time begin at 0 or later, and a lap takes time")
    if not GRID_M <= distance_m[-1] <= LONGEST_M:
        raise UsageError(
            f"{path}: the lap ends at {distance_m[-1]:g} m; a lap has {GRID_M:g} to {LONGEST_M:g} m"
        )
    return grid(distance_m, time_s)


def _point(what: str, line: str) -> tuple[float, float]:
    """Distance (m) and time (s) of one line. Raises `UsageError`, which begins with `what`."""
    try:
        distance_m, time_s = (float(cell) for cell in line.split(","))
    except ValueError as error:
        raise UsageError(f"{what}, not two numbers ({error})") from error
    if not (math.isfinite(distance_m) and math.isfinite(time_s)):
        raise UsageError(f"{what}; give two finite numbers")
    return distance_m, time_s


def write(path: Path, times_s: list[float]) -> None:
    """Write a grid as a reference lap. A reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (f"{number * GRID_M:g},{time:.6f}" for number, time in enumerate(times_s))
    temporary = path.with_name(f".{path.name}")
    temporary.write_text("\n".join([HEADER, *rows]) + "\n")
    temporary.replace(path)
