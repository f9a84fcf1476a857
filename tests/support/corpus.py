"""Messages as cars send them, and as nothing should: generated and mutated from a fixed seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

SESSIONS = [
    ("car", "20220217-214226-development"),
    ("car", "20260101-000000-a"),
    ("Überholer 🏎", "19991231-235959"),
    ("other", "20240229-120000-x-y"),
]
LAYOUTS = [
    [("SPEED", " km/h")],
    [("SPEED", " m/s"), ("LAPDISTANCE", " km"), ("BRAKE", "")],
    [
        ("SPEED", " km/h"),
        ("DISTANCE", " m"),
        ("YAWRATE", "rad/s"),
        ("TURBO", " bar"),
        ("Größe", "n/a"),
    ],
    [(f"X{i}", "") for i in range(12)],
]
NUMBERS = [
    "0",
    "-0",
    "-0.0",
    "0.1",
    "1e5",
    "1E+5",
    "-1.5e-7",
    "123456789012345678",
    "9007199254740993",
    "1e22",
    "1e23",
    "4.9e-324",
    "2e-324",
    "1.7976931348623157e308",
    "1.8e308",
    "1e400",
    "-1e99999",
    "1e-99999",
    "0.30000000000000004",
    "00",
    "01",
    "-",
    "+1",
    "1.",
    ".5",
    "1e",
    "1e+",
    "0x10",
    "NaN",
    "Infinity",
    "-Infinity",
    "nan",
    '"NaN"',
    '"Infinity"',
    '"-Infinity"',
    '"nan"',
    '" NaN"',
    '"1.5"',
    "null",
    "true",
    "false",
    "[]",
    "[1]",
    "{}",
    '{"a":1}',
    '""',
    '"\\u004eaN"',
    "9" * 400,
    "1" * 1000,
    "1" * 1001,
    "0." + "1" * 998,
    "0." + "1" * 999,
    "-" + "1" * 1000,
    "1." + "0" * 700 + "e3",
    "31622400",
    "31622400.0000001",
    "-31622400",
    "31622401",
    "1e-7",
    "0.0000005",
    "0.00000049999999999",
    "2.5e-6",
    "1 2",
    "1,2",
    "1\t",
    " 1",
    "1\n",
]
TEXTS = [
    "",
    " ",
    "a" * 200,
    "a" * 201,
    "ü" * 200,
    "🏎" * 100,
    "🏎" * 101,
    "\\ud83c",
    "\\udfce",
    "\\ud83c\\udfce",
    "\\udfce\\ud83c",
    "\\u0000",
    "\\n",
    "\\u0001",
    "\\/",
    "\\x",
    "\\u12",
    "\\u00zz",
    "SPEED",
    "NaN",
    "20220217-214226",
    "20220217-214226x",
    "20220230-000000-x",
    "20220217-246000-x",
    "20220217-235960-x",
    "00000101-000000-x",
    "19691231-235959-x",
    "19700101-000000-x",
    "21991231-235959-x",
    "22000101-000000-x",
    "99991231-235959-x",
    "٢٠٢٢0217-214226-x",
    "20220217 214226",
    "\x7f",
    "\u2028",
    "\u00a0km/h\u00a0",
    "km/h  ",
    "\u3000m",
    "km",
    "/",
    "..",
    "a\\\\b",
    '\\"',
    "\ufeff",
]
KEYS = [
    "VehicleId",
    "SessionId",
    "Timestamp",
    "ChannelId",
    "ChannelValue",
    "ChannelUnit",
    "ActualFrequency",
    "Semantic",
]
RAW = [
    b"",
    b" ",
    b"\x00",
    b"\x00\x00\x00\x00",
    b"[",
    b"]",
    b"[]",
    b"[ ]",
    b"{}",
    b"[{}]",
    b"[[]]",
    b"[1]",
    b"[null]",
    b"null",
    b"true",
    b"1",
    b'"x"',
    b"[{},]",
    b"\xef\xbb\xbf",
    b"\xef\xbb\xbf[]",
    b"\xff\xfe[\x00]\x00",
    b"\xfe\xff\x00[\x00]",
    b"\x00\x00\xfe\xff",
    b"PK\x03\x04",
    b"\x1f\x8b\x08\x00",
    b"\xed\xa0\x80",
    b"[" * 100,
    b"[" * 100_000,
    b'[{"a":' * 5000,
    b'{"a":' * 100_000,
    b"[[[[" + b"]" * 4,
    b"//",
    b"/**/[]",
    b"[{'VehicleId':'x'}]",
    b"\xc0\x80",
    b"[\x00]",
    b"[\x0b]",
    b"\xe2\x80\xa8[]",
    b"Infinity",
    b"<html></html>",
    b"\r\n\r\n",
]
TRAPS = [
    '"Timestamp":%s,"ChannelId":"SPEED","ChannelValue":1',
    '"Timestamp":%s,"Timestamp":7,"ChannelId":"SPEED","ChannelValue":1',
    '"Timestamp":7,"Timestamp":%s,"ChannelId":"SPEED","ChannelValue":1',
    '"Timestamp":7,"ChannelId":"SPEED","ChannelValue":%s',
    '"Timestamp":7,"ChannelId":"SPEED","ChannelValue":%s,"ChannelValue":1',
    '"Timestamp":7,"ChannelId":"SPEED","ChannelValue":1,"ChannelValue":%s',
    '"Timestamp":7,"ChannelId":"DISTANCE","ChannelUnit":"km","ChannelValue":%s',
    '"ChannelValue":%s,"ChannelId":"YAWRATE","ChannelUnit":"rad/s","Timestamp":7',
    '"Timestamp":7,"ChannelId":"SPEED","ChannelValue":1,"ChannelUnit":%s',
    '"Timestamp":7,"ChannelId":"SPEED","ChannelValue":1,"Other":%s',
    '"Timestamp":7,"ChannelId":"SPEED","ChannelValue":1,"Other":[1,{"a":%s}]',
    '"Timestamp":7,"ChannelId":%s,"ChannelValue":1',
    '"Timestamp":7,"ChannelId":"SPEED","Other":%s',
]
"""Channels with one number open. Messages of one after the other are read against each other."""
SPLINTERS = [
    b"\x00",
    b"\x01",
    b"\x1f",
    b"\x7f",
    b"\x80",
    b"\xbf",
    b"\xc0\xaf",
    b"\xc3",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf0\x9f\x8f",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xff",
    b"\xfe",
    b"\xef\xbb\xbf",
    b"\xef\xbf\xbf",
    b'"',
    b"\\",
    b"\\u",
    b",",
    b",,",
    b":",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"1e",
    b"-",
    b".",
    b"0",
    b"9",
    b"\n",
    b"\t",
    b"\r",
    b" ",
    b"\x0c",
    b"//",
    b"/*",
    b"*/",
    b"#",
    b"'",
    b"NaN",
]

Object = list[tuple[str, str]]
"""One channel: keys and values as they are spelled."""


def message(dice: random.Random, number: int) -> list[Object]:
    """A good one: a tick of some session in some layout."""
    vehicle, session = SESSIONS[number % len(SESSIONS)]
    layout = LAYOUTS[(number // len(SESSIONS)) % len(LAYOUTS)]
    time = repr(round(number * 0.005, 6))
    return [
        [
            ("VehicleId", json.dumps(vehicle, ensure_ascii=False)),
            ("SessionId", f'"{session}"'),
            ("Timestamp", time),
            ("ChannelId", json.dumps(channel, ensure_ascii=False)),
            ("ChannelName", '"x"'),
            (
                "ChannelValue",
                repr(round(dice.gauss(100, 50), dice.randrange(12)))
                if dice.random() < 0.97
                else '"NaN"',
            ),
            ("ChannelUnit", f'"{unit}"'),
            ("ActualFrequency", "50.0" if dice.random() < 0.9 else repr(dice.uniform(49, 51))),
        ]
        for channel, unit in layout
    ]


def spell(objects: list[Object], indented: bool) -> bytes:
    """The message's bytes."""
    comma, colon = (",\n    ", ": ") if indented else (",", ":")
    inside = (comma.join(f'"{key}"{colon}{value}' for key, value in pairs) for pairs in objects)
    return ("[\n  {" + "},\n  {".join(inside) + "}\n]").encode("utf-8", "surrogatepass")


