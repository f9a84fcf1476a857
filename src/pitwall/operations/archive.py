"""Raw topics on S3, record by record as they were on Kafka.

An object (a `Part`) holds a run of records of one partition. It lies in the bucket `archive` as
`<topic>/<partition>/<first offset>-<last offset>.parquet`, with the columns offset, timestamp_ms,
key, value and headers. Parts may overlap, where two runs archived a topic at the same time. The
object `<topic>/topic-id` holds Kafka's id of the topic, which another topic of that name lacks.
"""

from __future__ import annotations

import heapq
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pitwall.settings import Settings
from pitwall.stores.s3 import read_object, s3_client, s3_errors

BUCKET = "archive"
TOPIC_ID = "topic-id"
PIECE_BYTES = 8 << 20
"""An object is sent in pieces, one after the other: the server holds a piece in memory."""


@dataclass(frozen=True)
class Part:
    """One object: the records of a partition from offset `first` to `last`, both included."""

    topic: str
    partition: int
    first: int
    last: int
    size: int = 0
    """Bytes of the object, compressed."""

    @property
    def key(self) -> str:
        """The object's name in the bucket."""
        return f"{self.topic}/{self.partition:05d}/{self.first:020d}-{self.last:020d}.parquet"


@dataclass(frozen=True, order=True)
class Record:
    """One Kafka record. Records are ordered by time, then partition and offset."""

    timestamp_ms: int
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class Archive:
    """The bucket `archive`. Every method raises `StoreError` when S3 does not answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._s3 = s3_client(settings)

    def parts(self, topic: str | None = None) -> list[Part]:
        """The parts of one topic or (None) of all, in order of topic, partition and offset."""
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

    def topic_id(self, topic: str) -> str | None:
        """Kafka's id of the topic that is archived under this name; None where none is noted."""
        from minio.error import S3Error

        with s3_errors(self._settings):
            try:
                return read_object(self._s3, BUCKET, f"{topic}/{TOPIC_ID}").decode()
            except S3Error as error:
                if error.code == "NoSuchKey":
                    return None
                raise

    def note_topic_id(self, topic: str, topic_id: str) -> None:
        """Note Kafka's id of the topic that is archived under this name."""
        content = topic_id.encode()
        with s3_errors(self._settings):
            self._s3.put_object(BUCKET, f"{topic}/{TOPIC_ID}", io.BytesIO(content), len(content))

    def write(self, topic: str, partition: int, records: list[Record]) -> Part:
        """Write these records of one partition, with rising offsets, as one part."""
        return self.replace(Part(topic, partition, records[0].offset, records[-1].offset), records)

    def replace(self, part: Part, records: list[Record]) -> Part:
        """Write these records as the part, whose name stays. Readers see the old ones or these."""
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
        part = replace(part, size=buffer.tell())
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
        """The records of one part, in order of their offsets."""
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
        """All records of a topic, each once.

        They are in order of offset within a partition, and of time between partitions.
        """
        by_partition: dict[int, list[Part]] = {}
        for part in self.parts(topic):
            by_partition.setdefault(part.partition, []).append(part)
        yield from heapq.merge(
            *(self._partition(parts) for parts in by_partition.values()),
            key=lambda r: r.timestamp_ms,
        )

    def _partition(self, parts: list[Part]) -> Iterator[Record]:
        """The records of one partition's parts, each once although parts may overlap."""
        after = -1
        for part in parts:
            if part.last > after:
                for record in self.read(part):
                    if record.offset > after:
                        after = record.offset
                        yield record
