"""Sends a session to Kafka: at its own pace with the car's clock, or undisturbed and at once."""

from __future__ import annotations

import time

from confluent_kafka import KafkaError, Message, Producer

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.errors import StackError
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import create_topic
from pitwall.kafka.wire import TickEncoder
from pitwall.lab.chaos.world import World

OUTAGE_S = 300
"""How long the producer keeps ticks that Kafka does not take."""


def send_at_once(world: World, session: Session) -> None:
    """Send the session as fast as Kafka takes it. Raises `StackError` when it does not."""
    topic = _topic(world, session)
    create_topic(world.settings, topic, 1)
    produce(world.settings, [session], speed=None, topic=topic)


def drive(world: World, session: Session) -> None:
    """Send the session at its own pace to a topic of its own with two partitions.

    Raises `StackError` when Kafka does not take every tick within `OUTAGE_S` after the drive.
    """
    topic = _topic(world, session)
    create_topic(world.settings, topic, 2)
    producer = Producer(
        {
            **client_config(world.settings),
            "enable.idempotence": True,
            "delivery.timeout.ms": OUTAGE_S * 1000,
            "linger.ms": 0,
        }
    )
    encoder = TickEncoder(
        session.vehicle, session.session, session.names, session.units, session.rate_hz
    )

    def on_delivery(error: KafkaError | None, message: Message) -> None:
        world.history.count("ticks acknowledged" if error is None else "ticks refused")

    begun_s = time.monotonic()
    for number, (time_s, values) in enumerate(
        zip(session.times_s.tolist(), session.values.tolist(), strict=True)
    ):
        due_s = begun_s + time_s - session.times_s[0]
        while (pause_s := due_s - time.monotonic()) > 0:
            producer.poll(min(pause_s, 0.05))
        producer.produce(
            topic,
            encoder.encode(time_s, values),
            partition=number % 2,
            timestamp=round((time.time() + world.car_skew_s) * 1000),
            on_delivery=on_delivery,
        )
        world.history.count("ticks sent")
    world.history.note("drive over", session=session.session)
    if unsent := producer.flush(OUTAGE_S):
        raise StackError(
            f"Kafka at {world.settings.bootstrap_servers} did not take {unsent} ticks of "
            f"{session.session} within {OUTAGE_S} s"
        )


def _topic(world: World, session: Session) -> str:
    return f"{world.settings.telemetry_topic}-{session.session}"
