"""The channel table: every channel of the PERRINN 424 by id, with unit and expected range.

Other vehicles send other channels; nothing here limits what is accepted. It says what a channel *of this name* means,
so that a value in another unit can be brought to the one features are defined in. A vehicle's own channels are defined
beside its features: `Channel("OilTemp", "°C", 0, 160)`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from pitwall.errors import UsageError


@dataclass(frozen=True)
class Channel:
    """One channel: display name, canonical unit, expected range in that unit, and what it is about."""

    name: str
    unit: str
    low: float
    high: float
    group: str = "Other"
    semantic: str = "Other"
    aliases: tuple[str, ...] = ()
    """Ids of channels that mean the same in other exports; used where this one is missing."""

    @property
    def id(self) -> str:
        """The id on the wire: the name in capitals, e.g. `SPEED`."""
        return channel_id(self.name)

    @property
    def snake(self) -> str:
        """The name in feature names, e.g. `acceleration_long`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.name).lower()


def channel_id(name: str) -> str:
    """The wire id of a channel's display name."""
    return re.sub(r"[^A-Za-z0-9]", "", name).upper()


UNIT_FACTORS: dict[str, dict[str, float]] = {
    "km/h": {"m/s": 3.6, "mph": 1.609344},
    "m": {"km": 1000.0, "mm": 0.001},
    "km": {"m": 0.001},
    "mm": {"m": 1000.0},
    "G": {"m/s²": 1 / 9.80665, "m/s2": 1 / 9.80665, "m/s^2": 1 / 9.80665},
    "deg": {"rad": 57.29577951308232},
    "deg/s": {"rad/s": 57.29577951308232},
    "rpm": {"rad/s": 9.549296585513721},
    "kW": {"W": 0.001},
}
"""Canonical unit → other unit → factor. A unit not listed (or empty) is taken as canonical."""


def _wheels(
    name: str, unit: str, low: float, high: float, group: str, semantic: str
) -> list[Channel]:
    return [
        Channel(f"{name}{corner}", unit, low, high, group, semantic)
        for corner in ("FL", "FR", "RL", "RR")
    ]


def _axles(
    name: str, unit: str, low: float, high: float, group: str, semantic: str
) -> list[Channel]:
    return [
        Channel(f"{name}{axle}", unit, low, high, group, semantic) for axle in ("Front", "Rear")
    ]


