"""The packets of the F1 games that have channels, in the formats of 2022 to 2025.

A packet begins with a header, and has the same fields for each of 22 cars. Numbers are
little-endian without gaps. The wheels stand as rear left, rear right, front left, front right.
Layouts from the makers' public pages.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pitwall.errors import WireError

CARS = 22
FORMATS = (2022, 2023, 2024, 2025)
HEADS = {2022: struct.Struct("<H3xBQfI2B"), 2023: struct.Struct("<H4xBQf2I2B")}
"""Format, packet, session, session time, frames, and the player's car; 2023 holds for later ones,
too. Versions of the game are left out."""
WHEELS = ("RL", "RR", "FL", "FR")
MOTION, SESSION, LAP, TELEMETRY, STATUS = 0, 1, 2, 6, 7
"""Numbers of the packets."""
SESSION_HEAD = struct.Struct("<Bbb")
"""Weather, and the temperatures of track and air; what follows is of the session's rules."""
MOTION_CAR = struct.Struct("<6f6h6f")
TELEMETRY_CAR = struct.Struct("<H3fBbH2BH4H4B4BH4f4B")
LAP_CARS = {
    2022: struct.Struct("<2I2H3f14B2HB"),
    2023: struct.Struct("<2I2xB2xB2H3f15B2HB"),
    2024: struct.Struct("<2I2xB2xB2xB2xB3f15B2HBfB"),
}
STATUS_CARS = {
    2022: struct.Struct("<5B3f2H2BH3BbfB3fB"),
    2023: struct.Struct("<5B3f2H2BH3Bb3fB3fB"),
}
TAILS = {MOTION: {2022: 120, 2023: 0}, LAP: {2022: 2}, TELEMETRY: {2022: 3}, STATUS: {2022: 0}}
"""Bytes behind the cars."""
CARS_OF = {
    MOTION: {2022: MOTION_CAR},
    LAP: LAP_CARS,
    TELEMETRY: {2022: TELEMETRY_CAR},
    STATUS: STATUS_CARS,
}


@dataclass(frozen=True)
class Head:
    """What every packet begins with."""

    format: int
    packet: int
    session: int
    """Number of the session, another one for each."""
    time_s: float
    """Time of the session. It falls back when the player rewinds it."""
    car: int
    """Place of the player's car in the arrays; 255 for a spectator."""
    bytes: int


def head_of(packet: bytes) -> Head:
    """The header of a packet. Raises `WireError` for one of another format or without sense."""
    if len(packet) < HEADS[2022].size:
        raise WireError("packet of a wrong length", f"{len(packet)} bytes, a header has 24 or 29")
    format = struct.unpack_from("<H", packet)[0]
    if format not in FORMATS:
        raise WireError(
            "packet of another format",
            f"format {format}, the formats {FORMATS[0]} to {FORMATS[-1]} are read; choose one of "
            "them in the game's telemetry settings",
        )
    head = _since(HEADS, format)
    if len(packet) < head.size:
        raise WireError("packet of a wrong length", f"{len(packet)} bytes, a header has 29")
    _, number, session, time_s, *_, car, _ = head.unpack_from(packet)
    if not 0 <= time_s < 1e6:
        raise WireError("packet without sense", f"the session's time is {time_s} s")
    return Head(format, number, session, time_s, car, head.size)


def car_of(packet: bytes, head: Head) -> tuple[Any, ...]:
    """The fields of the player's car. Raises `WireError` for a packet of another length."""
    car = _since(CARS_OF[head.packet], head.format)
    length = head.bytes + CARS * car.size + _since(TAILS[head.packet], head.format)
    if len(packet) != length:
        raise WireError(
            "packet of a wrong length",
            f"packet {head.packet} of {head.format} has {length} bytes, not {len(packet)}",
        )
    fields: tuple[Any, ...] = car.unpack_from(packet, head.bytes + head.car * car.size)
    return fields


@dataclass(frozen=True)
class Motion:
    """Where the player's car is and how it moves, in the axes of the world."""

    position: tuple[float, ...]
    velocity: tuple[float, ...]
    forward: tuple[float, ...]
    right: tuple[float, ...]
    """Directions of length 1."""
    vertical_g: float
    angles: tuple[float, ...]
    """Yaw, pitch and roll."""

    @classmethod
    def of(cls, fields: Sequence[Any]) -> Motion:
        """The motion of its fields, in the order of the packet."""
        turned = tuple(field / 32767 for field in fields[6:12])
        motion = (*fields[:3], *fields[3:6], *fields[14:18])
        _need_finite(motion)
        return cls(
            tuple(fields[:3]),
            tuple(fields[3:6]),
            turned[:3],
            turned[3:],
            fields[14],
            tuple(fields[15:18]),
        )


