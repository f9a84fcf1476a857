"""Named reference laps: files `feature_repo/reference_laps/<name>.csv` of time over distance.

A file has a header `distance_m,time_s` and a line for each point, both since lap start.
"""

from __future__ import annotations

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
    """The grid of one file. Raises `UsageError` when the file is missing or holds no lap."""
    if not path.exists():
        raise UsageError(
            f"there is no reference lap {path}; "
            f"write one: ./pitwall reference-lap {path.stem} LAPFILE"
        )
    lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    if not lines or [cell.strip() for cell in lines[0].split(",")] != HEADER.split(","):
        raise UsageError(
            f"{path}: the first line is {lines[0] if lines else ''!r}; "
            f"a reference lap begins with {HEADER}"
        )
    try:
        rows = np.array(
            [[float(cell) for cell in line.split(",")] for line in lines[1:]], np.float64
        )
    except ValueError as error:
        raise UsageError(f"{path}: not two numbers in each line ({error})") from error
    if rows.ndim != 2 or rows.shape[0] < 2 or rows.shape[1] != 2 or not np.isfinite(rows).all():
        raise UsageError(
            f"{path}: expected two finite numbers in each of at least two lines after the header"
        )
    if (
        not (np.diff(rows[:, 0]) > 0).all()
        or not (np.diff(rows[:, 1]) >= 0).all()
        or rows[0].min() < 0
    ):
        raise UsageError(
            f"{path}: distance must rise from line to line, and time must not fall; "
            "both begin at 0 or later"
        )
    if not GRID_M <= rows[-1, 0] <= LONGEST_M:
        raise UsageError(
            f"{path}: the lap ends at {rows[-1, 0]:g} m; a lap has {GRID_M:g} to {LONGEST_M:g} m"
        )
    return grid(rows[:, 0], rows[:, 1])


def write(path: Path, times_s: list[float]) -> None:
    """Write a grid as a reference lap. A reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (f"{number * GRID_M:g},{time:.6f}" for number, time in enumerate(times_s))
    temporary = path.with_name(f".{path.name}")
    temporary.write_text("\n".join([HEADER, *rows]) + "\n")
    temporary.replace(path)
