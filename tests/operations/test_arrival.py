"""What the job says of the ticks that were sent."""

from __future__ import annotations

import subprocess
import sys
from array import array
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Message, Producer

from pitwall.car.replay import Sent
from pitwall.kafka.clients import client_config
from pitwall.kafka.wire import TickEncoder
from pitwall.operations.arrival import arrival, dead_letters_now, is_running
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment

pytestmark = pytest.mark.integration
SESSION = "20260101-000000-arrival"


def test_refused_ticks_are_counted_beside_those_of_another_car(stack: Settings) -> None:
    encoder = TickEncoder("arrival", SESSION, ["Speed"], ["km/h"], 50.0)
    good = [encoder.encode(tick * 0.02, [100.0]) for tick in range(20)]
    bad = [encoder.encode(2e9 + tick, [100.0]) for tick in range(7)]
    since = dead_letters_now(stack)
    sent = Sent(ticks=len(good) + len(bad))

    def on_delivery(_: object, message: Message) -> None:
        offsets = sent.offsets.setdefault(message.partition() or 0, array("q"))
        offsets.append(message.offset() or 0)

    producer = Producer(client_config(stack))
    for payload in good + bad:
        producer.produce(stack.telemetry_topic, payload, on_delivery=on_delivery)
        producer.produce(stack.telemetry_topic, b"of another car")
    assert producer.flush(30) == 0
    assert is_running(stack)
    account = arrival(stack, stack.telemetry_topic, sent, since)
    assert (account.taken, account.dead_letters) == (20, 7)
    assert all("Timestamp" in reason for reason in account.reasons)


def replay(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pitwall.cli.main", "replay", "--speed", "max", *arguments],
        env=child_environment(settings),
        cwd=settings.repository,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_replay_says_that_all_ticks_arrived_and_refuses_what_cannot(
    stack: Settings, tmp_path: Path
) -> None:
    lines = ["Time,Speed", *(f"{tick * 0.02},{100 + tick}" for tick in range(50))]
    good = tmp_path / "20260101-000000-said.csv"
    good.write_text("\n".join(lines))
    done = replay(stack, "--vehicle", "said", "--json", str(good))
    assert done.returncode == 0, done.stderr
    answer = orjson.loads(done.stdout)
    assert answer["arrived"] == {"taken": 50, "dead_letters": 0, "reasons": {}}
    lines = ["Time,Speed", *(f"{1.767e9 + tick * 0.02},{tick}" for tick in range(50))]
    since_1970 = tmp_path / "since-1970.csv"
    since_1970.write_text("\n".join(lines))
    assert replay(stack, "--vehicle", "said", str(since_1970)).returncode == 0
    refused = replay(stack, "--vehicle", "v" * 201, str(good))
    assert refused.returncode == 1 and "has 201 characters" in refused.stderr
    assert replay(stack, "--vehicle", "", str(good)).returncode == 2