Values = tuple[tuple[str, ...], tuple[str, ...], tuple[float, ...]]
"""Names, units and values of channels."""


def session_values(packet: bytes, head: Head) -> Values:
    """The temperatures of a session packet. Raises `WireError` for one that is cut off."""
    if len(packet) < head.bytes + SESSION_HEAD.size:
        raise WireError("packet of a wrong length", f"{len(packet)} bytes of a session's packet")
    _, track, air = SESSION_HEAD.unpack_from(packet, head.bytes)
    return _channels(("TrackTemperature", "°C", track), ("AirTemperature", "°C", air))


def lap_values(fields: Sequence[Any], format: int) -> Values:
    """The channels of the player's lap."""
    at = {2022: 4, 2023: 6, 2024: 6}[min(format, 2024)]
    lap_m, total_m = fields[at : at + 2]
    place, lap, pits = fields[at + 3 : at + 6]
    _need_finite((lap_m, total_m))
    return _channels(
        ("LapDistance", "m", lap_m),
        ("TotalDistance", "m", total_m),
        ("LastLapTime", "s", fields[0] / 1000),
        ("CurrentLapTime", "s", fields[1] / 1000),
        ("LapNumber", "", lap),
        ("RacePosition", "", place),
        ("PitStatus", "", pits),
    )


def telemetry_values(fields: Sequence[Any], format: int) -> Values:
    """The channels of the player's car and wheels."""
    speed, throttle, steer, brake, clutch, gear, rpm, drs = fields[:8]
    brakes, surface, inner = fields[10:14], fields[14:18], fields[18:22]
    pressures = fields[23:27]
    _need_finite((throttle, steer, brake, *pressures))
    return _channels(
        ("Speed", "km/h", speed),
        ("Throttle", "%", 100 * throttle),
        ("Brake", "%", 100 * brake),
        ("Clutch", "%", clutch),
        ("Steer", "%", 100 * steer),
        ("Gear", "", gear),
        ("EngineRpm", "rpm", rpm),
        ("Drs", "", drs),
        ("EngineTemperature", "°C", fields[22]),
        *_wheels("BrakeTemperature", "°C", brakes),
        *_wheels("TyreTemperature", "°C", surface),
        *_wheels("TyreInnerTemperature", "°C", inner),
        *_wheels("TyrePressure", "psi", pressures),
    )


def status_values(fields: Sequence[Any], format: int) -> Values:
    """The channels of the player's fuel, tyres and energy store."""
    bias, fuel, laps = fields[3], fields[5], fields[7]
    compound, age = fields[13], fields[15]
    store, mode = (fields[17:19]) if format < 2023 else (fields[19:21])
    _need_finite((fuel, laps, store))
    return _channels(
        ("FuelMass", "kg", fuel),
        ("FuelLaps", "", laps),
        ("BrakeBias", "%", bias),
        ("TyreCompound", "", compound),
        ("TyreAgeLaps", "", age),
        ("ErsStore", "J", store),
        ("ErsDeployMode", "", mode),
    )


VALUES: dict[int, Callable[[Sequence[Any], int], Values]] = {
    LAP: lap_values,
    TELEMETRY: telemetry_values,
    STATUS: status_values,
}
"""The channels of the packets that need nothing but their own fields."""


def _wheels(name: str, unit: str, values: Sequence[float]) -> list[tuple[str, str, float]]:
    return [(name + wheel, unit, value) for wheel, value in zip(WHEELS, values, strict=True)]


def _channels(*channels: tuple[str, str, float]) -> Values:
    names, units, values = zip(*channels, strict=True)
    return names, units, tuple(map(float, values))


def _need_finite(values: Sequence[float]) -> None:
    if not all(map(math.isfinite, values)):
        raise WireError("packet without sense", "a speed, place or pressure is no finite number")


def _since(by_format: dict[int, Any], format: int) -> Any:
    """The entry of the newest format that is not newer than this one."""
    return by_format[max(known for known in by_format if known <= format)]
