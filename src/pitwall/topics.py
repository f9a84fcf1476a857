"""The topics, and how to reach Kafka."""

from __future__ import annotations

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from pitwall.errors import StackError
from pitwall.settings import Settings


def _quiet(*_: object) -> None:
    """librdkafka logs refused connections while a broker starts; callers report them themselves."""


def client_config(settings: Settings) -> dict[str, object]:
    """Settings every Kafka client shares."""
    return {"bootstrap.servers": settings.bootstrap_servers, "error_cb": _quiet, "log_level": 0}


def admin(settings: Settings) -> AdminClient:
    """A Kafka administration client."""
    return AdminClient(client_config(settings))


def create_topics(settings: Settings) -> None:
    """Create the project's topics where they are missing."""
    names = (
        settings.telemetry_topic,
        settings.features_topic,
        settings.predictions_topic,
        settings.dead_letters_topic,
    )
    client = admin(settings)
    existing = client.list_topics(timeout=10).topics
    new = [NewTopic(n, num_partitions=settings.kafka_partitions, replication_factor=1) for n in names if n not in existing]
    if not new:
        return
    for name, future in client.create_topics(new).items():
        try:
            future.result(timeout=15)
        except KafkaException as error:
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                raise StackError(f"topic {name} could not be created: {error}") from error


def end_offsets(settings: Settings, topic: str) -> dict[int, int]:
    """The next offset of each partition of `topic`; empty when it does not exist."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({**client_config(settings), "group.id": "pitwall-offsets", "enable.auto.commit": False})
    try:
        metadata = consumer.list_topics(topic, timeout=10).topics[topic]
        if metadata.error is not None:
            return {}
        return {
            partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)[1]
            for partition in metadata.partitions
        }
    finally:
        consumer.close()
