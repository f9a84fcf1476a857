"""A producer like librdkafka's, in memory, that can be full, away or broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException


class FakeProducer:
    """Takes messages while it has room and acknowledges them when it is polled."""

    def __init__(self, config: dict[str, object] | None = None, room: int = 10**9) -> None:
        self.config = config or {}
        self.room = room
        self.away = False
        self.failing: KafkaError | None = None
        """What the next call of `produce` raises."""
        self.messages: list[tuple[str, bytes]] = []
        self._open: list[tuple[str, bytes, Callable[..., None]]] = []

    def produce(self, topic: str, value: bytes, on_delivery: Callable[..., None]) -> None:
        if self.failing is not None:
            error, self.failing = self.failing, None
            raise KafkaException(error)
        if len(self._open) >= self.room:
            raise BufferError("Local: Queue full")
        self._open.append((topic, value, on_delivery))

    def poll(self, timeout_s: float) -> int:
        if not self.away:
            for topic, value, on_delivery in self._open:
                self.messages.append((topic, value))
                on_delivery(None, None)
            self._open.clear()
        return 0

    def flush(self, timeout_s: float) -> int:
        self.poll(0)
        return len(self._open)

    def ticks(self) -> list[list[dict[str, Any]]]:
        """The messages as the job reads them: a list of channel objects each."""
        return [json.loads(value) for _, value in self.messages]

    def samples(self, channel: str) -> list[tuple[float, float]]:
        """Time and value of each sample of a channel, by its name."""
        return [
            (sample["Timestamp"], sample["ChannelValue"])
            for tick in self.ticks()
            for sample in tick
            if sample["ChannelName"] == channel
        ]
