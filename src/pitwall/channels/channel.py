"""The type of a channel: one quantity that a car measures, by the name that the car sends."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Channel:
    """A channel with its canonical unit and the range that its values are expected in.

    A vehicle's own channel is defined beside its features: `Channel("OilTemp", "°C", 0, 160)`.
    """

    name: str
    """Display name, e.g. `AccelerationLong`."""
    unit: str
    """Canonical unit, in which features are computed; empty for a number without a unit."""
    low: float
    """Lowest expected value, in the canonical unit."""
    high: float
    """Highest expected value, in the canonical unit."""
    group: str = "Other"
    """The part of the car that the channel is about, e.g. `Chassis`; sent with each message."""
    semantic: str = "Other"
    """The physical quantity, e.g. `Speed`; sent with each message."""
    aliases: tuple[str, ...] = ()
    """Ids of channels that mean the same in other exports, used where this one is missing."""

    @property
    def id(self) -> str:
        """The id on the wire: the name in capitals, e.g. `SPEED`."""
        return channel_id(self.name)

    @property
    def snake(self) -> str:
        """The name as it appears in feature names, e.g. `acceleration_long`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.name).lower()


def channel_id(name: str) -> str:
    """The wire id of a channel's display name: its letters and digits, in capitals."""
    return "".join(filter(str.isalnum, name)).upper()
