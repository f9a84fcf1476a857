"""Named reference laps: the time since lap start over the distance, as `feature_repo/reference_laps/<name>.csv` holds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from pitwall.errors import UsageError

FOLDER = "reference_laps"
HEADER = "distance_m,time_s"
GRID_M = 10.0
"""The operator compares laps on lines so far apart, the first at 0 m."""
LONGEST_M = 100_000.0


def grid(distance_m: ArrayLike, time_s: ArrayLike) -> list[float]:
    """Time since lap start at each line of the grid, interpolated; both arrays rise. A lap begins at 0 m after 0 s."""
    distance, time = np.asarray(distance_m, np.float64), np.asarray(time_s, np.float64)
    if distance[0] > 0:
        distance, time = np.r_[0.0, distance], np.r_[0.0, time]
    lines = np.arange(int(distance[-1] // GRID_M) + 1) * GRID_M
    times: list[float] = np.interp(lines, distance, time).tolist()
    return times


def read(path: Path) -> list[float]:
    """The grid of one file. Raises `UsageError` with the file and what is wrong with it."""
    if not path.exists():
        raise UsageError(
            f"there is no reference lap {path}; write one: ./pitwall reference-lap {path.stem} LAPFILE"
        )
    lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    if not lines or [cell.strip() for cell in lines[0].split(",")] != HEADER.split(","):
        raise UsageError(
            f"{path}: the first line is {lines[0] if lines else ''!r}; a reference lap begins with {HEADER}"
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
            f"{path}: distance must rise from line to line, and time must not fall; both begin at 0 or later"
        )
    if not GRID_M <= rows[-1, 0] <= LONGEST_M:
        raise UsageError(
            f"{path}: the lap ends at {rows[-1, 0]:g} m; a lap has {GRID_M:g} to {LONGEST_M:g} m"
        )
    return grid(rows[:, 0], rows[:, 1])


def write(path: Path, times_s: list[float]) -> None:
    """Write a grid as a reference lap; the file appears whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (f"{number * GRID_M:g},{time:.6f}" for number, time in enumerate(times_s))
    temporary = path.with_name(f".{path.name}")
    temporary.write_text("\n".join([HEADER, *rows]) + "\n")
    temporary.replace(path)
