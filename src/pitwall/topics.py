"""The topics, and how to reach Kafka."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable

import numpy as np
from confluent_kafka import KafkaException, Message
from confluent_kafka.admin import AdminClient, NewTopic

from pitwall.errors import StackError
from pitwall.features import FeatureSet, load
from pitwall.settings import Settings
from pitwall.wire import FeatureRow

DEAD_LETTER_BYTES = 99 << 20
"""A record of the dead-letter topic at most: more than a broker takes of one message, for that may come compressed."""


def _quiet(*_: object) -> None:
    """librdkafka logs refused connections while a broker starts; callers report them themselves."""


def client_config(settings: Settings) -> dict[str, object]:
    """Settings every Kafka client shares."""
    security = settings.kafka_protocol
    config: dict[str, object] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "error_cb": _quiet,
        "log_level": 0,
    }
    if security != "PLAINTEXT":
        config["security.protocol"] = security
    if security.endswith("SSL"):
        config["ssl.ca.location"] = str(settings.authority)
    if security.startswith("SASL"):
        password = settings.secret("kafka").get_secret_value()
        config |= {
            "sasl.mechanism": settings.kafka_mechanism,
            "sasl.username": settings.kafka_user,
            "sasl.password": password,
        }
    return config


SHADED = "org.apache.flink.kafka.shaded.org.apache.kafka.common"
"""Where Flink's connector keeps its Kafka."""


def java_client_config(settings: Settings, classes: str = SHADED) -> dict[str, str]:
    """The same for the jobs' clients, whose `classes` are in that package. The password stays in its file, which they read."""
    security = settings.kafka_protocol
    config = {"bootstrap.servers": settings.bootstrap_servers}
    if security != "PLAINTEXT":
        config["security.protocol"] = security
    if security.endswith("SSL"):
        config |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(settings.authority)}
    if security.startswith("SASL"):
        file = settings.secret_file("kafka", settings.secret("kafka"))
        module = (
            "plain.PlainLoginModule"
            if settings.kafka_mechanism == "PLAIN"
            else "scram.ScramLoginModule"
        )
        config |= {
            "sasl.mechanism": settings.kafka_mechanism,
            "sasl.jaas.config": f'{classes}.security.{module} required username="{settings.kafka_user}" '
            f'password="${{file:{file.parent}:{file.name}}}";',
            "config.providers": "file",
            "config.providers.file.class": f"{classes}.config.provider.DirectoryConfigProvider",
        }
    return config


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
        settings.served_topic,
    )
    client = admin(settings)
    existing = client.list_topics(timeout=10).topics
    large = {settings.dead_letters_topic: {"max.message.bytes": str(DEAD_LETTER_BYTES)}}
    new = [
        NewTopic(
            n,
            num_partitions=settings.kafka_partitions,
            replication_factor=-1,
            config=large.get(n, {}),
        )
        for n in names
        if n not in existing
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
    """Create one topic, unless it is there."""
    _create(
        admin(settings),
        [NewTopic(name, num_partitions=partitions, replication_factor=-1, config=config or {})],
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
    """The next offset of each partition of `topic`; empty when it does not exist."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer(
        {**client_config(settings), "group.id": "pitwall-offsets", "enable.auto.commit": False}
    )
    try:
        metadata = consumer.list_topics(topic, timeout=10).topics[topic]
        if metadata.error is not None:
            return {}
        return {
            partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)[
                1
            ]
            for partition in metadata.partitions
        }
    finally:
        consumer.close()


def publish_schema(settings: Settings, features: FeatureSet) -> None:
    """Tell readers of the features topic which columns the records of this view hold."""
    from confluent_kafka import Producer

    producer = Producer(client_config(settings))
    value = {"view": features.name, "definitions": features.digest, "features": features.names}
    producer.produce(settings.schemas_topic, json.dumps(value), features.schema)
    if producer.flush(15):
        raise StackError(
            f"Kafka at {settings.bootstrap_servers} did not take the schema of {features.name}"
        )


TIMES = struct.Struct("<qq")


class FeatureRows:
    """Reads records of the features topic: all, or those of one view.

    Knows the columns of the feature repository, and looks up any others.
    """

    def __init__(self, settings: Settings, view: str | None = None) -> None:
        self._settings = settings
        self._view = view
        self._columns = {
            bytes.fromhex(s.schema)[::-1]: (s.name, tuple(s.names))
            for s in load(settings.feature_repo)
        }

    def read(self, messages: Iterable[Message]) -> list[FeatureRow]:
        """The rows of these messages, in their order; one whose columns nobody published is left out."""
        return [row for row in map(self.one, messages) if row is not None]

    def one(self, message: Message) -> FeatureRow | None:
        """The row of one message; None for one of another view, or whose columns nobody published."""
        value, key = message.value(), message.key()
        if value is None or key is None or message.error() is not None:
            return None
        known = self._columns.get(value[:8])
        if known is None:
            self._look_up()
            known = self._columns.setdefault(value[:8], ("", ()))
        view, names = known
        if not names or self._view not in (None, view):
            return None
        event_us, created_us = TIMES.unpack_from(value, 8)
        values = np.frombuffer(value, "<f8", len(names), 24)
        return FeatureRow(
            view,
            value[24 + 8 * len(names) :].decode(),
            key.decode(),
            event_us,
            created_us,
            names,
            values,
        )

    def _look_up(self) -> None:
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer(
            {
                **client_config(self._settings),
                "group.id": "pitwall-schemas",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        try:
            consumer.assign([TopicPartition(self._settings.schemas_topic, 0, 0)])
            while (message := consumer.poll(5)) is not None and message.error() is None:
                key, value = message.key(), message.value()
                if key is not None and value is not None:
                    schema = json.loads(value)
                    self._columns[bytes.fromhex(key.decode())[::-1]] = (
                        schema["view"],
                        tuple(schema["features"]),
                    )
        finally:
            consumer.close()
