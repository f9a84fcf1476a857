"""Damaged messages of every topic that Python reads, from a fixed seed."""

from __future__ import annotations

import json
import math
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

DOUBLES = (0.0, -0.0, -200.0, -450.0, 1e-300, 1e300, -1e300, 1e6, math.nan, math.inf, -math.inf)
INTEGERS = (0, -1, 1 << 31, 1 << 62, -(1 << 63), (1 << 63) - 1)
JSON_VALUES = (
    *("x", "", "NaN", "2026-01-01T00:00:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"),
    *(None, True, False, 0, -1, 1.5, 1e308, 10**400, math.nan, math.inf, -math.inf),
    *([], {}, [None], [[[[]]]], {"a": {"b": 1}}, '\x00\n"\\', "\ud800", "é" * 500),
)


@dataclass
class Message:
    """One record as confluent_kafka gives it."""

    topic_name: str
    value_bytes: bytes | None
    key_bytes: bytes | None = b"session"
    header_list: list[tuple[str, bytes | None]] | None = None
    offset_number: int = field(default=0)

    def topic(self) -> str:
        return self.topic_name

    def value(self) -> bytes | None:
        return self.value_bytes

    def key(self) -> bytes | None:
        return self.key_bytes

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return self.header_list

    def error(self) -> None:
        return None

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.offset_number

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_767_225_600_000


def any_bytes(dice: random.Random, good: bytes) -> bytes | None:
    """Damage of the bytes themselves: cut, flipped, overwritten, doubled, empty, null, large."""
    kind = dice.randrange(8)
    data = bytearray(good)
    if kind == 0:
        return good[: dice.randrange(len(good) + 1)]
    if kind == 1:
        for _ in range(dice.choice((1, 2, 20))):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    elif kind == 2:
        at, length = dice.randrange(len(data)), dice.choice((1, 2, 8, 64))
        data[at : at + length] = dice.choice((bytes(length), b"\xff" * length))
    elif kind == 3:
        return dice.choice((None, b"", b"x", b"null", b"[]", b"{}", b"[" * 50_000, b"\xff" * 9))
    elif kind == 4:
        return good + dice.choice((good, b"\x00", b"}", dice.randbytes(30)))
    elif kind == 5 and dice.random() < 0.02:
        return good + b" " * 2_000_000
    elif kind == 6:
        return good[dice.randrange(len(good) + 1) :]
    return bytes(data)


def packed_row(dice: random.Random, good: bytes, columns: int) -> bytes | None:
    """A damaged record of the features topic, which has this number of columns."""
    if dice.random() < 0.4:
        return any_bytes(dice, good)
    data = bytearray(good)
    for _ in range(dice.choice((1, 1, 3, 30))):
        if dice.random() < 0.1:
            struct.pack_into("<q", data, dice.choice((8, 16)), dice.choice(INTEGERS))
        else:
            struct.pack_into("<d", data, 24 + 8 * dice.randrange(columns), dice.choice(DOUBLES))
    return bytes(data)


def json_object(dice: random.Random, good: bytes) -> bytes | None:
    """A damaged JSON object: keys without their value, or with another one, of any type."""
    if dice.random() < 0.4:
        return any_bytes(dice, good)
    fields = json.loads(good)
    for _ in range(dice.choice((1, 1, 2, 5))):
        name = dice.choice(list(fields) or ["x"])
        if dice.random() < 0.2:
            fields.pop(name, None)
        else:
            fields[name] = dice.choice(JSON_VALUES)
    return json.dumps(fields, ensure_ascii=dice.random() < 0.5).encode(errors="surrogatepass")


def damaged(
    count: int,
    seed: int,
    damage: Callable[[random.Random], Message],
    good: Callable[[int], Message],
) -> Iterator[Message]:
    """So many messages, of which every fifth is a good one."""
    dice = random.Random(seed)
    for number in range(count):
        message = good(number) if number % 5 == 0 else damage(dice)
        message.offset_number = number
        yield message
