"""Archive raw topics: read them from Kafka and write their records to S3, part by part.

A run goes on where the archive ends. Nothing is committed to Kafka, so a run after one that was
killed writes no record twice, and two runs at the same time do no harm.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pitwall.errors import StackError, UsageError
from pitwall.kafka.clients import admin, client_config
from pitwall.kafka.topics import DEAD_LETTER_BYTES, end_offsets, topic_id
from pitwall.operations.archive import Archive, Part, Record
from pitwall.settings import Settings

PART_BYTES = 64 << 20
"""A part is written when its records have this many bytes, uncompressed."""
PART_AGE_S = 10.0
"""A part is also written when its first record has waited this long."""
ANEW = (
    "the topic was created anew; replay the archived one under another name (--to NAME), "
    "or move its objects away"
)
LOOK_S = 5.0
"""How often a run looks for new topics and partitions."""


def store(
    settings: Settings,
    pattern: str,
    *,
    once: bool,
    on_part: Callable[[Part], None] = lambda part: None,
) -> int:
    """Archive the topics whose whole name matches the regular expression `pattern`.

    Returns the number of records written.
    With `once` it archives what the topics hold now. Else it goes on until it is interrupted, and
    takes in topics that appear meanwhile. `on_part` is called after each part. Raises `StackError`
    when Kafka does not answer, `StoreError` when S3 does not, and `UsageError` when a topic was
    created anew under the name of an archived one.
    """
    archiver = _Archiver(settings, pattern, on_part)
    try:
        archiver.run(once)
    finally:
        archiver.close()
    return archiver.written


@dataclass
class _Partition:
    """How far a partition is read, and its records that wait for their part."""

    topic: str
    number: int
    next_offset: int
    end: int
    """The partition's end when it was first seen."""
    waiting: list[Record] = field(default_factory=list)
    size: int = 0
    """Bytes of the keys and values that wait."""
    since_s: float = 0.0
    """When the first of them came, by the monotonic clock."""


class _Archiver:
    """One run: the consumer and the partitions that it reads."""

    def __init__(self, settings: Settings, pattern: str, on_part: Callable[[Part], None]) -> None:
        from confluent_kafka import Consumer

        self.written = 0
        self._settings = settings
        self._pattern = pattern
        self._on_part = on_part
        self._archive = Archive(settings)
        self._partitions: dict[tuple[str, int], _Partition] = {}
        self._consumer = Consumer(
            {
                **client_config(settings),
                "group.id": "pitwall-archive",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "receive.message.max.bytes": DEAD_LETTER_BYTES + (1 << 20),
            }
        )

    def run(self, once: bool) -> None:
        """Read and write; with `once` until each partition's end, else for ever."""
        self._look()
        looked_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            if not once and now_s - looked_s > LOOK_S:
                self._look()
                looked_s = now_s
            partitions = self._partitions.values()
            for message in self._consumer.consume(1000, timeout=0.2) if partitions else []:
                self._take(message, now_s)
            if once and all(partition.next_offset >= partition.end for partition in partitions):
                return
            if not once:
                time.sleep(0 if partitions else 1)
                for partition in partitions:
                    if partition.waiting and now_s - partition.since_s > PART_AGE_S:
                        self._write(partition)

    def close(self) -> None:
        """Write the records that wait, and leave Kafka."""
        try:
            for partition in self._partitions.values():
                if partition.waiting:
                    self._write(partition)
        finally:
            self._consumer.close()

    def _look(self) -> None:
        """Take in the partitions of matching topics that are not read yet."""
        from confluent_kafka import TopicPartition

        known = len(self._partitions)
        for topic in admin(self._settings).list_topics(timeout=10).topics:
            if re.fullmatch(self._pattern, topic):
                self._add(topic)
        if len(self._partitions) > known:
            self._consumer.assign(
                [
                    TopicPartition(partition.topic, partition.number, partition.next_offset)
                    for partition in self._partitions.values()
                ]
            )

    def _add(self, topic: str) -> None:
        from confluent_kafka import TopicPartition

        ends = end_offsets(self._settings, topic)
        new = {
            number: end for number, end in ends.items() if (topic, number) not in self._partitions
        }
        archived: dict[int, int] = {}
        """The offset behind the archive's last record, by partition."""
        if new:
            self._check_same(topic)
        for part in self._archive.parts(topic) if new else []:
            archived[part.partition] = max(archived.get(part.partition, 0), part.last + 1)
        for number, end in new.items():
            start = archived.get(number, 0)
            if start > end:
                raise UsageError(
                    f"topic {topic!r} ends at offset {end}, but the archive holds it to offset "
                    f"{start - 1}: {ANEW}"
                )
            low, _ = self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
            self._partitions[topic, number] = _Partition(topic, number, max(start, low), end)
        if new and self._archive.topic_id(topic) is None:
            self._archive.note_topic_id(topic, topic_id(self._settings, topic))

    def _check_same(self, topic: str) -> None:
        """Raise `UsageError` where the topic is not the one that was archived under its name.

        Offsets alone do not tell: those of a topic that was created anew soon pass the old ones.
        """
        present = topic_id(self._settings, topic)
        archived = self._archive.topic_id(topic)
        if archived not in (None, present):
            raise UsageError(
                f"topic {topic!r} has the id {present}, but the archive holds the one with the id "
                f"{archived}: {ANEW}"
            )

    def _take(self, message: Any, now_s: float) -> None:
        """Put one message among the records that wait; `now_s` is the time, monotonic."""
        if message.error() is not None:
            servers = self._settings.bootstrap_servers
            raise StackError(f"Kafka at {servers}: {message.error()}")
        partition = self._partitions[message.topic(), message.partition()]
        offset, key, value = message.offset(), message.key(), message.value()
        if offset < partition.next_offset:
            return
        partition.next_offset = offset + 1
        headers = tuple((name, _bytes(content)) for name, content in message.headers() or ())
        if not partition.waiting:
            partition.since_s = now_s
        partition.waiting.append(
            Record(message.timestamp()[1], partition.number, offset, key, value, headers)
        )
        partition.size += len(value or b"") + len(key or b"")
        if partition.size >= PART_BYTES:
            self._write(partition)

    def _write(self, partition: _Partition) -> None:
        """Write the records that wait as one part.

        They are left out where the topic was created anew, because they may be of either topic.
        """
        self._check_same(partition.topic)
        part = self._archive.write(partition.topic, partition.number, partition.waiting)
        self._on_part(part)
        self.written += len(partition.waiting)
        partition.waiting, partition.size = [], 0


def _bytes(content: bytes | str | None) -> bytes | None:
    """A header's content; the client may give it as text."""
    return content.encode() if isinstance(content, str) else content
