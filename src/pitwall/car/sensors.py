"""What the simulated car's sensors measure: every channel of the table over a driven distance.

All channels follow from speed, road and forces, so that they agree with each other. Only small
sensor noise is added to those that a sensor would measure.
"""

from __future__ import annotations

import numpy as np

from pitwall.car.circuit import Circuit
from pitwall.car.driving import (
    AIR_KG_M3,
    BRAKE_FORCE_N,
    DRAG_AREA_M2,
    EFFICIENCY,
    GEAR_RATIO,
    GRIP,
    LIFT_AREA_M2,
    MASS_KG,
    POWER_W,
    REGENERATION,
    ROLLING,
    STEERING_RATIO,
    TRACK_M,
    WHEEL_RADIUS_M,
    WHEELBASE_M,
    Array,
    G,
)


def channels(
    road: Circuit, times: Array, travelled: Array, v: Array, hz: float, rng: np.random.Generator
) -> dict[str, Array]:
    """Every channel of the table by display name, in its canonical unit, shape (ticks,).

    `times` are seconds, `travelled` metres since the first crossing of the line, `v` the speed in
    m/s, each of shape (ticks,) at `hz` ticks a second. `rng` gives the noise.
    """
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
    measured = {
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
        measured[f"WheelSpin{corner}"] = (v * ratio + slip[corner] * throttle / 100) * 3.6
        measured[f"nWheel{corner}"] = wheel_rpm * ratio
        measured[f"SuspensionTravel{corner}"] = (
            25 + heave + side[corner] * 6 * roll + end[corner] * 5 * pitch
        )
    return {name: values + zero for name, values in measured.items()}


def _turn(road: Circuit) -> float:
    """Heading in radians that the car gains over one lap: a whole turn, in either direction."""
    return float(2 * np.pi * np.sign(road.curvature_per_m.sum()))
