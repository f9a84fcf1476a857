"""The built-in circuit: a closed road of four kilometres, with hairpins and long straights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

_CONTROL_M = np.array(
    [
        (0, 0),
        (300, -8),
        (620, -4),
        (820, 30),
        (890, 150),
        (810, 260),
        (640, 275),
        (560, 350),
        (620, 450),
        (790, 500),
        (960, 560),
        (990, 700),
        (880, 780),
        (680, 760),
        (480, 700),
        (330, 600),
        (250, 450),
        (120, 400),
        (-40, 450),
        (-190, 410),
        (-230, 270),
        (-160, 110),
    ],
    dtype=float,
)
"""Points on the centre line, x and z in metres; the start line is at the first."""


@dataclass(frozen=True)
class Circuit:
    """The centre line, a point about every metre. All arrays have shape (points,)."""

    length_m: float
    s_m: NDArray[np.float64]
    """Distance along the line, from 0 up to but without `length_m`."""
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    """Height."""
    z_m: NDArray[np.float64]
    heading_rad: NDArray[np.float64]
    curvature_per_m: NDArray[np.float64]
    """Positive in a right turn, as are yaw rate and lateral acceleration."""
    slope: NDArray[np.float64]
    """Rise over run."""


@cache
def circuit() -> Circuit:
    """The circuit: a periodic spline through the control points, resampled by arc length.

    It is computed once a process.
    """
    points = np.vstack([_CONTROL_M, _CONTROL_M[:1]])
    chord = np.r_[0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
    spline = CubicSpline(chord, points, bc_type="periodic")
    fine = np.linspace(0, chord[-1], 200_001)
    speed = np.hypot(*spline(fine, 1).T)
    arc = np.r_[0, np.cumsum(0.5 * (speed[1:] + speed[:-1]) * np.diff(fine))]
    length = float(arc[-1])
    s = np.arange(0, length, length / round(length))
    u = np.interp(s, arc, fine)
    (dx, dz), (ddx, ddz) = spline(u, 1).T, spline(u, 2).T
    curvature = (dx * ddz - dz * ddx) / (dx**2 + dz**2) ** 1.5
    phase = 2 * np.pi * s / length
    height = 12 * np.sin(phase) + 5 * np.sin(2 * phase + 1) + 2 * np.sin(5 * phase)
    slope = (
        2
        * np.pi
        / length
        * (12 * np.cos(phase) + 10 * np.cos(2 * phase + 1) + 10 * np.cos(5 * phase))
    )
    x, z = spline(u).T
    return Circuit(length, s, x, height, z, np.unwrap(np.arctan2(dx, dz)), -curvature, slope)
