"""Dead letters: list and show the messages that the job could not use, and send them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from confluent_kafka import Message

from pitwall.errors import StackError, UsageError
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import DEAD_LETTER_BYTES, end_offsets
from pitwall.settings import Settings

PREFIX = "__connect.errors."
"""Of the headers that say where a dead letter came from and why; Kafka Connect uses the same."""


@dataclass(frozen=True)
class DeadLetter:
    """One record of the dead-letter topic: where it came from, why, and its bytes."""

    id: str
    """`partition-offset` on the dead-letter topic."""
    time_ms: int
    """When it came to the dead-letter topic, ms since the epoch."""
    topic: str
    partition: int
    offset: int
    kind: str
    """`WireError` for a message that cannot be read, `LateTick` for a late tick."""
    reason: str
    value: bytes


def read(settings: Settings, since: Mapping[int, int] | None = None) -> Iterator[DeadLetter]:
    """All dead letters, partition by partition, or those from the offsets `since` on.

    `since` holds the first offset of each partition, as `end_offsets` gives it. Raises `StackError`
    when Kafka does not answer.
    """
    from confluent_kafka import Consumer, TopicPartition

    ends = end_offsets(settings, settings.dead_letters_topic)
    consumer = Consumer(
        {
            **client_config(settings),
            "group.id": "pitwall-dead-letters",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "receive.message.max.bytes": DEAD_LETTER_BYTES + (1 << 20),
        }
    )
    try:
        for partition, end in sorted(ends.items()):
            next_offset = (since or {}).get(partition, 0)
            consumer.assign([TopicPartition(settings.dead_letters_topic, partition, next_offset)])
            while next_offset < end:
                message = consumer.poll(10)
                if message is None:
                    raise StackError(
                        f"Kafka at {settings.bootstrap_servers} sent no dead letter within 10 s; "
                        "see `./pitwall status`"
                    )
                error = message.error()
                if error is not None:
                    if error.name() == "_PARTITION_EOF":
                        break
                    raise StackError(f"Kafka at {settings.bootstrap_servers}: {error.str()}")
                next_offset = (message.offset() or 0) + 1
                yield dead_letter(message)
    finally:
        consumer.close()


def dead_letter(message: Message) -> DeadLetter:
    """The letter that a message of the topic is; a header that says nothing is empty, or -1."""
    headers = {
        name.removeprefix(PREFIX): value.decode(errors="replace")
        for name, value in message.headers() or []
        if isinstance(value, bytes)
    }
    return DeadLetter(
        f"{message.partition()}-{message.offset()}",
        message.timestamp()[1],
        headers.get("topic", ""),
        _number(headers.get("partition")),
        _number(headers.get("offset")),
        headers.get("exception.class.name", ""),
        headers.get("exception.message", ""),
        message.value() or b"",
    )


def _number(text: str | None) -> int:
    """A partition or an offset as its header holds it; -1 where that is no such number."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else -1


def find(settings: Settings, letter_id: str) -> DeadLetter:
    """The dead letter with this id, `partition-offset`. Raises `UsageError` when there is none."""
    for letter in read(settings):
        if letter.id == letter_id:
            return letter
    raise UsageError(f"no dead letter {letter_id!r}; see `./pitwall dead-letters list`")


def send_again(settings: Settings, letters: Iterable[DeadLetter]) -> int:
    """Produce the bytes of the letters to the topics that they came from; returns how many.

    Raises `StackError` when Kafka does not acknowledge all of them.
    """
    from confluent_kafka import KafkaError, Producer

    failures: list[KafkaError] = []

    def on_delivery(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failures.append(error)

    producer = Producer(
        {
            **client_config(settings),
            "enable.idempotence": True,
            "compression.type": "lz4",
            "message.max.bytes": DEAD_LETTER_BYTES,
        }
    )
    sent = 0
    for letter in letters:
        while True:
            try:
                producer.produce(
                    letter.topic or settings.telemetry_topic, letter.value, on_delivery=on_delivery
                )
                break
            except BufferError:
                producer.poll(0.1)
        sent += 1
        producer.poll(0)
    left = producer.flush(60)
    if failures or left:
        reason = failures[0].str() if failures else "no answer in 60 s"
        raise StackError(
            f"{left + len(failures)} of {sent} dead letters were not acknowledged: {reason}; "
            "see `./pitwall status`"
        )
    return sent
