"""The channels of Forza's packets: which field is which channel, in which unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WHEELS = ("FL", "FR", "RL", "RR")


def _wheels(name: str, unit: str) -> list[tuple[str, str]]:
    return [(f"{name}{wheel}", unit) for wheel in WHEELS]


SLED_CHANNELS: tuple[tuple[str, str], ...] = (
    ("Speed", "m/s"),
    ("EngineRpm", "rpm"),
    ("AccelerationLat", "m/s²"),
    ("AccelerationVert", "m/s²"),
    ("AccelerationLong", "m/s²"),
    ("VelocityYaw", "rad/s"),
    ("Yaw", "rad"),
    ("Pitch", "rad"),
    ("Roll", "rad"),
    *_wheels("TireSlipRatio", ""),
    *_wheels("nWheel", "rad/s"),
    *_wheels("TireSlipAngle", ""),
    *_wheels("SuspensionTravel", "m"),
)
"""Name and unit of `Sled.values`. Forza gives slip as a share of the slip at the limit of grip."""
DASH_CHANNELS: tuple[tuple[str, str], ...] = (
    ("LapDistance", "m"),
    ("PositionX", "m"),
    ("PositionY", "m"),
    ("PositionZ", "m"),
    ("EnginePower", "W"),
    ("EngineTorque", "Nm"),
    ("Fuel", "%"),
    ("CurrentLapTime", "s"),
    ("LastLapTime", "s"),
    ("LapNumber", ""),
    ("RacePosition", ""),
    ("Throttle", "%"),
    ("Brake", "%"),
    ("Clutch", "%"),
    ("HandBrake", "%"),
    ("Gear", ""),
    ("Steer", "%"),
)
"""Name and unit of the lap distance and of `Dash.values`. Full steering to the right is 100 %."""
REVERSE, NEUTRAL = 0, 11
"""Forza's numbers of these gears. In the channel table they are -1 and 0."""


@dataclass(frozen=True)
class Sled:
    """What every packet holds."""

    is_race_on: int
    clock_ms: int
    motion: tuple[float, ...]
    """Acceleration and velocity along the three axes."""
    car: int
    """Number of the car's model."""
    values: tuple[float, ...]
    """In the order of `SLED_CHANNELS`."""

    @classmethod
    def of(cls, fields: Sequence[Any]) -> Sled:
        """The sled of its fields, in the order of the packet."""
        rpm, acceleration, velocity = fields[4], fields[5:8], fields[8:11]
        yaw_rate, angles = fields[12], fields[14:17]
        slip_ratio, wheels = fields[21:25], fields[25:29]
        slip_angle, travel = fields[41:45], fields[49:53]
        speed = math.hypot(*velocity)
        return cls(
            fields[0],
            fields[1],
            (*acceleration, *velocity),
            fields[53],
            (
                speed,
                rpm,
                *acceleration,
                yaw_rate,
                *angles,
                *slip_ratio,
                *wheels,
                *slip_angle,
                *travel,
            ),
        )


@dataclass(frozen=True)
class Dash:
    """What a packet with the dash holds besides."""

    position: tuple[float, ...]
    """Along the three axes, the speed (m/s) and the distance (m)."""
    speed_mps: float
    distance_m: float
    """Since the start of the race."""
    lap_s: float
    race_s: float
    lap: int
    """Laps ended."""
    values: tuple[float, ...]
    """In the order of `DASH_CHANNELS`, without the lap distance."""

    @classmethod
    def of(cls, fields: Sequence[Any]) -> Dash:
        """The dash of its fields, in the order of the packet."""
        position, speed, power, torque = fields[:3], fields[3], fields[4], fields[5]
        fuel, distance = fields[11], fields[12]
        last_lap, lap_s, race_s = fields[14:17]
        lap, place, throttle, brake, clutch, hand_brake, gear, steer = fields[17:25]
        pedals = [100 * pedal / 255 for pedal in (throttle, brake, clutch, hand_brake)]
        number = {REVERSE: -1, NEUTRAL: 0}.get(gear, gear)
        return cls(
            (*position, speed, distance),
            speed,
            distance,
            lap_s,
            race_s,
            lap,
            (
                *position,
                power,
                torque,
                100 * fuel,
                lap_s,
                last_lap,
                float(lap),
                float(place),
                *pedals,
                float(number),
                100 * steer / 127,
            ),
        )
