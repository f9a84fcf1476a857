"""Creates the project's topics, and asks Kafka where a topic ends."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from pitwall.errors import StackError
from pitwall.kafka.clients import admin, client_config
from pitwall.settings import Settings

DEAD_LETTER_BYTES = 99 << 20
"""The largest record of the dead-letter topic, in bytes.

It is larger than a broker's largest message, because a message may have come compressed.
"""


def create_topics(settings: Settings) -> None:
    """Create those of the project's topics that do not exist.

    Raises `StackError` when Kafka refuses one or does not answer.
    """
    names = (
        settings.telemetry_topic,
        settings.features_topic,
        settings.predictions_topic,
        settings.dead_letters_topic,
        settings.served_topic,
    )
    client = admin(settings)
    try:
        existing = client.list_topics(timeout=10).topics
    except KafkaException as error:
        raise _silent(settings, error) from error
    large = {settings.dead_letters_topic: {"max.message.bytes": str(DEAD_LETTER_BYTES)}}
    new = [
        NewTopic(
            name,
            num_partitions=settings.kafka_partitions,
            replication_factor=-1,
            config=large.get(name, {}),
        )
        for name in names
        if name not in existing
    ]
    if settings.schemas_topic not in existing:
        new.append(
            NewTopic(
                settings.schemas_topic,
                num_partitions=1,
                replication_factor=-1,
                config={"cleanup.policy": "compact"},
            )
        )
    _create(client, new)


def create_topic(
    settings: Settings, name: str, partitions: int, config: dict[str, str] | None = None
) -> None:
    """Create one topic, unless it exists. Raises `StackError` when Kafka refuses it."""
    _create(
        admin(settings),
        [NewTopic(name, num_partitions=partitions, replication_factor=-1, config=config or {})],
    )


def _silent(settings: Settings, error: KafkaException) -> StackError:
    """The error of a broker that does not answer, with the remedy."""
    reason = error.args[0].str()
    return StackError(
        f"Kafka at {settings.bootstrap_servers} does not answer ({reason}); see `./pitwall status`"
    )


def _create(client: AdminClient, new: list[NewTopic]) -> None:
    if not new:
        return
    for name, future in client.create_topics(new).items():
        try:
            future.result(timeout=15)
        except KafkaException as error:
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                raise StackError(f"topic {name} could not be created: {error}") from error


def end_offsets(settings: Settings, topic: str) -> dict[int, int]:
    """The next offset of each partition of `topic`; empty when the topic does not exist.

    Raises `StackError` when Kafka does not answer.
    """
    consumer = Consumer(
        {**client_config(settings), "group.id": "pitwall-offsets", "enable.auto.commit": False}
    )
    try:
        metadata = consumer.list_topics(topic, timeout=10).topics[topic]
        if metadata.error is not None:
            return {}
        ends = {}
        for number in metadata.partitions:
            partition = TopicPartition(topic, number)
            _, ends[number] = consumer.get_watermark_offsets(partition, timeout=10)
        return ends
    except KafkaException as error:
        raise _silent(settings, error) from error
    finally:
        consumer.close()


def topic_id(settings: Settings, topic: str) -> str:
    """Kafka's id of a topic, which a topic that is created anew under the name does not have.

    Raises `StackError` when Kafka does not answer or has no such topic.
    """
    # The answer comes only while the client lives.
    client = admin(settings)
    try:
        described = client.describe_topics(TopicCollection([topic]), request_timeout=10)
        return str(described[topic].result(15).topic_id)
    except KafkaException as error:
        raise StackError(
            f"Kafka at {settings.bootstrap_servers} does not describe topic {topic!r}: {error}"
        ) from error
