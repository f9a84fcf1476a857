"""The type `Maths`: a channel that a formula computes of other channels."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pitwall.channels.channel import Channel

UNBOUNDED = sys.float_info.max
"""End of the range of a maths channel for which none is given."""
Step = tuple[str | int | float, ...]
"""A step of a formula: its name, and the places of the steps that it takes. The step `channel` has
the channel's id, and `number` the number."""


@dataclass(frozen=True)
class Maths(Channel):
    """A channel that no car sends: every engine computes it of other channels at each tick.

    It counts as sent in a tick where it has a value, and where all channels that it reads were
    sent. Made by `pitwall.features.maths(…)`, which checks the formula.
    """

    formula: str = ""
    """The formula as it is written."""
    steps: tuple[Step, ...] = ()
    """What it computes, each step of those before it; the last one is its value."""
    reads: tuple[Channel, ...] = ()
    """The channels that it names, each once; maths channels too."""
    condition: bool = False
    """Whether it is a condition: 1 where it holds, 0 where it does not."""

    @property
    def has_range(self) -> bool:
        """Whether an expected range was given."""
        return self.low > -UNBOUNDED or self.high < UNBOUNDED

    @cached_property
    def before(self) -> tuple[Maths, ...]:
        """All maths channels that it is computed of, in an order in which they can be computed."""
        found: dict[str, Maths] = {}
        for channel in self.reads:
            if isinstance(channel, Maths):
                found |= {inner.id: inner for inner in (*channel.before, channel)}
        return tuple(found.values())

    @cached_property
    def sent(self) -> tuple[Channel, ...]:
        """All channels of cars that it is computed of, each once."""
        every = (channel for maths in (*self.before, self) for channel in maths.reads)
        return tuple(dict.fromkeys(c for c in every if not isinstance(c, Maths)))

    @cached_property
    def key(self) -> str:
        """The id with 12 hexadecimal digits of what is computed: state under it goes on."""
        inner = {channel.id: channel.key for channel in self.reads if isinstance(channel, Maths)}
        text = json.dumps([self.steps, inner], sort_keys=True)
        return f"{self.id}={hashlib.sha256(text.encode()).hexdigest()[:12]}"

    @property
    def meaning(self) -> list[str | float]:
        """What it means, for digests: what is computed, in which unit and expected range."""
        return [self.key, self.unit, self.low, self.high]

    def in_plan(self) -> dict[str, Any]:
        """The channel as the operator's plan holds it."""
        return {
            "id": self.id,
            "key": self.key,
            "low": self.low,
            "high": self.high,
            "reads": [channel.id for channel in self.reads],
            "steps": [list(step) for step in self.steps],
        }
