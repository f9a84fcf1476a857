"""The producer of a bridge: it waits for a Kafka that is away, and counts what never arrives."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from pitwall.car.bridges.counts import Counts
from pitwall.car.bridges.ticks import Encoders, Tick
from pitwall.kafka.clients import client_config
from pitwall.settings import Settings

PATIENCE_S = 300
"""A tick that Kafka has not acknowledged after so many seconds is given up and counted."""
QUEUE = 50_000
"""Ticks that wait for Kafka at most; then the bridge itself waits."""
QUEUE_KIB = 131_072
WAIT_S = 0.1


class Delivery:
    """Sends ticks to one topic. librdkafka finds the brokers again by itself, for ever."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        counts: Counts,
        producer: Callable[[dict[str, object]], Any] = Producer,
    ) -> None:
        self._config: dict[str, object] = {
            **client_config(settings),
            "compression.type": "lz4",
            "enable.idempotence": True,
            "linger.ms": 5,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": QUEUE,
            "queue.buffering.max.kbytes": QUEUE_KIB,
            "message.max.bytes": 67_000_000,
            "delivery.timeout.ms": PATIENCE_S * 1000,
        }
        self._topic = topic
        self._counts = counts
        self._make = producer
        self._producer = producer(self._config)
        self._encoders = Encoders()

    def send(self, tick: Tick, give_up: Callable[[], bool] = lambda: False) -> None:
        """Give a tick to the producer; waits while its queue is full, until `give_up()` is true.

        A tick that is given up counts as undelivered.
        """
        payload = self._encoders.encode(tick)
        while True:
            try:
                self._producer.produce(self._topic, payload, on_delivery=self._delivered)
                break
            except BufferError:
                if give_up():
                    self._counts.undelivered += 1
                    return
                self._producer.poll(WAIT_S)
            except KafkaException as error:
                self._counts.newest_fault = f"Kafka: {error.args[0].str()}"
                if error.args[0].fatal():
                    # A producer with a fatal error takes nothing any more.
                    self._producer.flush(WAIT_S)
                    self._producer = self._make(self._config)
                elif not error.args[0].retriable():
                    self._counts.undelivered += 1
                    return
                time.sleep(WAIT_S)
                if give_up():
                    self._counts.undelivered += 1
                    return
        self._counts.samples += len(tick.values)
        self._counts.bytes += len(payload)
        self._producer.poll(0)

    def poll(self) -> None:
        """Take Kafka's acknowledgements, without waiting."""
        self._producer.poll(0)

    def close(self, timeout_s: float) -> None:
        """Wait until Kafka has acknowledged all, or count the rest as undelivered."""
        left = self._producer.flush(timeout_s)
        if left:
            self._counts.undelivered += left
            self._counts.newest_fault = f"Kafka has not taken {left:,} ticks in {timeout_s:g} s"

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._counts.ticks += 1
        else:
            self._counts.undelivered += 1
            self._counts.newest_fault = f"Kafka did not take a tick: {error.str()}"