def _value(dice: random.Random) -> str:
    if dice.random() < 0.5:
        return dice.choice(NUMBERS)
    return f'"{dice.choice(TEXTS)}"'


def _change(dice: random.Random, objects: list[Object]) -> None:
    """Something about one channel's keys and values."""
    pairs = dice.choice(objects)
    at = dice.randrange(len(pairs))
    key = pairs[at][0]
    what = dice.randrange(9)
    if what == 0:
        pairs[at] = (key, dice.choice(NUMBERS))
    elif what == 1:
        pairs[at] = (key, f'"{dice.choice(TEXTS)}"')
    elif what == 2:
        del pairs[at]
        if not pairs:
            objects.remove(pairs)
    elif what == 3:
        pairs.insert(dice.randrange(len(pairs) + 1), (dice.choice(KEYS), _value(dice)))
    elif what == 4:
        pairs.insert(dice.randrange(len(pairs) + 1), dice.choice(pairs))
    elif what == 5:
        dice.shuffle(pairs)
    elif what == 6:
        pairs[at] = (
            dice.choice(
                [
                    key.lower(),
                    key + " ",
                    "",
                    "\\u0056ehicleId",
                    "k" * 1000,
                    "k" * 1001,
                    "🏎" * 500,
                    "🏎" * 501,
                    "\\ud800",
                ]
            ),
            pairs[at][1],
        )
    elif what == 7:
        depth = dice.choice([1, 2, 97, 98, 99, 100, 101, 2000])
        pairs.append(
            ("Deep", "[" * depth + dice.choice(["", "1", "1" * 1001, '"x"']) + "]" * depth)
        )
        if dice.random() < 0.3:
            pairs[-1] = ("Deep", '{"a":' * depth + dice.choice(NUMBERS) + "}" * depth)
    else:
        times = [i for i, pair in enumerate(pairs) if pair[0] in ("Timestamp", "ChannelValue")]
        for i in times:
            pairs[i] = (pairs[i][0], dice.choice(NUMBERS))


