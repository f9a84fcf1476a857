"""The built-in car: quasi-steady-state laps of a 424-like electric car, limited by grip, power, drag and brakes.

Speed over distance follows from the classic forward and backward passes within the friction ellipse (Milliken &
Milliken, *Race Car Vehicle Dynamics*, ch. 11). Every other channel follows from speed, road and forces, so that they
agree with each other; only small sensor noise is added to those a sensor would measure.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from pitwall.car.circuit import Circuit, circuit
from pitwall.car.session import DEFAULT_VEHICLE, Session
from pitwall.channels.table import TABLE

Array = NDArray[np.float64]

G = 9.80665
AIR_KG_M3 = 1.204
MASS_KG = 1250.0
GRIP = 1.55
"""Friction of the tyres, lateral and longitudinal."""
DRAG_AREA_M2 = 1.05
LIFT_AREA_M2 = 4.6
ROLLING = 0.012
POWER_W = 700e3
BRAKE_FORCE_N = 26e3
WHEEL_RADIUS_M = 0.345
GEAR_RATIO = 5.2
WHEELBASE_M = 2.95
TRACK_M = 1.65
EFFICIENCY = 0.93
REGENERATION = 0.45
"""Share of the braking power that goes back into the battery."""
STEERING_RATIO = 11.0


class _Driver:
    """Skill of one session and its variation lap by lap and corner by corner."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.pace = rng.normal(0.93, 0.02)

    def lap(self, road: Circuit, number: int) -> tuple[Array, Array]:
        """Shares of the grip and of the power used, over the road's points."""
        form = self.rng.normal(0, 0.014) - 0.018 * np.exp(-number)
        n = len(road.s_m)
        corners = self.rng.normal(0, 0.02, 12).repeat(-(-n // 12))[:n]
        grip = self.pace + form + gaussian_filter1d(corners, 60, mode="wrap")
        power = np.full(n, 0.97 + 0.5 * (self.pace - 0.93) + self.rng.normal(0, 0.006))
        return np.clip(grip, 0.82, 1.0), np.clip(power, 0.88, 1.0)


def _speed(road: Circuit, curvature: Array, grip: Array, power: Array, slope: Array) -> Array:
    """Speed (m/s) over distance, shape as `curvature`, within grip, power, drag and brakes."""
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


def simulate(
    *,
    laps: int,
    seed: int,
    hz: float = 50.0,
    vehicle: str = DEFAULT_VEHICLE,
    start: datetime | None = None,
    suffix: str = "simulation",
) -> Session:
    """One session of `laps` flying laps with all channels of the table, ending just past the line.

    The same arguments give the same session, bit for bit. `start` names the session (default: 2026-01-01 plus `seed`
    minutes).
    """
    road = circuit()
    rng = np.random.default_rng(seed)
    driver = _Driver(rng)
    n = len(road.s_m)
    run_in, run_out = 400, 60
    grips, powers = zip(*(driver.lap(road, number) for number in range(laps)), strict=True)
    index = np.r_[np.arange(n - run_in, n), np.tile(np.arange(n), laps), np.arange(run_out)]
    grip = np.r_[grips[0][-run_in:], np.concatenate(grips), grips[-1][:run_out]]
    power = np.r_[powers[0][-run_in:], np.concatenate(powers), powers[-1][:run_out]]
    speed = _speed(
        road, road.curvature_per_m[index], gaussian_filter1d(grip, 30), power, road.slope[index]
    )
    step = road.length_m / n
    s_grid = np.arange(len(index)) * step
    t_grid = np.r_[0, np.cumsum(step / (0.5 * (speed[1:] + speed[:-1])))]
    t_line = t_grid[run_in]
    times = np.arange(0, t_grid[-1] - t_line, 1 / hz)
    travelled = np.interp(times + t_line, t_grid, s_grid) - run_in * step
    v = np.interp(times + t_line, t_grid, speed)
    values = _channels(road, times, travelled, v, hz, rng)
    if start is None:
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=seed)
    columns = [values[channel.name] for channel in TABLE]
    return Session(
        vehicle,
        f"{start:%Y%m%d-%H%M%S}-{suffix}",
        tuple(channel.name for channel in TABLE),
        tuple(channel.unit for channel in TABLE),
        np.asarray(np.round(times, 6), dtype=np.float64),
        np.column_stack(columns),
    )


def _channels(
    road: Circuit, times: Array, travelled: Array, v: Array, hz: float, rng: np.random.Generator
) -> dict[str, Array]:
    n = len(times)
    lap = np.floor(travelled / road.length_m)
    on_lap = travelled - lap * road.length_m

    def over(values: Array) -> Array:
        return np.interp(on_lap, np.r_[road.s_m, road.length_m], np.r_[values, values[0]])

    def noise(scale: float) -> Array:
        return rng.normal(0, scale, n)

    curvature, slope = over(road.curvature_per_m), over(road.slope)
    heading = np.interp(
        on_lap,
        np.r_[road.s_m, road.length_m],
        np.r_[road.heading_rad, road.heading_rad[0] + _turn(road)],
    )
    accel = np.gradient(v, times)
    yaw = v * curvature
    lateral = v * yaw
    drag = 0.5 * AIR_KG_M3 * DRAG_AREA_M2 * v**2
    down = 0.5 * AIR_KG_M3 * LIFT_AREA_M2 * v**2
    force = MASS_KG * accel + drag + MASS_KG * G * (ROLLING + slope)
    pull_limit = np.minimum(GRIP * (MASS_KG * G + down), POWER_W / np.maximum(v, 5))
    throttle = np.clip(100 * force / pull_limit, 0, 100)
    brake = np.clip(-100 * force / BRAKE_FORCE_N, 0, 100)
    drive_w = np.where(force > 0, force * v / EFFICIENCY, force * v * REGENERATION)
    energy_kwh = np.r_[0, np.cumsum(0.5 * (drive_w[1:] + drive_w[:-1]) * np.diff(times))] / 3.6e6
    rms = np.sqrt(np.cumsum((drive_w / 1e3) ** 2) / np.arange(1, n + 1))
    steering = np.degrees(np.arctan(WHEELBASE_M * curvature) * STEERING_RATIO * (1 + 1.2e-4 * v**2))
    wheel_rpm = v / (2 * np.pi * WHEEL_RADIUS_M) * 60
    slip = {"FL": 0.2, "FR": 0.2, "RL": 0.4, "RR": 0.4}
    torque = np.clip(force, -8000, None) * WHEEL_RADIUS_M / GEAR_RATIO
    differential = MASS_KG * 0.02 * lateral
    roll, pitch = lateral / G, accel / G
    heave = down / (4 * 180e3) * 1e3
    side = {"FL": 1, "FR": -1, "RL": 1, "RR": -1}
    end = {"FL": -1, "FR": -1, "RL": 1, "RR": 1}
    drs = np.where((v > 60) & (np.abs(lateral) < 0.4 * G) & (throttle > 90), 100.0, 0.0)
    sector = np.floor(3 * on_lap / road.length_m)
    total_m = travelled - travelled[0]
    lap_start = np.array(
        [
            times[lap == number][0] if (lap == number).any() else 0.0
            for number in range(int(lap[-1]) + 1)
        ]
    )
    lap_time = times - lap_start[lap.astype(int)]
    vertical = np.gradient(np.gradient(over(road.y_m), times), times)
    zero = np.zeros(n)
    one = np.ones(n)
    channels = {
        "Frame": np.round(times * hz),
        "Time": lap_time,
        "Distance": on_lap,
        "TotalTime": times,
        "TotalDistance": total_m,
        "SegmentNum": np.floor(12 * on_lap / road.length_m),
        "Sector": sector,
        "Markers": lap * 3 + sector,
        "MarkerTime": lap_time,
        "MarkerFlag": (np.diff(sector, prepend=sector[0]) != 0).astype(float),
        "PositionX": over(road.x_m),
        "PositionY": over(road.y_m),
        "PositionZ": over(road.z_m),
        "RotationX": -np.degrees(np.arctan(slope)) - pitch,
        "RotationY": np.degrees(heading) % 360,
        "RotationZ": roll,
        "SteeringAngle": steering + noise(0.15),
        "Throttle": throttle,
        "Brake": brake,
        "Gear": one,
        "Speed": v * 3.6,
        "RawSteer": np.round(steering * 27.7),
        "RawThrottle": np.round(throttle * 10),
        "RawBrake": np.round(brake * 10),
        "AutomaticGear": one,
        "LapDistance": on_lap,
        "AccelerationLat": lateral / G + noise(0.01),
        "AccelerationLong": accel / G + noise(0.01),
        "AccelerationVert": np.clip(vertical / G, -3, 3) + noise(0.02) * (1 + v / 40),
        "PreEfficiencyPowerFront": 0.4 * force * v / 1e3,
        "PreEfficiencyPowerRear": 0.6 * force * v / 1e3,
        "BatteryPower": drive_w / 1e3,
        "BatteryPowerRMS": rms,
        "BatteryNetEnergy": energy_kwh,
        "MotorRpmFront": wheel_rpm * GEAR_RATIO,
        "MotorRpmRear": wheel_rpm * GEAR_RATIO * (1 + 0.01 * throttle / 100),
        "TorqueDiffFront": differential * 0.4,
        "TorqueDiffRear": differential * 0.6,
        "MguRotorTorqueFront": 0.4 * torque,
        "MguRotorTorqueRear": 0.6 * torque,
        "VelocityYaw": np.degrees(yaw) + noise(0.05),
        "AeroDrsPosition": drs,
        "AeroSczFront": one * 0.42 * LIFT_AREA_M2,
        "AeroSczRear": (0.58 - 0.05 * drs / 100) * LIFT_AREA_M2,
        "AeroScx": DRAG_AREA_M2 * (1 - 0.04 * drs / 100),
        "AeroBalance": 42.0 + 2.0 * drs / 100,
        "RideHeightFront": 60 - heave - 3 * pitch,
        "RideHeightRear": 65 - heave + 3 * pitch,
    }
    for corner in ("FL", "FR", "RL", "RR"):
        ratio = 1 + side[corner] * TRACK_M / 2 * curvature
        channels[f"WheelSpin{corner}"] = (v * ratio + slip[corner] * throttle / 100) * 3.6
        channels[f"nWheel{corner}"] = wheel_rpm * ratio
        channels[f"SuspensionTravel{corner}"] = (
            25 + heave + side[corner] * 6 * roll + end[corner] * 5 * pitch
        )
    return {name: values + zero for name, values in channels.items()}


def _turn(road: Circuit) -> float:
    """Heading gained over one lap, a whole turn in either direction."""
    return float(2 * np.pi * np.sign(road.curvature_per_m.sum()))
