"""Sends a session to Kafka at its own pace, and starts a fault during it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from confluent_kafka import Producer

from pitwall.car.session import Session
from pitwall.errors import StackError
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import create_topic
from pitwall.kafka.wire import TickEncoder
from pitwall.lab.chaos.faults import World
from pitwall.settings import Settings

FAULT_AT_S = 8.0
"""Seconds of the drive before the fault begins."""
FLUSH_S = 300


def drive(world: World, session: Session, fault: Callable[[World], None] | None) -> float:
    """Send the session to a topic of its own; the fault begins after `FAULT_AT_S`.

    Returns when the fault began, or without one the drive, s of the monotonic clock. Raises what
    the fault raised, and `StackError` when Kafka does not take every tick within `FLUSH_S` after
    the drive.
    """
    topic = f"{world.settings.telemetry_topic}-{session.session}"
    create_topic(world.settings, topic, 2)
    producer = _producer(world.settings)
    encoder = TickEncoder(
        session.vehicle, session.session, session.names, session.units, session.rate_hz
    )
    disturbance: _Disturbance | None = None
    begun_s = time.monotonic()
    for number, (time_s, values) in enumerate(
        zip(session.times_s.tolist(), session.values.tolist(), strict=True)
    ):
        due_s = begun_s + time_s - session.times_s[0]
        while (pause_s := due_s - time.monotonic()) > 0:
            producer.poll(min(pause_s, 0.05))
        stamp_ms = round((time.time() + world.car_skew_s) * 1000)
        producer.produce(
            topic, encoder.encode(time_s, values), partition=number % 2, timestamp=stamp_ms
        )
        if fault is not None and disturbance is None and time.monotonic() - begun_s >= FAULT_AT_S:
            disturbance = _Disturbance(world, fault)
    if disturbance is not None:
        disturbance.wait()
    if unsent := producer.flush(FLUSH_S):
        raise StackError(
            f"Kafka at {world.settings.bootstrap_servers} did not take {unsent} ticks of "
            f"{session.session} within {FLUSH_S} s"
        )
    return begun_s if disturbance is None else disturbance.begun_s


def _producer(settings: Settings) -> Producer:
    """A producer that keeps ticks for as long as an outage may last."""
    return Producer(
        {
            **client_config(settings),
            "enable.idempotence": True,
            "delivery.timeout.ms": 300_000,
            "linger.ms": 0,
        }
    )


class _Disturbance:
    """A fault that takes place in a thread, while the car drives on."""

    def __init__(self, world: World, fault: Callable[[World], None]) -> None:
        self._errors: list[BaseException] = []

        def disturb() -> None:
            try:
                fault(world)
            except BaseException as error:
                self._errors.append(error)

        self._thread = threading.Thread(target=disturb, daemon=True)
        self.begun_s = time.monotonic()
        self._thread.start()

    def wait(self) -> None:
        """Wait until the fault is over. Raises what it raised."""
        self._thread.join()
        if self._errors:
            raise self._errors[0]
