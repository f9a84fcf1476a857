"""Raw topics on S3, record by record as they were, and back onto Kafka byte for byte.

An object holds a run of one partition: `<topic>/<partition>/<first offset>-<last offset>.parquet` in the bucket `archive`, with
columns offset, timestamp_ms, key, value, headers. Where the archive goes on is what it already holds: nothing is committed
to Kafka, so a run that was killed writes no record twice, and two runs at once do no harm.
"""

from __future__ import annotations

import heapq
import io
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pitwall.errors import StackError, UsageError
from pitwall.kafka.clients import admin, client_config
from pitwall.kafka.topics import DEAD_LETTER_BYTES, create_topic, end_offsets
from pitwall.settings import Settings
from pitwall.stores.s3 import read_object, s3_client, s3_errors

BUCKET = "archive"
PIECE_BYTES = 8 << 20
"""An object is sent in pieces, one after the other: the server holds a piece in memory."""
PART_BYTES = 64 << 20
"""A part is written when it holds so many bytes, uncompressed,"""
PART_AGE_S = 10.0
"""or when its first record has waited so long."""


@dataclass(frozen=True)
class Part:
    """One object: a run of a partition's records, both ends included. `size` in bytes, compressed."""

    topic: str
    partition: int
    first: int
    last: int
    size: int = 0

    @property
    def key(self) -> str:
        """Name in the bucket."""
        return f"{self.topic}/{self.partition:05d}/{self.first:020d}-{self.last:020d}.parquet"


@dataclass(frozen=True, order=True)
class Record:
    """One Kafka record as it was. Ordered by time, then place."""

    timestamp_ms: int
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class Archive:
    """Raises `StoreError` when S3 does not answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._s3 = s3_client(settings)

    def parts(self, topic: str | None = None) -> list[Part]:
        """What the archive holds, by topic, partition and offset."""
        prefix = f"{topic}/" if topic else ""
        with s3_errors(self._settings):
            entries = list(self._s3.list_objects(BUCKET, prefix, recursive=True))
        parts = []
        for entry in entries:
            name = re.fullmatch(r"(.+)/(\d{5})/(\d{20})-(\d{20})\.parquet", str(entry.object_name))
            if name:
                partition, first, last = map(int, name.groups()[1:])
                parts.append(Part(name[1], partition, first, last, entry.size or 0))
        return sorted(parts, key=lambda part: (part.topic, part.partition, part.first, part.last))

    def write(self, topic: str, partition: int, records: list[Record]) -> Part:
        """Write these records, of rising offsets, as one part."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        headers = pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))
        table = pa.table(
            {
                "offset": pa.array([r.offset for r in records], pa.int64()),
                "timestamp_ms": pa.array([r.timestamp_ms for r in records], pa.int64()),
                "key": pa.array([r.key for r in records], pa.binary()),
                "value": pa.array([r.value for r in records], pa.binary()),
                "headers": pa.array(
                    [[{"key": k, "value": v} for k, v in r.headers] for r in records], headers
                ),
            }
        )
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd", use_dictionary=False)
        part = Part(topic, partition, records[0].offset, records[-1].offset, buffer.tell())
        buffer.seek(0)
        with s3_errors(self._settings):
            self._s3.put_object(
                BUCKET,
                part.key,
                buffer,
                part.size,
                part_size=PIECE_BYTES,
                num_parallel_uploads=1,
            )
        return part

    def read(self, part: Part) -> Iterator[Record]:
        """The records of one part."""
        import pyarrow.parquet as pq

        with s3_errors(self._settings):
            body = read_object(self._s3, BUCKET, part.key)
        for row in pq.read_table(io.BytesIO(body)).to_pylist():
            headers = tuple((header["key"], header["value"]) for header in row["headers"])
            yield Record(
                row["timestamp_ms"],
                part.partition,
                row["offset"],
                row["key"],
                row["value"],
                headers,
            )

    def records(self, topic: str) -> Iterator[Record]:
        """All records of a topic, each once: in order within a partition, by time between them."""
        by_partition: dict[int, list[Part]] = {}
        for part in self.parts(topic):
            by_partition.setdefault(part.partition, []).append(part)
        yield from heapq.merge(
            *(self._partition(parts) for parts in by_partition.values()),
            key=lambda r: r.timestamp_ms,
        )

    def _partition(self, parts: list[Part]) -> Iterator[Record]:
        after = -1
        for part in parts:
            if part.last > after:
                for record in self.read(part):
                    if record.offset > after:
                        after = record.offset
                        yield record


