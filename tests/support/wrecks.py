"""Messages of the car with damage of every kind, from a fixed seed: what no car sends on purpose.

`corpus.mutations` makes small mistakes, one to three a message. Here the damage is large: many
bits, whole runs of bytes, trees of other types, hundreds of keys, numbers and texts of any length.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

from corpus import KEYS, NUMBERS, SPLINTERS, TEXTS, Object, message, spell

Damage = Callable[[random.Random, list[Object]], bytes]
"""Makes the bytes of a damaged message from a good one."""
LENGTHS = (0, 1, 63, 64, 65, 199, 200, 201, 999, 1000, 1001, 3999, 4000, 8191, 8192, 66_000)
"""Lengths about the limits of the format, and about those of a parser's buffers."""


def _number(dice: random.Random) -> str:
    """A number of any length, in most cases one that JSON allows."""
    digits = "".join(dice.choices("0123456789", k=dice.choice(LENGTHS[1:12])))
    fraction = "." + "".join(dice.choices("09", k=dice.randrange(1, 400)))
    exponent = dice.choice("eE") + dice.choice(["", "+", "-"]) + "9" * dice.randrange(0, 400)
    return (
        dice.choice(["", "-", "-0.", "0."])
        + digits
        + (fraction if dice.random() < 0.3 else "")
        + (exponent if dice.random() < 0.3 else "")
    )


def _tree(dice: random.Random, depth: int = 0) -> str:
    """Any JSON, in some cases nested beyond the limit."""
    kind = dice.randrange(7)
    if depth == 0 and dice.random() < 0.1:
        levels = dice.choice([1, 50, 97, 98, 99, 100, 101, 500])
        return "[" * levels + "]" * levels
    if kind < 2 and depth < 4:
        parts = [_tree(dice, depth + 1) for _ in range(dice.randrange(4))]
        if kind:
            return "[" + ",".join(parts) + "]"
        return "{" + ",".join(f'"{dice.choice(KEYS)}":{part}' for part in parts) + "}"
    if kind == 2:
        return _number(dice)
    if kind == 3:
        return json.dumps(dice.choice("aü🏎\u2028") * dice.choice(LENGTHS), ensure_ascii=False)
    if kind == 4:
        return f'"{dice.choice(TEXTS)}"'
    return dice.choice([*NUMBERS, "true", "false", "null"])


def _flip_many(dice: random.Random, objects: list[Object]) -> bytes:
    data = bytearray(spell(objects, True))
    for _ in range(dice.choice([1, 2, 3, 20, 200])):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def _overwrite(dice: random.Random, objects: list[Object]) -> bytes:
    data = bytearray(spell(objects, dice.random() < 0.5))
    at, length = dice.randrange(len(data)), dice.choice([1, 2, 8, 64])
    data[at : at + length] = dice.choice(
        [bytes(length), b"\xff" * length, b" " * length, dice.randbytes(length)]
    )
    return bytes(data)


def _truncate(dice: random.Random, objects: list[Object]) -> bytes:
    data = spell(objects, dice.random() < 0.5)
    cut = dice.randrange(len(data))
    return data[:cut] if dice.random() < 0.7 else data[cut:]


def _join(dice: random.Random, objects: list[Object]) -> bytes:
    data = spell(objects, dice.random() < 0.5)
    return data + dice.choice([b"", b"\n", b",", b"\x00"]) + data[: dice.randrange(len(data) + 1)]


def _retype(dice: random.Random, objects: list[Object]) -> bytes:
    """Values, elements or the whole message of another type."""
    what = dice.random()
    if what < 0.1:
        return _tree(dice).encode("utf-8", "surrogatepass")
    if what < 0.3:
        elements = [spell([pairs], False).decode("utf-8", "surrogatepass") for pairs in objects]
        elements[dice.randrange(len(elements))] = dice.choice([f"[{elements[0]}]", _tree(dice)])
        return ("[" + ",".join(elements) + "]").encode("utf-8", "surrogatepass")
    for _ in range(dice.choice([1, 1, 2, 5])):
        pairs = dice.choice(objects)
        at = dice.randrange(len(pairs))
        pairs[at] = (pairs[at][0], _tree(dice))
    return spell(objects, dice.random() < 0.5)


def _repeat_keys(dice: random.Random, objects: list[Object]) -> bytes:
    """One key up to hundreds of times, each time with another value, among other keys."""
    pairs = dice.choice(objects)
    key, value = dice.choice(pairs)
    for number in range(dice.choice([1, 2, 10, 300])):
        other = value if dice.random() < 0.9 else _tree(dice, 3)
        pairs.insert(dice.randrange(len(pairs) + 1), (key, other))
        if dice.random() < 0.2:
            pairs.append((f"key {number}", other))
    return spell(objects, dice.random() < 0.5)


def _repeat_elements(dice: random.Random, objects: list[Object]) -> bytes:
    """Elements many times, or among those of other sessions and times."""
    more = [list(dice.choice(objects)) for _ in range(dice.choice([1, 5, 120]))]
    if dice.random() < 0.5:
        for number, pairs in enumerate(more):
            for at, (key, _) in enumerate(pairs):
                if key == "SessionId":
                    pairs[at] = (key, f'"20260101-000000-{number}"')
    mixed = objects + more
    dice.shuffle(mixed)
    return spell(mixed, dice.random() < 0.5)


def _outsize(dice: random.Random, objects: list[Object]) -> bytes:
    """A key, a text or a number of some length about a limit."""
    pairs = dice.choice(objects)
    at = dice.randrange(len(pairs))
    text = dice.choice(["x", "ü", "€", "🏎", "\\u0041", "\\ud83c\\udfce"]) * dice.choice(LENGTHS)
    what = dice.randrange(3)
    if what == 0:
        pairs[at] = (text, pairs[at][1])
    elif what == 1:
        pairs[at] = (pairs[at][0], f'"{text}"')
    else:
        pairs[at] = (pairs[at][0], _number(dice))
    return spell(objects, dice.random() < 0.5)


def _break_text(dice: random.Random, objects: list[Object]) -> bytes:
    """Bytes that are not UTF-8, in texts of any length and in any place."""
    pairs = dice.choice(objects)
    at = dice.randrange(len(pairs))
    pairs[at] = (pairs[at][0], '"' + dice.choice("xü€🏎") * dice.choice(LENGTHS) + '"')
    data = bytearray(spell(objects, dice.random() < 0.5))
    place = dice.randrange(len(data) + 1)
    data[place:place] = dice.choice([*SPLINTERS, dice.randbytes(dice.randrange(1, 5))])
    return bytes(data)


def _noise(dice: random.Random, objects: list[Object]) -> bytes:
    return dice.choice([b"", b"[", b"[{"]) + dice.randbytes(dice.choice([1, 4, 40, 400]))


DAMAGES: tuple[Damage, ...] = (
    _flip_many,
    _overwrite,
    _truncate,
    _join,
    _retype,
    _retype,
    _repeat_keys,
    _repeat_elements,
    _outsize,
    _outsize,
    _break_text,
    _noise,
)


def wrecks(seed: int, count: int) -> Iterator[bytes]:
    """So many messages: about a fourth as they should be, the rest damaged."""
    dice = random.Random(seed)
    for number in range(count):
        objects = message(dice, number // 2)
        if dice.random() < 0.25:
            yield spell(objects, True)
        else:
            yield dice.choice(DAMAGES)(dice, objects)
