"""Bad input, the dead letters and the telemetry history against real servers."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from corpus import mutations
from judge import Bad, Judge

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.features import load
from pitwall.features.plan import plan
from pitwall.flink import rest
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import end_offsets
from pitwall.kafka.wire import TickEncoder
from pitwall.local.stack import Stack
from pitwall.operations import dead_letters
from pitwall.recordings import files as recordings
from pitwall.settings import Settings
from pitwall.stores.history import read as history

pytestmark = pytest.mark.integration
T = TypeVar("T")


@pytest.fixture(scope="module")
def stack(checkout: Settings) -> Iterator[Settings]:
    from pitwall.machine import jars
    from pitwall.stores.repository import apply

    jars.fetch(checkout.cache_dir / "m2")
    with Stack(checkout) as servers:
        servers.start(["kafka", "cassandra", "s3"])
        apply(checkout)
        servers.start(["flink"])
        yield checkout


@pytest.fixture(scope="module")
def lap(laps_dir: Path) -> Session:
    return recordings.read(sorted(laps_dir.glob("*.parquet"))[1])


def until(what: Callable[[], T], done: Callable[[T], Any], patience_s: float = 120) -> T:
    """What `what` gives once `done` likes it; after the patience, whatever it gives."""
    limit = time.monotonic() + patience_s
    while not done(found := what()) and time.monotonic() < limit:
        time.sleep(0.5)
    return found


def encoded(session: Session, ticks: slice) -> list[bytes]:
    encoder = TickEncoder(
        session.vehicle, session.session, session.names, session.units, session.rate_hz
    )
    times, values = session.times_s[ticks].tolist(), session.values[ticks].tolist()
    return [encoder.encode(at, row) for at, row in zip(times, values, strict=True)]


def send(settings: Settings, messages: list[bytes]) -> list[int]:
    """Send, and the messages' offsets."""
    from confluent_kafka import Producer

    offsets: list[int] = []

    def on_delivery(error: Any, message: Any) -> None:
        assert error is None, error
        offsets.append(message.offset())

    producer = Producer(
        {
            **client_config(settings),
            "enable.idempotence": True,
            "compression.type": "lz4",
            "message.max.bytes": 200_000_000,
        }
    )
    for value in messages:
        producer.produce(settings.telemetry_topic, value, on_delivery=on_delivery)
        producer.poll(0)
    assert producer.flush(120) == 0
    return offsets


def restarts(settings: Settings) -> tuple[int, list[Any]]:
    """How often the job began again, and why."""
    (job,) = [job["jid"] for job in rest.jobs(settings) if job["name"] == "features"]
    (count,) = until(lambda: rest.get(settings, f"/jobs/{job}/metrics?get=numRestarts"), len, 30)
    return int(count["value"]), rest.get(settings, f"/jobs/{job}/exceptions")["exceptionHistory"][
        "entries"
    ]


