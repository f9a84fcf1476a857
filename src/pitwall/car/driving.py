"""The simulated car and its driver: a 424-like electric car, and the speed that it reaches.

Quasi-steady state: speed over distance is limited by grip, power, drag and brakes. It follows from
the classic forward and backward passes within the friction ellipse (Milliken & Milliken, *Race Car
Vehicle Dynamics*, ch. 11).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from pitwall.car.circuit import Circuit

Array = NDArray[np.float64]

G = 9.80665
AIR_KG_M3 = 1.204
MASS_KG = 1250.0
GRIP = 1.55
"""Friction coefficient of the tyres, lateral and longitudinal."""
DRAG_AREA_M2 = 1.05
"""Drag coefficient times frontal area."""
LIFT_AREA_M2 = 4.6
"""Downforce coefficient times frontal area."""
ROLLING = 0.012
"""Coefficient of rolling resistance."""
POWER_W = 700e3
BRAKE_FORCE_N = 26e3
WHEEL_RADIUS_M = 0.345
GEAR_RATIO = 5.2
"""Turns of a motor for one of its wheels."""
WHEELBASE_M = 2.95
TRACK_M = 1.65
EFFICIENCY = 0.93
"""Share of the battery's power that reaches the wheels."""
REGENERATION = 0.45
"""Share of the braking power that goes back into the battery."""
STEERING_RATIO = 11.0
"""Angle of the steering wheel for one degree of the front wheels."""


class Driver:
    """The driver of one session: skill, and its variation lap by lap and corner by corner."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.pace = rng.normal(0.93, 0.02)

    def lap(self, road: Circuit, number: int) -> tuple[Array, Array]:
        """Shares (0 to 1) of grip and of power used on lap `number` (from 0), shape (points,)."""
        form = self.rng.normal(0, 0.014) - 0.018 * np.exp(-number)
        n = len(road.s_m)
        corners = self.rng.normal(0, 0.02, 12).repeat(-(-n // 12))[:n]
        grip = self.pace + form + gaussian_filter1d(corners, 60, mode="wrap")
        power = np.full(n, 0.97 + 0.5 * (self.pace - 0.93) + self.rng.normal(0, 0.006))
        return np.clip(grip, 0.82, 1.0), np.clip(power, 0.88, 1.0)


def speed_mps(road: Circuit, curvature: Array, grip: Array, power: Array, slope: Array) -> Array:
    """Speed in m/s over distance, within the limits of grip, power, drag and brakes.

    All arrays have shape (points,), one point a step of the road: `curvature` in 1/m, `grip` and
    `power` as shares (0 to 1), `slope` as rise over run.
    """
    step = road.s_m[1] - road.s_m[0]
    lift = 0.5 * AIR_KG_M3 * LIFT_AREA_M2
    drag = 0.5 * AIR_KG_M3 * DRAG_AREA_M2
    mu = GRIP * grip
    room = MASS_KG * np.abs(curvature) - mu * lift
    corner = np.where(room > 1e-3, np.sqrt(mu * MASS_KG * G / np.maximum(room, 1e-3)), 120.0)
    limit = np.minimum(corner, 100.0).tolist()
    curve, mu_, power_, slope_ = (
        (np.abs(curvature)).tolist(),
        mu.tolist(),
        power.tolist(),
        slope.tolist(),
    )

    def tyre(i: int, v: float) -> float:
        most = mu_[i] * (MASS_KG * G + lift * v * v)
        side = MASS_KG * v * v * curve[i]
        return float(max(0.0, most * most - side * side) ** 0.5)

    v = limit.copy()
    for i in range(1, len(v)):
        u = v[i - 1]
        pull = min(tyre(i - 1, u), POWER_W * power_[i - 1] / max(u, 5.0))
        net = pull - drag * u * u - MASS_KG * G * (ROLLING + slope_[i - 1])
        v[i] = min(limit[i], max(u * u + 2 * step * net / MASS_KG, 25.0) ** 0.5)
    for i in range(len(v) - 2, -1, -1):
        u = v[i + 1]
        brake = min(tyre(i + 1, u), BRAKE_FORCE_N)
        net = brake + drag * u * u + MASS_KG * G * (ROLLING + slope_[i + 1])
        v[i] = min(v[i], (u * u + 2 * step * net / MASS_KG) ** 0.5)
    return np.asarray(gaussian_filter1d(np.array(v), 4, mode="nearest"), dtype=np.float64)
