"""The car's wire format: one message a tick, a JSON array with one object for each channel.

Also the two texts by which every part names a tick: its event time and its trace id.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import orjson

from pitwall.channels.channel import channel_id
from pitwall.channels.table import CHANNELS


class TickEncoder:
    """Encodes the ticks of one session. Everything but time and values is rendered once.

    `names` and `units` are display names and units of the channels, in the order of the values that
    `encode` takes; `rate_hz` is the session's tick rate.
    """

    def __init__(
        self, vehicle: str, session: str, names: Sequence[str], units: Sequence[str], rate_hz: float
    ) -> None:
        groups: dict[str, int] = {}
        channels = []
        for name in names:
            known = CHANNELS.get(channel_id(name))
            group = known.group if known else "Other"
            groups[group] = groups.get(group, 0) + 1
            channels.append((name, known, group))
        objects = []
        rate = f"{rate_hz:g} Hz"
        for (name, known, group), unit in zip(channels, units, strict=True):
            before = {"VehicleId": vehicle, "SessionId": session}
            between = {"ChannelId": channel_id(name), "ChannelName": name}
            after = {
                "ChannelUnit": f" {unit}" if unit else "",
                "ChannelMinValue": known.low if known else 0.0,
                "ChannelMaxValue": known.high if known else 0.0,
                "ChannelMultiplier": 1.0,
                "ChannelGroup": group,
                "ChannelCount": groups[group],
                "ExpectedFrequency": rate,
                "ActualFrequency": rate_hz,
                "UpdateInterval": 1,
                "FrequencyLabel": rate,
                "Semantic": known.semantic if known else "",
            }
            objects.append(
                f'  {{\n{self._fields(before)},\n    "Timestamp": %s,\n{self._fields(between)},\n'
                f'    "ChannelValue": %s,\n{self._fields(after)}\n  }}'
            )
        self._objects = objects
        self._template = "[\n" + ",\n".join(objects) + "\n]"

    @staticmethod
    def _fields(fields: Mapping[str, object]) -> str:
        lines = (f'    "{key}": {orjson.dumps(value).decode()}' for key, value in fields.items())
        return ",\n".join(lines).replace("%", "%%")

    def encode(self, time_s: float, values: Sequence[float]) -> bytes:
        """One message: `time_s` in seconds since session start, and a value for each channel.

        NaN and infinities are sent as the strings "NaN", "Infinity" and "-Infinity".
        """
        time = repr(time_s)
        flat: list[str] = []
        for value in values:
            flat.append(time)
            flat.append(repr(value) if value - value == 0.0 else _not_finite(value))
        return (self._template % tuple(flat)).encode()

    def encode_known(self, time_s: float, values: Sequence[float]) -> bytes:
        """One message that carries only the channels whose value is a number."""
        time = repr(time_s)
        known = [
            text % (time, repr(value) if value - value == 0.0 else _not_finite(value))
            for text, value in zip(self._objects, values, strict=True)
            if value == value
        ]
        return ("[\n" + ",\n".join(known) + "\n]").encode()


def _not_finite(value: float) -> str:
    return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'


def iso(time_us: int) -> str:
    """A time in microseconds since the epoch as ISO 8601 text with milliseconds, in UTC."""
    return (
        datetime.fromtimestamp(time_us // 1000 / 1000, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def trace_id(vehicle: str, session: str, event_time: str) -> str:
    """The trace id of a tick, 32 hexadecimal digits. `event_time` is the text that `iso` makes.

    Every part that knows the tick computes the same id, so that no message has to carry it.
    """
    return hashlib.blake2b(
        f"{vehicle}\x1f{session}\x1f{event_time}".encode(), digest_size=16
    ).hexdigest()