def pitwall(*arguments: str) -> str:
    command = Path(sys.executable).parent / "pitwall"
    result = subprocess.run(
        [command, *arguments], capture_output=True, text=True, env=dict(os.environ)
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_whatever_comes_the_good_gets_through_and_the_bad_is_kept(
    stack: Settings, lap: Session
) -> None:
    features = load(stack.feature_repo)[-1]
    judge = Judge(json.loads(plan(stack, features)))
    session = dataclasses.replace(lap, session="20260301-000000-among-the-bad")
    good = encoded(session, slice(0, 1600))
    channel = b'{"VehicleId":"v","SessionId":"20260302-000000-m","Timestamp":1,"ChannelId":"C%d"}'
    huge = [
        random.Random(1).randbytes(50_000_000),
        b"[" + b",".join([good[0].strip(b"[]")] * (50_000_000 // len(good[0])))[:-7],
        b"[" + b",".join(channel % i for i in range(1_000_000)) + b"]",
        b"[{" + b",".join(b'"k%d":%d' % (i, i) for i in range(2_500_000)) + b"}]",
        good[0].replace(b'"Speed"', b'"Sp\xc3\x28ed"'),
    ]
    messages = []
    for i, each in enumerate(huge):
        messages += [*good[i * 320 : (i + 1) * 320], each]
    mutated = list(mutations(7, 6000))[::3]
    messages = [
        *messages[: len(messages) // 2],
        *mutated[:1000],
        *messages[len(messages) // 2 :],
        *mutated[1000:],
    ]

    def refused(message: bytes) -> bool:
        try:
            judge.ticks(message)
        except Bad:
            return True
        return False

    before = end_offsets(stack, stack.dead_letters_topic)
    offsets = send(stack, messages)
    wanted = {
        offset: message
        for offset, message in zip(offsets, messages, strict=True)
        if refused(message)
    }
    assert set(huge) <= set(wanted.values())

    def letters() -> dict[int, dead_letters.DeadLetter]:
        new = (
            letter
            for letter in dead_letters.read(stack)
            if int(letter.id.split("-")[1]) >= before[0]
        )
        return {letter.offset: letter for letter in new if letter.kind == "WireError"}

    until(
        lambda: sum(end_offsets(stack, stack.dead_letters_topic).values()),
        lambda end: end >= before[0] + len(wanted),
        240,
    )
    found = until(letters, lambda found: len(found) >= len(wanted), 30)
    assert found.keys() == wanted.keys()
    for offset, letter in found.items():
        assert letter.value == wanted[offset], letter.reason
        assert (letter.topic, letter.partition) == (stack.telemetry_topic, 0)
        assert letter.reason
    speed = until(
        lambda: history(stack, session.vehicle, session.session, "SPEED"),
        lambda found: len(found.times_s) >= 1600,
    )
    assert speed.values.tolist() == session.channel("Speed")[:1600][::-1].tolist()
    assert restarts(stack) == (0, [])


def test_the_history_of_a_channel_is_the_lap_newest_first_and_a_late_tick_is_in_it(
    stack: Settings, lap: Session
) -> None:
    missing = 5000
    kept = np.arange(len(lap.times_s)) != missing
    produce(
        stack,
        [dataclasses.replace(lap, times_s=lap.times_s[kept], values=lap.values[kept])],
        speed=None,
    )
    size = len(lap.times_s)

    def speed(**span: Any) -> Any:
        return history(stack, lap.vehicle, lap.session, "SPEED", **span)

    assert len(until(speed, lambda found: len(found.times_s) >= size - 1).times_s) == size - 1
    send(stack, encoded(lap, slice(missing, missing + 1)))
    found = until(speed, lambda found: len(found.times_s) >= size)
    times_s, values = np.round(lap.times_s, 6)[::-1], lap.channel("Speed")[::-1]
    assert found.times_s.tolist() == times_s.tolist()
    assert found.values.tolist() == values.tolist()
    for newest in (1, 49, 50, 51, 3001, size, size + 1):
        part = speed(newest=newest)
        assert (part.times_s.tolist(), part.values.tolist()) == (
            times_s[:newest].tolist(),
            values[:newest].tolist(),
        )
    for since_s, until_s in (
        (59.98, 60.0),
        (119.5, 120.5),
        (0.0, 0.0),
        (-9.0, 1.0),
        (1e6, None),
        (None, -1.0),
        (times_s[3], None),
    ):
        part = speed(since_s=since_s, until_s=until_s)
        inside = (times_s >= (-np.inf if since_s is None else since_s)) & (
            times_s <= (np.inf if until_s is None else until_s)
        )
        assert (part.times_s.tolist(), part.values.tolist()) == (
            times_s[inside].tolist(),
            values[inside].tolist(),
        )
    assert not len(history(stack, lap.vehicle, lap.session, "NOSUCHCHANNEL").times_s)
    assert not len(history(stack, "nobody", lap.session, "SPEED").times_s)
    answer = json.loads(
        pitwall("history", lap.session, "Speed", "--vehicle", lap.vehicle, "--last", "2", "--json")
    )
    inside = times_s >= times_s[0] - 2
    assert (answer["times_s"], answer["values"]) == (
        times_s[inside].tolist(),
        values[inside].tolist(),
    )


def test_the_history_goes_below_zero_over_silent_hours_and_merges_groups(stack: Settings) -> None:
    """Group mode: the second message of each tick brings another channel, for the first tick of a row long after."""
    times_s = [-61.0, -0.5, 0.0, 1.0, 7200.0, 7200.02, 90000.5]

    def message(time_s: float, channel: str) -> bytes:
        return json.dumps(
            [
                {
                    "VehicleId": "g",
                    "SessionId": "20260303-000000-g",
                    "Timestamp": time_s,
                    "ChannelId": channel,
                    "ChannelValue": time_s * 2,
                }
            ]
        ).encode()

    send(stack, [message(time_s, "SPEED") for time_s in times_s])
    newest_first = sorted(times_s, reverse=True)

    def channel(name: str) -> list[float]:
        return history(stack, "g", "20260303-000000-g", name).times_s.tolist()

    assert until(lambda: channel("SPEED"), lambda found: found == newest_first, 60) == newest_first
    send(stack, [message(time_s, "EXTRA") for time_s in times_s[1:4]])
    wanted = sorted(times_s[1:4], reverse=True)
    assert until(lambda: channel("EXTRA"), lambda found: found == wanted, 60) == wanted
    assert channel("SPEED") == newest_first


@pytest.mark.parametrize(("channels", "name", "ticks"), [(9000, "C%d", 30), (10_000, "€%d", 3)])
def test_a_car_at_the_limits_is_kept(stack: Settings, channels: int, name: str, ticks: int) -> None:
    """The most channels, and the longest ids of three bytes a character: the history writes them in rows Cassandra takes."""
    session = f"20260304-00000{ticks % 10}-{name[:2]}"
    names = [(name % c).rjust(200, "€") if "€" in name else name % c for c in range(channels)]

    def message(tick: int) -> bytes:
        head = f'{{"VehicleId":"wide","SessionId":"{session}","Timestamp":{tick / 50},"ChannelId":'
        return (
            "["
            + ",".join(
                f'{head}"{channel}","ChannelValue":{c + tick}}}' for c, channel in enumerate(names)
            )
            + "]"
        ).encode()

    send(stack, [message(tick) for tick in range(ticks)])
    found = until(
        lambda: history(stack, "wide", session, names[-1]),
        lambda found: len(found.times_s) >= ticks,
        60,
    )
    assert found.values.tolist() == [float(channels - 1 + tick) for tick in reversed(range(ticks))]
    assert restarts(stack) == (0, [])


def test_dead_letters_are_listed_shown_and_sent_again(stack: Settings) -> None:
    (offset,) = send(stack, [b"[oops \xff"])

    def listed() -> list[dict[str, Any]]:
        answer = json.loads(pitwall("dead-letters", "list", "--json", "--limit", "100"))
        return [letter for letter in answer["letters"] if letter["offset"] == offset]

    (letter,) = until(listed, len, 60)
    assert (letter["topic"], letter["bytes"], letter["kind"]) == (
        stack.telemetry_topic,
        7,
        "WireError",
    )
    assert pitwall("dead-letters", "show", letter["id"]) == "[oops \\xff\n"
    again = end_offsets(stack, stack.telemetry_topic)[0]
    assert json.loads(pitwall("dead-letters", "replay", letter["id"], "--json")) == {"sent": 1}
    offset = again
    (letter,) = until(listed, len, 60)
    late = next(
        each
        for each in dead_letters.read(stack)
        if each.kind == "LateTick" and b"20260303-000000-g" in each.value
    )
    count = sum(each.kind == "LateTick" for each in dead_letters.read(stack))
    pitwall("dead-letters", "replay", late.id)
    until(
        lambda: sum(each.kind == "LateTick" for each in dead_letters.read(stack)),
        lambda now: now > count,
        60,
    )
    assert sum(each.kind == "LateTick" for each in dead_letters.read(stack)) == count + 1
    assert restarts(stack) == (0, [])