def _sibling(dice: random.Random, objects: list[Object]) -> list[Object]:
    """An odd message again, some of its numbers others: what a template of it would be tried on."""
    copy = [list(pairs) for pairs in objects]
    time = repr(dice.randrange(10**6) / 1000)
    for pairs in copy:
        for i, (key, _) in enumerate(pairs):
            if key == "Timestamp" and dice.random() < 0.95:
                pairs[i] = (key, time)
            elif key in ("ChannelValue", "Timestamp", "ActualFrequency") and dice.random() < 0.3:
                pairs[i] = (
                    key,
                    dice.choice(NUMBERS) if dice.random() < 0.2 else repr(dice.random()),
                )
    return copy


def _flip(dice: random.Random, data: bytearray, other: bytes) -> None:
    for _ in range(dice.choice([1, 1, 1, 2, 8])):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _cut(dice: random.Random, data: bytearray, other: bytes) -> None:
    del data[dice.randrange(len(data)) :]


def _drop(dice: random.Random, data: bytearray, other: bytes) -> None:
    at = dice.randrange(len(data))
    del data[at : at + dice.choice([1, 1, 2, 5, 40])]


def _splinter(dice: random.Random, data: bytearray, other: bytes) -> None:
    at = dice.randrange(len(data) + 1)
    data[at : at + dice.choice([0, 0, 1])] = dice.choice(SPLINTERS)


def _splice(dice: random.Random, data: bytearray, other: bytes) -> None:
    data[dice.randrange(len(data)) :] = other[dice.randrange(len(other)) :]


def _repeat(dice: random.Random, data: bytearray, other: bytes) -> None:
    at = dice.randrange(len(data))
    data[at:at] = data[at : at + dice.choice([1, 10, 100])]


def _around(dice: random.Random, data: bytearray, other: bytes) -> None:
    before = dice.choice(
        [
            b"",
            b"\xef\xbb\xbf",
            b" \n",
            b"\xef\xbb\xbf\xef\xbb\xbf",
            b"\x00",
            b",",
            b"[",
            b"\xff\xfe",
        ]
    )
    data[:] = (
        before
        + data
        + dice.choice([b"", b" \r\n\t", b"\x00", b"]", b"[]", b",", b"x", b"\xef\xbb\xbf", b"\xc3"])
    )


def _other_encoding(dice: random.Random, data: bytearray, other: bytes) -> None:
    name = dice.choice(
        [
            "utf-16",
            "utf-16-le",
            "utf-16-be",
            "utf-32",
            "utf-32-le",
            "utf-32-be",
            "utf-8-sig",
            "latin-1",
            "utf-7",
        ]
    )
    data[:] = bytes(data).decode("utf-8", "replace").encode(name, "replace")


def _digit(dice: random.Random, data: bytearray, other: bytes) -> None:
    """A digit becomes another part of a number: where templates and the reader would part first."""
    digits = [i for i, b in enumerate(data) if 48 <= b <= 57]
    if digits:
        data[dice.choice(digits)] = dice.choice(b'0123456789.-+eE ,"n')


BYTES: list[Callable[[random.Random, bytearray, bytes], None]] = [
    _flip,
    _flip,
    _cut,
    _drop,
    _splinter,
    _splinter,
    _splice,
    _repeat,
    _around,
    _other_encoding,
    _digit,
    _digit,
    _digit,
    _digit,
]


def _traps() -> Iterator[bytes]:
    for i, trap in enumerate(TRAPS):
        for more in (
            "",
            ',{"VehicleId":"v","SessionId":"20260101-000000-t","Timestamp":7,"ChannelId":"B","ChannelValue":1}',
        ):
            for number in ("1.5", "2.5", "7", *NUMBERS, "3.5"):
                start = f'"VehicleId":"v{i}","SessionId":"20260101-000000-t"'
                yield f"[{{{start},{trap % number}}}{more}]".encode()


def mutations(seed: int, count: int) -> Iterator[bytes]:
    """So many messages: about a fourth as they should be, the rest with one to three
    things wrong.
    """
    dice = random.Random(seed)
    other = spell(message(dice, 0), True)
    first = [*RAW, *_traps()]
    yield from first
    odd: list[Any] = []
    for number in range(count - len(first)):
        if odd and dice.random() < 0.2:
            yield spell(_sibling(dice, odd), True)
            continue
        objects: list[Any] = message(dice, number // 2)
        indented = dice.random() < 0.9
        kind = dice.random()
        if kind > 0.55:
            for _ in range(dice.choice([1, 1, 2])):
                if objects:
                    _change(dice, objects)
            odd = objects if dice.random() < 0.3 else odd
        data = spell(objects, indented)
        if 0.25 < kind < 0.6:
            changed = bytearray(data)
            for _ in range(dice.choice([1, 1, 1, 2, 3])):
                if changed:
                    dice.choice(BYTES)(dice, changed, other)
            data = bytes(changed)
        elif kind < 0.25:
            other = data
        yield data