def store(
    settings: Settings,
    pattern: str,
    *,
    once: bool,
    on_part: Callable[[Part], None] = lambda part: None,
) -> int:
    """Archive the topics whose whole name matches `pattern`, from where the archive ends; gives the records written.

    With `once` what they hold now; else until interrupted, topics that appear meanwhile included. Raises `StackError` when Kafka
    does not answer, `UsageError` when a topic was made anew under the name of an archived one.
    """
    from confluent_kafka import Consumer, TopicPartition

    archive = Archive(settings)
    consumer = Consumer(
        {
            **client_config(settings),
            "group.id": "pitwall-archive",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "receive.message.max.bytes": DEAD_LETTER_BYTES + (1 << 20),
        }
    )
    waiting: dict[tuple[str, int], list[Record]] = {}
    sizes: dict[tuple[str, int], int] = {}
    since: dict[tuple[str, int], float] = {}
    ends: dict[tuple[str, int], int] = {}
    at: dict[tuple[str, int], int] = {}
    written, looked = 0, 0.0

    def look() -> None:
        for topic in admin(settings).list_topics(timeout=10).topics:
            if re.fullmatch(pattern, topic):
                held: dict[int, int] = {}
                new = {(topic, p): end for p, end in end_offsets(settings, topic).items()}
                if new.keys() - ends.keys():
                    for part in archive.parts(topic):
                        held[part.partition] = max(held.get(part.partition, 0), part.last + 1)
                for place, end in new.items():
                    if place not in ends:
                        start = held.get(place[1], 0)
                        if start > end:
                            raise UsageError(
                                f"topic {topic!r} ends at offset {end}, the archive holds it to {start - 1}: it was made anew; "
                                f"replay the archived one to another name, or move its objects away"
                            )
                        low, _ = consumer.get_watermark_offsets(
                            TopicPartition(topic, place[1]), timeout=10
                        )
                        at[place] = max(start, low)
                        ends[place] = end
        consumer.assign(
            [TopicPartition(topic, partition, offset) for (topic, partition), offset in at.items()]
        )

    def flush(place: tuple[str, int]) -> None:
        nonlocal written
        on_part(archive.write(*place, waiting[place]))
        written += len(waiting.pop(place))
        del sizes[place], since[place]

    try:
        while True:
            now = time.monotonic()
            if not looked or (not once and now - looked > 5):
                look()
                looked = now
            for message in consumer.consume(1000, timeout=0.2) if at else []:
                if message.error() is not None:
                    raise StackError(f"Kafka at {settings.bootstrap_servers}: {message.error()}")
                place = (str(message.topic()), int(message.partition() or 0))
                offset, value = int(message.offset() or 0), message.value()
                if offset < at[place]:
                    continue
                at[place] = offset + 1
                headers = tuple(
                    (str(k), v if v is None or isinstance(v, bytes) else str(v).encode())
                    for k, v in message.headers() or ()
                )
                key = message.key()
                waiting.setdefault(place, []).append(
                    Record(message.timestamp()[1], place[1], offset, key, value, headers)
                )
                sizes[place] = sizes.get(place, 0) + len(value or b"") + len(key or b"")
                since.setdefault(place, now)
                if sizes[place] >= PART_BYTES:
                    flush(place)
            if once and all(at[place] >= end for place, end in ends.items()):
                break
            if not once:
                time.sleep(0 if at else 1)
                for place in [p for p, begun in since.items() if now - begun > PART_AGE_S]:
                    flush(place)
    finally:
        for place in list(waiting):
            flush(place)
        consumer.close()
    return written


def replay(
    settings: Settings, topic: str, target: str, on_record: Callable[[], None] = lambda: None
) -> int:
    """Produce an archived topic to `target`: keys, values, headers and partitions as they were, times anew. Gives the records sent.

    Raises `UsageError` for a topic that is not archived or a target with too few partitions, `StackError` when Kafka takes one not.
    """
    from confluent_kafka import KafkaError, Message, Producer

    archive = Archive(settings)
    partitions = max((part.partition + 1 for part in archive.parts(topic)), default=0)
    if not partitions:
        raise UsageError(f"topic {topic!r} is not archived; see `./pitwall archive list`")
    create_topic(settings, target, partitions, {"max.message.bytes": str(DEAD_LETTER_BYTES)})
    if (there := len(end_offsets(settings, target))) < partitions:
        raise UsageError(
            f"topic {target!r} has {there} partitions, the archived one {partitions}; replay to another: --to NAME"
        )
    failures: list[KafkaError] = []

    def on_delivery(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failures.append(error)

    producer = Producer(
        {
            **client_config(settings),
            "enable.idempotence": True,
            "linger.ms": 5,
            "message.max.bytes": DEAD_LETTER_BYTES,
        }
    )
    sent = 0
    for record in archive.records(topic):
        while True:
            try:
                producer.produce(
                    target,
                    record.value,
                    record.key,
                    partition=record.partition,
                    headers=list(record.headers),
                    on_delivery=on_delivery,
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
        sent += 1
        on_record()
    if producer.flush(60) or failures:
        raise StackError(
            f"Kafka at {settings.bootstrap_servers} did not take {len(failures) or len(producer)} of {sent} records: {failures[:1]}"
        )
    return sent
