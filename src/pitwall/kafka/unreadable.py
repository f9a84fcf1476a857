"""What a reader of topics does with a message that it cannot use: count it, say so, and go on."""

from __future__ import annotations

import logging
import time
from collections import Counter

from confluent_kafka import Message

from pitwall.errors import WireError

LOG = logging.getLogger("pitwall.kafka")
SAID_EVERY_S = 10.0
"""At most one damaged message of each topic is logged in so many seconds; all are counted."""


class Unreadable:
    """The messages that one reader could not use.

    A `WireError` says that the message is damaged. Any other error is a fault of the reader and is
    logged with its traceback; the reader leaves the message out all the same.
    """

    def __init__(self, reader: str) -> None:
        self.reader = reader
        """Name of the reader, for log lines and metrics."""
        self.damaged: Counter[str] = Counter()
        """Damaged messages by topic."""
        self.failed: Counter[str] = Counter()
        """Messages that met a fault of the reader, by topic."""
        self.newest = ""
        """The newest of them and what is wrong with it, as a sentence; empty before the first."""
        self._said_s: dict[str, float] = {}

    @property
    def total(self) -> int:
        """All messages that were left out."""
        return self.damaged.total() + self.failed.total()

    def add(self, message: Message, error: Exception) -> None:
        """Count a message that was left out because of this error, and log it."""
        topic = str(message.topic())
        damaged = isinstance(error, WireError)
        (self.damaged if damaged else self.failed)[topic] += 1
        what = str(error) if damaged else f"{type(error).__name__}: {error}"
        self.newest = f"{topic}/{message.partition()} @ {message.offset()}: {what[:300]}"
        now_s = time.monotonic()
        if now_s - self._said_s.get(topic, -SAID_EVERY_S) < SAID_EVERY_S:
            return
        self._said_s[topic] = now_s
        LOG.warning(
            "the %s leaves out %s (%d so far)",
            self.reader,
            self.newest,
            self.damaged[topic] + self.failed[topic],
            exc_info=None if damaged else error,
        )
