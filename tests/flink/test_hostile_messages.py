"""One message, or a flood of them, costs the reader little time and memory, whatever is in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from dryrun import Message, Outcome, RawRun, frames, parse
from java_trial import trial

from pitwall.features import FeatureSet, last, session_time

FEATURES = FeatureSet("hostile", session_time(), last("Speed"))
MAX_BYTES = 16 << 20
MAX_SESSIONS = 100
MAX_CHANNELS = 10_000
pytestmark = pytest.mark.xdist_group("messages")


def channel(session: str = "20260101-000000-t", more: str = "") -> str:
    """One channel of a message, with more keys at its end."""
    return (
        f'{{"VehicleId":"v","SessionId":"{session}","Timestamp":1,'
        f'"ChannelId":"SPEED","ChannelValue":1{more}}}'
    )


def message(*channels: str) -> bytes:
    return f"[{','.join(channels)}]".encode()


def full(before: str, part: str, after: str) -> bytes:
    """A message of nearly `MAX_BYTES` that repeats a part."""
    count = (MAX_BYTES - len(before) - len(after)) // len(part)
    return (before + part * count + after).encode()


def sessions(count: int) -> bytes:
    return message(*(channel(session=f"20260101-000000-{i}") for i in range(count)))


OPEN = "[" + channel()[:-1]
"""A message whose one channel may go on."""
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "more than 16 MiB": (
        lambda: message(channel()).ljust(MAX_BYTES + 1),
        f"the message has {MAX_BYTES + 1} bytes, more than {MAX_BYTES}",
    ),
    "a million channels": (
        lambda: full("[", channel() + ",", channel() + "]"),
        f"more than {MAX_CHANNELS} channels in one message",
    ),
    "101 sessions": (
        lambda: sessions(MAX_SESSIONS + 1),
        f"more than {MAX_SESSIONS} sessions in one message",
    ),
    "empty elements": (lambda: full("[", "{},", "{}]"), "element 0 lacks VehicleId"),
    "nested arrays": (lambda: full(OPEN + ',"a":', "[", ""), "nesting depth (101)"),
    "nested objects": (lambda: full(OPEN + ',"a":', '{"a":', ""), "nesting depth (101)"),
    "a number of 16 MiB": (
        lambda: full(OPEN + ',"a":', "1", "}]"),
        "exceeds the maximum allowed (1000, ",
    ),
    "an exponent of 16 MiB": (
        lambda: full(OPEN + ',"ChannelValue":1e', "9", "}]"),
        "exceeds the maximum allowed (1000, ",
    ),
    "a unit of 16 MiB": (
        lambda: full(OPEN + ',"ChannelUnit":"', "x", '"}]'),
        "element 0 has a ChannelUnit of more than 200 characters",
    ),
    "escapes of 16 MiB": (
        lambda: full(OPEN + ',"ChannelUnit":"', "\\u0041", '"}]'),
        "element 0 has a ChannelUnit of more than 200 characters",
    ),
    "a value of 16 MiB": (
        lambda: full(OPEN + ',"ChannelValue":"', "x", '"}]'),
        "element 0 has a ChannelValue that is not a number",
    ),
    "a key of 16 MiB": (lambda: full(OPEN + ',"', "x", '":1}]'), "exceeds the maximum allowed"),
}
"""Messages beyond a limit, and why they are bad."""
GOOD: dict[str, Callable[[], bytes]] = {
    "16 MiB": lambda: message(channel()).ljust(MAX_BYTES),
    "10,000 channels": lambda: message(*[channel()] * MAX_CHANNELS),
    "100 sessions": lambda: sessions(MAX_SESSIONS),
    "an array of 8 million": lambda: full(OPEN + ',"a":[0', ",0", "]}]"),
    "empty objects": lambda: full(OPEN + ',"a":[0', ",{}", "]}]"),
    "one key 3 million times": lambda: full(OPEN, ',"a":1', "}]"),
    "a million keys": lambda: (
        OPEN + "".join(f',"k{i}":1' for i in range(1_000_000)) + "}]"
    ).encode(),
    "a text of 16 MiB": lambda: full(OPEN + ',"a":"', "x", '"}]'),
    "values of 962 digits": lambda: full(
        OPEN, ',"ChannelValue":0.' + "9007199254740993" * 60, "}]"
    ),
    "times of 962 digits": lambda: full(OPEN, ',"Timestamp":0.' + "9007199254740993" * 60, "}]"),
}
"""Messages at a limit."""


def read(raw_run: RawRun, *messages: bytes) -> Outcome:
    """What one reader says to these messages, the one after the other."""
    steps = [Message(value, 1_000_000 + i, 1_000_002 + i) for i, value in enumerate(messages)]
    return parse(raw_run(FEATURES, frames(steps)), len(FEATURES.features))


@pytest.fixture(scope="module")
def reasons(raw_run: RawRun) -> dict[str, str]:
    """Why each of the messages above is bad, as one reader says that reads them in turn."""
    builders = {**{name: build for name, (build, _) in BAD.items()}, **GOOD}
    outcome = read(raw_run, *(build() for build in builders.values()))
    names = list(builders)
    return dict(zip((names[i] for i in outcome.bad_offsets), outcome.bad, strict=True))


@pytest.mark.parametrize("name", BAD)
def test_a_message_beyond_a_limit_is_bad_and_says_which(reasons: dict[str, str], name: str) -> None:
    assert BAD[name][1] in reasons[name]


@pytest.mark.parametrize("name", GOOD)
def test_a_message_at_a_limit_is_read(reasons: dict[str, str], name: str) -> None:
    assert name not in reasons


def colliding_keys(seed: int) -> Iterator[str]:
    """Keys of eight characters that have one hash in Jackson's table, whatever its seed.

    `ByteQuadsCanonicalizer.calcHash(q1, q2)` adds 33·q2 to a function of q1 before it takes the
    seed in, both of four characters. So for each q1 there is one q2 that gives the sum wanted.
    """
    dice = random.Random(seed)
    letters = [code for code in range(32, 127) if chr(code) not in '"\\']
    inverse = pow(33, -1, 1 << 32)
    while True:
        first = int.from_bytes(bytes(dice.choices(letters, k=4)), "big")
        mixed = (first + (first >> 15)) & 0xFFFFFFFF
        mixed ^= mixed >> 9
        second = ((0x12345678 - mixed) * inverse & 0xFFFFFFFF).to_bytes(4, "big")
        if all(byte in letters for byte in second):
            yield (first.to_bytes(4, "big") + second).decode()


def with_keys(keys: Iterator[str]) -> bytes:
    return message(channel(more="".join(f',"{key}":1' for key in keys)))


def test_keys_of_one_message_do_not_make_the_next_one_bad(raw_run: RawRun) -> None:
    keys = colliding_keys(1)
    assert read(raw_run, *(with_keys(islice(keys, 400)) for _ in range(8))).bad == []


def test_too_many_keys_of_one_hash_are_bad(raw_run: RawRun) -> None:
    outcome = read(raw_run, with_keys(islice(colliding_keys(2), 2000)), message(channel()))
    assert outcome.bad_offsets == [0]
    assert "hash collisions" in outcome.bad[0]


@pytest.mark.parametrize(("kind", "ticks"), [("times", 2_000_000), ("vehicles", 1_000_000)])
def test_a_million_messages_of_which_no_two_begin_alike_need_no_memory(
    raw_run: RawRun, kind: str, ticks: int
) -> None:
    plan = str(raw_run.plan(FEATURES))
    assert trial("wire.ReaderTrial", plan, kind, heap="128m") == [[str(ticks)]]


def test_the_templates_of_large_messages_are_bounded(raw_run: RawRun) -> None:
    """A thousand templates of 100 kB each would need 100 MB."""
    plan = str(raw_run.plan(FEATURES))
    assert trial("wire.ReaderTrial", plan, "large", heap="96m") == [["3000"]]
