"""Sends sessions to Kafka as the car does: one message a tick, without key or headers."""

from __future__ import annotations

import heapq
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, Message, Producer

from pitwall.car.session import Session
from pitwall.errors import StackError
from pitwall.kafka.clients import client_config
from pitwall.kafka.wire import TickEncoder
from pitwall.settings import Settings


@dataclass
class Sent:
    """What Kafka has acknowledged."""

    ticks: int = 0
    samples: int = 0
    """Values of channels."""
    bytes: int = 0
    seconds: float = 0.0
    offsets: dict[int, array[int]] = field(default_factory=dict, repr=False)
    """The offset of each tick on its topic, by partition."""


def produce(
    settings: Settings,
    sessions: Iterable[Session],
    *,
    speed: float | None = 1.0,
    together: bool = False,
    topic: str | None = None,
    on_ticks: Callable[[int], None] = lambda count: None,
) -> Sent:
    """Send every tick, and return when Kafka has acknowledged all.

    `speed` is in times real time, None for as fast as possible. Sessions follow each other, or with
    `together` run side by side. `topic` is `telemetry_topic` by default. `on_ticks(n)` is called
    after each `n` ticks. Raises `StackError` when a tick is not acknowledged within 60 s.
    """
    sent = Sent()
    failures: list[KafkaError] = []

    def on_delivery(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failures.append(error)
        else:
            sent.ticks += 1
            offsets = sent.offsets.setdefault(message.partition() or 0, array("q"))
            offsets.append(message.offset() or 0)

    producer = Producer(
        {
            **client_config(settings),
            "compression.type": "lz4",
            "enable.idempotence": True,
            "linger.ms": 20 if speed is None else 0,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 20_000,
            "queue.buffering.max.kbytes": 262_144,
            "message.max.bytes": 67_000_000,
            "delivery.timeout.ms": 60_000,
        }
    )
    target = topic or settings.telemetry_topic
    started = time.monotonic()
    ticks = _together(list(sessions)) if together else _in_turn(sessions)
    pending = 0
    for offset_s, payload, channels in ticks:
        if speed is not None:
            due = started + offset_s / speed
            while (wait := due - time.monotonic()) > 0:
                producer.poll(min(wait, 0.05))
        while True:
            try:
                producer.produce(target, payload, on_delivery=on_delivery)
                break
            except BufferError:
                producer.poll(0.05)
        sent.samples += channels
        sent.bytes += len(payload)
        pending += 1
        if pending == 250 or speed is not None:
            on_ticks(pending)
            pending = 0
            producer.poll(0)
        if failures:
            break
    left = producer.flush(60)
    on_ticks(pending)
    if failures or left:
        reason = failures[0].str() if failures else f"{left} ticks not acknowledged in 60 s"
        raise StackError(
            f"Kafka at {settings.bootstrap_servers} did not take a tick: {reason}; "
            "see `./pitwall status`"
        )
    sent.seconds = time.monotonic() - started
    return sent


def messages(session: Session) -> Iterator[tuple[float, bytes, int]]:
    """Each tick of a session: its time (s), its message, and the number of samples in that."""
    encoder = TickEncoder(
        session.vehicle, session.session, session.names, session.units, session.rate_hz
    )
    encode = encoder.encode_known if session.sparse else encoder.encode
    for first in range(0, len(session.times_s), 1000):
        times = session.times_s[first : first + 1000].tolist()
        for time_s, row in zip(times, session.values[first : first + 1000].tolist(), strict=True):
            channels = sum(value == value for value in row) if session.sparse else len(row)
            yield time_s, encode(time_s, row), channels


def _from_zero(session: Session) -> Iterator[tuple[float, bytes, int]]:
    """The messages with seconds since the session's first tick."""
    start = float(session.times_s[0])
    for time_s, payload, channels in messages(session):
        yield time_s - start, payload, channels


def _in_turn(sessions: Iterable[Session]) -> Iterator[tuple[float, bytes, int]]:
    offset = 0.0
    for session in sessions:
        time_s = 0.0
        for time_s, payload, channels in _from_zero(session):
            yield offset + time_s, payload, channels
        offset += time_s


def _together(sessions: list[Session]) -> Iterator[tuple[float, bytes, int]]:
    yield from heapq.merge(*(_from_zero(session) for session in sessions), key=lambda tick: tick[0])
