"""Units: the factors by which a value in another unit is brought to the channel's canonical one."""

from __future__ import annotations

from pitwall.channels.channel import Channel

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
"""Factors by canonical unit and other unit. On the wire no other unit is understood."""


def unit_factors(channel: Channel) -> dict[str, float]:
    """The factors to this channel's canonical unit, by the unit on the wire without its blanks."""
    return UNIT_FACTORS.get(channel.unit, {})
