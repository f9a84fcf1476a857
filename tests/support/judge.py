"""The wire format in plain Python: what a message of the car means, or that it is bad. Shares
nothing with the Java.

Where JSON parsers differ, this is the rule: UTF-8 without overlong forms or surrogates, one byte
order mark at the beginning passed over; RFC 8259 to the letter (no bare NaN, no control characters
in strings, nothing behind the array); a key that comes twice must be right each time and the last
one counts, which is also how unknown keys of any shape are ignored; numbers are the nearest double,
-0 keeps its sign, and what is beyond a double is infinite.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

MAX_BYTES = 16 << 20
MAX_SESSIONS = 100
MAX_CHANNELS = 10_000
MAX_TEXT = 200
MAX_KEY = 1000
MAX_DEPTH = 100
MAX_NUMBER = 1000
WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Bad(Exception):
    """The message belongs in the dead letters."""


@dataclass
class Tick:
    """One tick of a message: samples (channel, value) in the message's order; `~` before a channel
    that is stood in for.
    """

    vehicle: str
    session: str
    start_us: int
    time_us: int
    samples: list[tuple[str, bytes]] = field(default_factory=list)
    """Values as eight bytes, so that equal means the very same."""


class Pairs(list[tuple[str, Any]]):
    """A JSON object with its keys in order, each as often as it comes."""


def _number(text: str) -> float:
    if len(text) > MAX_NUMBER:
        raise Bad("long number")
    return float(text)


def _no(text: str) -> None:
    raise Bad(text)


DECODER = json.JSONDecoder(
    object_pairs_hook=Pairs, parse_float=_number, parse_int=_number, parse_constant=_no
)


def units(text: str) -> int:
    """Length in UTF-16."""
    return len(text) + sum(c > "\uffff" for c in text)


class Judge:
    """Judges messages against the channels of a feature set's plan."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self.factors: dict[str, dict[str, float]] = {
            c["id"]: c["factors"] for c in plan["channels"]
        }
        self.stands_for = {alias: c["id"] for c in plan["channels"] for alias in c["aliases"]}

    def ticks(self, message: bytes) -> list[Tick]:
        """The ticks of a message. Raises `Bad`."""
        if len(message) > MAX_BYTES:
            raise Bad("too many bytes")
        try:
            text = message.decode("utf-8", "strict").removeprefix("\ufeff")
            value = DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            raise Bad(str(error)) from error
        if not isinstance(value, list) or isinstance(value, Pairs) or not value:
            raise Bad("no array with a channel")
        if len(value) > MAX_CHANNELS:
            raise Bad("too many channels")
        self._limits(value)
        ticks: dict[tuple[str, str, int], Tick] = {}
        for element in value:
            self._channel(element, ticks)
        if len({(vehicle, session) for vehicle, session, _ in ticks}) > MAX_SESSIONS:
            raise Bad("too many sessions")
        return list(ticks.values())

    @staticmethod
    def _limits(value: list[Any]) -> None:
        level: list[Any] = [value]
        for _ in range(MAX_DEPTH):
            below: list[Any] = []
            for each in level:
                if isinstance(each, Pairs):
                    for key, child in each:
                        if len(key) * 2 > MAX_KEY and units(key) > MAX_KEY:
                            raise Bad("long key")
                        if isinstance(child, list):
                            below.append(child)
                else:
                    below += [child for child in each if isinstance(child, list)]
            if not below:
                return
            level = below
        raise Bad("too deep")

    def _channel(self, element: Any, ticks: dict[tuple[str, str, int], Tick]) -> None:
        if not isinstance(element, Pairs):
            raise Bad("no object")
        texts: dict[str, str | None] = {}
        time = None
        value = math.nan
        for key, given in element:
            if key in ("VehicleId", "SessionId", "ChannelId"):
                if not given:
                    raise Bad("empty id")
                texts[key] = self._text(given)
            elif key == "ChannelUnit":
                texts[key] = None if given is None else self._text(given)
            elif key == "Timestamp":
                time = self._value(given)
            elif key == "ChannelValue":
                value = math.nan if given is None else self._value(given)
        vehicle, session, channel = (
            texts.get(key) for key in ("VehicleId", "SessionId", "ChannelId")
        )
        if vehicle is None or session is None or channel is None or time is None:
            raise Bad("something is missing")
        if not math.isfinite(time) or abs(time) * 1e6 > 366 * 86400e6:
            raise Bad("no time")
        micros = time * 1e6
        whole = math.floor(micros)
        time_us = whole + (micros - whole >= 0.5)
        tick = ticks.setdefault(
            (vehicle, session, time_us), Tick(vehicle, session, self._start_us(session), time_us)
        )
        unit = (texts.get("ChannelUnit") or "").strip(" ")
        stands_for = self.stands_for.get(channel)
        if channel not in self.factors and stands_for is None:
            tick.samples.append((channel, self._canonical(value, 1.0)))
            return
        understood = [
            (name, self.factors[known][unit] if unit else 1.0)
            for name, known in ((channel, channel), (f"~{stands_for}", stands_for))
            if known in self.factors and (not unit or unit in self.factors[known])
        ]
        # A unit that is not understood: the channel is kept aside, in that unit.
        for name, factor in understood or [(f"{channel} [{unit}]", 1.0)]:
            tick.samples.append((name, self._canonical(value, factor)))

    @staticmethod
    def _canonical(value: float, factor: float) -> bytes:
        value *= factor
        return struct.pack("<d", value) if math.isfinite(value) else b"NaN"

    @staticmethod
    def _text(given: Any) -> str:
        if (
            not isinstance(given, str)
            or units(given) > MAX_TEXT
            or any(c < " " or "\ud800" <= c <= "\udfff" for c in given)
        ):
            raise Bad("no text")
        return given

    @staticmethod
    def _value(given: Any) -> float:
        if isinstance(given, float):
            return given
        if isinstance(given, str) and given in WORDS:
            return WORDS[given]
        raise Bad("no number")

    @staticmethod
    def _start_us(session: str) -> int:
        digits = session[:8] + session[9:15]
        if not (
            len(session) >= 15
            and session[8] == "-"
            and session[15:16] in ("", "-")
            and digits.isascii()
            and digits.isdigit()
        ):
            raise Bad("no session")
        try:
            start = datetime(
                *(
                    int(digits[a:b])
                    for a, b in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14))
                ),
                tzinfo=UTC,
            )
        except ValueError as error:
            raise Bad("no session") from error
        if not 1970 <= start.year < 2200:
            raise Bad("no year of a car")
        delta = start - EPOCH
        return (delta.days * 86400 + delta.seconds) * 1_000_000
