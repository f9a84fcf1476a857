"""The type `Feature`: one column of a feature view, and how it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pitwall.channels.channel import Channel
from pitwall.channels.table import CHANNELS
from pitwall.features.kinds import OF_ONE_SECTOR, WITH_THRESHOLD, Kind
from pitwall.features.maths.channel import Maths


@dataclass(frozen=True)
class Feature:
    """One feature: a column of 64-bit floats, null where it has no value."""

    name: str
    kind: Kind
    unit: str
    """Unit of the feature's values; empty for a number without a unit."""
    channel: str | None = None
    """Wire id of the channel it is computed from; None for a kind that needs none."""
    window_s: float = 0.0
    """Length of the window, or age of the lagged value, in seconds of session time."""
    argument: float = 0.0
    """The kind's own number: a threshold in the channel's unit, or the number of a sector."""
    reference: str | None = None
    """Name of the reference lap that it compares with."""
    own: Channel | None = None
    """The definition of its channel, where the channel table has none."""
    sectors: int = 0
    """Number of sectors that the definition divides a lap into; 0 where it does not say."""

    @property
    def is_channel(self) -> bool:
        """Whether it is the newest value of a channel that the car sends."""
        return self.kind is Kind.LAST and not isinstance(self.own, Maths)

    @property
    def description(self) -> str:
        """The definition in one line, for documentation."""
        parts = [self.kind.meaning]
        if self.channel:
            parts.append(f"of {(self.own or CHANNELS[self.channel]).name}")
        if isinstance(self.own, Maths):
            parts.append(f"= {' '.join(self.own.formula.split())}")
        if self.window_s:
            parts.append(f"({self.window_s:g} s)")
        if self.kind in WITH_THRESHOLD:
            parts.append(f"(threshold {self.argument:g})")
        if self.kind in OF_ONE_SECTOR:
            parts.append(f"(sector {self.argument:g})")
        if self.reference:
            parts.append(f"({self.reference})")
        return " ".join(parts)

    def in_plan(self) -> dict[str, Any]:
        """The feature as the operator's plan and the digest hold it, its window in microseconds."""
        return {
            "name": self.name,
            "kind": self.kind.value,
            "channel": self.channel,
            "window_us": round(self.window_s * 1e6),
            "argument": self.argument,
            **({"reference": self.reference} if self.reference else {}),
        }
