"""The channel table: every channel of the PERRINN 424 by id, and those that other cars often send.

The table limits nothing: a vehicle may send any other channel, and all are accepted. It says what a
channel *of this name* means, so that a value in another unit can be brought to the one that
features are defined in.
"""

from __future__ import annotations

import math
import re

from pitwall.channels.channel import Channel, channel_id
from pitwall.errors import UsageError


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

OTHER_CARS: tuple[Channel, ...] = (
    Channel("Latitude", "deg", -90, 90, "Position", "Angle"),
    Channel("Longitude", "deg", -180, 180, "Position", "Angle"),
    Channel("Altitude", "m", -500, 9000, "Position", "Length"),
    Channel("HeadingAngle", "deg", -360, 360, "Position", "Angle"),
    Channel("Satellites", "", 0, 100, "Position", "Count"),
    Channel("VelocityRoll", "deg/s", -300, 300, "Chassis", "AngularVelocity"),
    Channel("VelocityPitch", "deg/s", -300, 300, "Chassis", "AngularVelocity"),
    Channel("Clutch", "%", 0, 100, "Inputs", "Ratio"),
    Channel("ThrottlePlate", "%", 0, 100, "Powertrain", "Ratio"),
    Channel("EngineRpm", "rpm", 0, 20000, "Powertrain", "AngularVelocity"),
    Channel("EngineTorque", "Nm", -500, 2000, "Powertrain", "Torque"),
    Channel("EnginePower", "kW", -500, 1500, "Powertrain", "Power"),
    Channel("WaterTemperature", "°C", -40, 150, "Powertrain", "Temperature"),
    Channel("OilTemperature", "°C", -40, 200, "Powertrain", "Temperature"),
    Channel("FuelTemperature", "°C", -40, 150, "Powertrain", "Temperature"),
    Channel("GearboxTemperature", "°C", -40, 200, "Powertrain", "Temperature"),
    Channel("IntakeTemperature", "°C", -40, 150, "Powertrain", "Temperature"),
    Channel("ExhaustTemperature", "°C", -40, 1200, "Powertrain", "Temperature"),
    Channel("AirTemperature", "°C", -40, 80, "Weather", "Temperature"),
    Channel("TrackTemperature", "°C", -40, 100, "Weather", "Temperature"),
    Channel("AirPressure", "kPa", 50, 120, "Weather", "Pressure"),
    Channel("OilPressure", "kPa", 0, 1500, "Powertrain", "Pressure"),
    Channel("FuelPressure", "kPa", 0, 1500, "Powertrain", "Pressure"),
    Channel("ManifoldPressure", "kPa", 0, 500, "Powertrain", "Pressure"),
    *_axles("BrakePressure", "bar", 0, 250, "Brakes", "Pressure"),
    *_wheels("BrakeTemperature", "°C", -40, 1200, "Brakes", "Temperature"),
    *_wheels("TyreTemperature", "°C", -40, 200, "Wheels", "Temperature"),
    *_wheels("TyrePressure", "kPa", 0, 500, "Wheels", "Pressure"),
    *_wheels("WheelSpeed", "km/h", -400, 500, "Wheels", "Speed"),
    Channel("FuelLevel", "l", 0, 300, "Powertrain", "Volume"),
    Channel("BatteryVoltage", "V", 0, 1000, "Powertrain", "Voltage"),
)
"""Channels that the 424 does not send and other cars do."""

CHANNELS: dict[str, Channel] = {channel.id: channel for channel in (*TABLE, *OTHER_CARS)}
"""Both tables by wire id."""


def resolve(channel: str | Channel) -> Channel:
    """The table's channel of this display name, or the given channel itself.

    Raises `UsageError` when the table has no such name, when a given channel differs from the
    table's channel of its id, when its name makes no feature name, and when its range is not two
    finite numbers in rising order.
    """
    if isinstance(channel, str):
        try:
            return CHANNELS[channel_id(channel)]
        except KeyError:
            raise UsageError(
                f"channel {channel!r} is not in the channel table; give its definition: "
                f'Channel("{channel}", unit, low, high)'
            ) from None
    if CHANNELS.get(channel.id, channel) != channel:
        raise UsageError(
            f"channel {channel.name!r} is in the channel table with other values; "
            "give its name instead, or rename yours"
        )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", channel.snake):
        raise UsageError(
            f"channel {channel.name!r} makes no feature name; "
            "use letters and digits, a letter first"
        )
    if not (
        math.isfinite(channel.low) and math.isfinite(channel.high) and channel.low < channel.high
    ):
        raise UsageError(
            f"channel {channel.name!r} has the range {channel.low} to {channel.high}; "
            "give two numbers, the lower first"
        )
    return channel


def union(*own: tuple[Channel, ...]) -> tuple[Channel, ...]:
    """The table's channels, and after them the vehicles' `own` channels, each id once.

    Raises `UsageError` when two channels of one id differ, and when two channels have one alias.
    """
    by_id = dict(CHANNELS)
    for channel in (channel for channels in own for channel in channels):
        if by_id.setdefault(channel.id, channel) != channel:
            raise UsageError(
                f"channel {channel.name!r} is defined in two ways; define it once and use that"
            )
    alias_of: dict[str, str] = {}
    for channel in by_id.values():
        for alias in channel.aliases:
            if alias_of.setdefault(alias, channel.name) != channel.name:
                raise UsageError(
                    f"{alias!r} is an alias of {alias_of[alias]!r} already; "
                    f"take it from the aliases of {channel.name!r}"
                )
    return tuple(by_id.values())
