"""A session of any doubles, as the oracle takes it and as a car sends it."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence

from dryrun import Message
from random_formulas import CHANNELS

from pitwall.channels.channel import channel_id
from pitwall.features.oracle import Tick

IDS = [channel_id(name) for name in CHANNELS]
SESSION = "20260101-000000-maths"


def ticks_of(rows: Sequence[Sequence[float | None]], steps_us: Sequence[int]) -> list[Tick]:
    """Ticks as the oracle takes them; None for a channel that is not sent."""
    ticks = []
    time_us = 0
    for row, step_us in zip(rows, steps_us, strict=True):
        time_us += step_us
        values = {
            id: value if math.isfinite(value) else math.nan
            for id, value in zip(IDS, row, strict=True)
            if value is not None
        }
        ticks.append((time_us, values))
    return ticks


def messages(rows: Sequence[Sequence[float | None]], ticks: Sequence[Tick]) -> list[Message]:
    """The ticks as a car sends them, 20 ms of Kafka time apart."""
    words = {math.inf: "Infinity", -math.inf: "-Infinity"}
    steps = []
    for number, (row, (time_us, _)) in enumerate(zip(rows, ticks, strict=True)):
        samples = [
            {
                "VehicleId": "V",
                "SessionId": SESSION,
                "Timestamp": time_us / 1e6,
                "ChannelId": id,
                "ChannelValue": "NaN" if value != value else words.get(value, value),
                "ChannelUnit": "",
            }
            for id, value in zip((*IDS, "FRAME"), (*row, 1.0), strict=True)
            if value is not None
        ]
        at_ms = 1_000_000 + 3000 * number
        steps.append(Message(json.dumps(samples).encode(), at_ms, at_ms + 3, watermark=at_ms))
    return steps


def bits(values: Sequence[float | None]) -> list[bytes]:
    """The bits of each value, one word for all that are null."""
    return [b"null" if v is None or v != v else struct.pack(">d", v) for v in values]
