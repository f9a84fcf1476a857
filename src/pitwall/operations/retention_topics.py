"""Retention of Kafka's topics: how long each is configured to keep its messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pitwall.errors import StackError
from pitwall.operations.due import DAY_S, Due
from pitwall.settings import Settings

RETENTION = "retention.ms"
"""Kafka's own setting; -1 keeps messages for ever."""


def due(settings: Settings, days: float) -> Iterator[Due]:
    """The stack's topics that are not configured to keep messages for `days`.

    Raises `StackError` when Kafka does not answer.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import ConfigResource, ResourceType

    from pitwall.kafka.clients import admin

    client = admin(settings)
    wanted_ms = str(round(days * DAY_S * 1000))
    names = (
        settings.telemetry_topic,
        settings.features_topic,
        settings.predictions_topic,
        settings.dead_letters_topic,
    )
    try:
        present = set(client.list_topics(timeout=10).topics)
        answers = client.describe_configs(
            [ConfigResource(ResourceType.TOPIC, name) for name in names if name in present]
        )
        configured_ms = {
            resource.name: future.result(10)[RETENTION].value
            for resource, future in answers.items()
        }
    except KafkaException as error:
        raise StackError(
            f"Kafka at {settings.bootstrap_servers} does not answer ({error}); "
            "start it: ./pitwall up kafka"
        ) from error
    for name, value_ms in configured_ms.items():
        if value_ms != wanted_ms:
            kept = "for ever" if value_ms == "-1" else f"{int(value_ms) / 1000 / DAY_S:g} days"
            what = f"{name}: kept {kept}, would be {days:g} days"
            yield Due("topics", what, None, None, _configuration(client, name, wanted_ms))


def _configuration(client: Any, topic: str, wanted_ms: str) -> Callable[[], None]:
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

    def configure() -> None:
        entry = ConfigEntry(RETENTION, wanted_ms, incremental_operation=AlterConfigOpType.SET)
        change = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        for future in client.incremental_alter_configs([change]).values():
            future.result(10)

    return configure