TABLE: tuple[Channel, ...] = (
    Channel("Frame", "", 0, 1e9, "Session", "Count"),
    Channel("Time", "s", 0, 1e6, "Session", "Time"),
    Channel("Distance", "m", 0, 1e6, "Session", "Distance"),
    Channel("TotalTime", "s", 0, 1e6, "Session", "Time"),
    Channel("TotalDistance", "m", 0, 1e7, "Session", "Distance"),
    Channel("SegmentNum", "", 0, 1000, "Session", "Count"),
    Channel("Sector", "", 0, 100, "Session", "Count"),
    Channel("Markers", "", 0, 1000, "Session", "Count"),
    Channel("MarkerTime", "s", 0, 1e6, "Session", "Time"),
    Channel("MarkerFlag", "", 0, 100, "Session", "Count"),
    *(Channel(f"Position{axis}", "m", -20000, 20000, "Chassis", "Position") for axis in "XYZ"),
    *(Channel(f"Rotation{axis}", "deg", -360, 360, "Chassis", "Angle") for axis in "XYZ"),
    Channel("SteeringAngle", "deg", -400, 400, "Inputs", "Angle"),
    Channel("Throttle", "%", 0, 100, "Inputs", "Ratio"),
    Channel("Brake", "%", 0, 100, "Inputs", "Ratio"),
    Channel("Gear", "", -1, 8, "Inputs", "Gear"),
    Channel("Speed", "km/h", 0, 400, "Chassis", "Speed"),
    Channel("RawSteer", "", -10000, 10000, "Inputs", "Ratio"),
    Channel("RawThrottle", "", 0, 10000, "Inputs", "Ratio"),
    Channel("RawBrake", "", 0, 10000, "Inputs", "Ratio"),
    Channel("AutomaticGear", "", -1, 8, "Inputs", "Gear"),
    Channel("LapDistance", "m", 0, 100000, "Session", "Distance", aliases=("DISTANCE",)),
    *(
        Channel(f"Acceleration{axis}", "G", -6, 6, "Chassis", "Acceleration")
        for axis in ("Lat", "Long", "Vert")
    ),
    *_axles("PreEfficiencyPower", "kW", -1000, 1000, "Powertrain", "Power"),
    Channel("BatteryPower", "kW", -1500, 1500, "Powertrain", "Power"),
    Channel("BatteryPowerRMS", "kW", 0, 1500, "Powertrain", "Power"),
    Channel("BatteryNetEnergy", "kWh", -100, 100, "Powertrain", "Energy"),
    *_axles("MotorRpm", "rpm", 0, 20000, "Powertrain", "AngularVelocity"),
    *_axles("TorqueDiff", "Nm", -5000, 5000, "Powertrain", "Torque"),
    *_axles("MguRotorTorque", "Nm", -1000, 1000, "Powertrain", "Torque"),
    *_wheels("WheelSpin", "km/h", -400, 500, "Wheels", "Speed"),
    Channel("VelocityYaw", "deg/s", -120, 120, "Chassis", "AngularVelocity", aliases=("YAWRATE",)),
    *_wheels("SuspensionTravel", "mm", -100, 100, "Suspension", "Length"),
    *_wheels("nWheel", "rpm", -1000, 5000, "Wheels", "AngularVelocity"),
    Channel("AeroDrsPosition", "%", 0, 100, "Aero", "Ratio"),
    *_axles("AeroScz", "", 0, 10, "Aero", "Coefficient"),
    Channel("AeroScx", "", 0, 5, "Aero", "Coefficient"),
    Channel("AeroBalance", "%", 0, 100, "Aero", "Ratio"),
    *_axles("RideHeight", "mm", 0, 200, "Suspension", "Length"),
)

CHANNELS: dict[str, Channel] = {channel.id: channel for channel in TABLE}
"""By wire id."""


def resolve(channel: str | Channel) -> Channel:
    """The channel of the table with this display name, or the given one itself.

    Raises `UsageError` for an unknown name, and for a given channel that cannot stand beside the table's.
    """
    if isinstance(channel, str):
        try:
            return CHANNELS[channel_id(channel)]
        except KeyError:
            raise UsageError(
                f'channel {channel!r} is not in the channel table; give its definition: Channel("{channel}", unit, low, high)'
            ) from None
    if CHANNELS.get(channel.id, channel) != channel:
        raise UsageError(
            f"channel {channel.name!r} is in the channel table with other values; give its name instead, or rename yours"
        )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", channel.snake):
        raise UsageError(
            f"channel {channel.name!r} gives no feature names; use letters and digits, a letter first"
        )
    if not (
        math.isfinite(channel.low) and math.isfinite(channel.high) and channel.low < channel.high
    ):
        raise UsageError(
            f"channel {channel.name!r} has the range {channel.low} to {channel.high}; give two numbers, the lower first"
        )
    return channel


def union(*lists: tuple[Channel, ...]) -> tuple[Channel, ...]:
    """The table and after it the channels of the lists, each once. Raises `UsageError` where two contradict each other."""
    found = dict(CHANNELS)
    for channel in (channel for each in lists for channel in each):
        if found.setdefault(channel.id, channel) != channel:
            raise UsageError(
                f"channel {channel.name!r} is defined in two ways; define it once and use that"
            )
    stands_for: dict[str, str] = {}
    for channel in found.values():
        for alias in channel.aliases:
            if stands_for.setdefault(alias, channel.name) != channel.name:
                raise UsageError(
                    f"{alias!r} stands in for {stands_for[alias]!r} already; take it from the aliases of {channel.name!r}"
                )
    return tuple(found.values())


def unit_factors(channel: Channel) -> dict[str, float]:
    """Factors to the channel's canonical unit, by the unit as it comes on the wire (blanks stripped)."""
    return UNIT_FACTORS.get(channel.unit, {})
