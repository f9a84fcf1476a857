"""Replay an archived topic: produce its records to Kafka again, byte for byte."""

from __future__ import annotations

from collections.abc import Callable

from pitwall.errors import StackError, UsageError
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import DEAD_LETTER_BYTES, create_topic, end_offsets
from pitwall.operations.archive import Archive
from pitwall.settings import Settings


def replay(
    settings: Settings, topic: str, target: str, on_record: Callable[[], None] = lambda: None
) -> int:
    """Produce an archived topic to the topic `target`; returns the number of records sent.

    Keys, values, headers and partitions are as they were; Kafka gives new timestamps. `on_record`
    is called after each record. Raises `UsageError` for a topic that is not archived or a target
    with too few partitions, `StackError` when Kafka does not take a record, and `StoreError` when
    S3 does not answer.
    """
    from confluent_kafka import KafkaError, Message, Producer

    archive = Archive(settings)
    partitions = max((part.partition + 1 for part in archive.parts(topic)), default=0)
    if not partitions:
        raise UsageError(f"topic {topic!r} is not archived; see `./pitwall archive list`")
    create_topic(settings, target, partitions, {"max.message.bytes": str(DEAD_LETTER_BYTES)})
    target_partitions = len(end_offsets(settings, target))
    if target_partitions < partitions:
        raise UsageError(
            f"topic {target!r} has {target_partitions} partitions, the archived one {partitions}; "
            "replay to another: --to NAME"
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
        lost = len(failures) or len(producer)
        raise StackError(
            f"Kafka at {settings.bootstrap_servers} did not take {lost} of {sent} records: "
            f"{failures[:1]}"
        )
    return sent
