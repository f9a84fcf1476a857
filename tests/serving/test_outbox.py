"""A message that Kafka refuses is set aside, and those behind it go on."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path

import pytest
from confluent_kafka import Consumer
from shared_stack import SharedStack
from waiting import wait

from pitwall.kafka.clients import admin, client_config
from pitwall.kafka.topics import create_topic, end_offsets
from pitwall.serving.outbox import Outbox
from pitwall.serving.prediction import Prediction
from pitwall.settings import Settings

pytestmark = pytest.mark.integration
TOPIC_LIMIT = 4096
CLIENT_LIMIT = 1_000_000


def prediction(session: str, unit: str = "s") -> Prediction:
    time = "2026-01-01T00:00:00.000Z"
    return Prediction(
        "lap_time", 3, "car", session, time, time, 1.5, 1.0, 2.0, unit, "lap_v1", "d", "stream"
    )


@pytest.fixture
def settings(shared_stack: SharedStack, tmp_path: Path) -> Settings:
    """Settings of the shared stack with a topic of their own, which takes 4 KiB a message."""
    stack = shared_stack.start("kafka")
    topic = f"outbox-{uuid.uuid4().hex}"
    create_topic(stack, topic, 1, {"max.message.bytes": str(TOPIC_LIMIT)})
    return stack.model_copy(update={"predictions_topic": topic})


def keys_on(settings: Settings) -> list[str]:
    consumer = Consumer(
        {
            **client_config(settings),
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([settings.predictions_topic])
    total = sum(end_offsets(settings, settings.predictions_topic).values())
    keys: list[str] = []
    while len(keys) < total:
        keys += [str(message.key(), "utf-8") for message in consumer.consume(total, 1.0)]
    consumer.close()
    return keys


@pytest.mark.parametrize("size", [TOPIC_LIMIT, 2 * CLIENT_LIMIT])
def test_what_comes_after_a_refused_message_arrives(
    settings: Settings, tmp_path: Path, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "outbox.db"
    outbox = Outbox(settings, path)
    large = prediction("large", unit="s" * size)
    with caplog.at_level(logging.ERROR, "pitwall.serving"):
        outbox.put([prediction("before"), large, prediction("after")], [])
        wait(lambda: outbox.waiting() == 0, 30)
        outbox.put([prediction("later")], [])
        wait(lambda: outbox.waiting() == 0, 30)
    assert sorted(keys_on(settings)) == ["after", "before", "later"]
    assert outbox.refused() == 1
    [record] = [r for r in caplog.records if "refuses" in r.message]
    assert "'large'" in record.message and settings.predictions_topic in record.message
    outbox.close()


def test_a_refused_message_is_sent_once_the_topic_takes_it(
    settings: Settings, tmp_path: Path
) -> None:
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

    path = tmp_path / "outbox.db"
    outbox = Outbox(settings, path)
    outbox.put([prediction("large", unit="s" * TOPIC_LIMIT)], [])
    wait(lambda: outbox.refused() == 1, 30)
    outbox.close()
    entry = ConfigEntry("max.message.bytes", "900000", incremental_operation=AlterConfigOpType.SET)
    change = ConfigResource(
        ResourceType.TOPIC, settings.predictions_topic, incremental_configs=[entry]
    )
    client = admin(settings)
    for future in client.incremental_alter_configs([change]).values():
        future.result(10)
    again = Outbox(settings, path)
    wait(lambda: keys_on(settings) == ["large"], 30)
    wait(lambda: again.waiting() == 0, 30)
    assert again.refused() == 0
    again.close()


def test_messages_of_a_topic_that_is_not_there_hold_nothing_up(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "outbox.db"
    absent = settings.model_copy(update={"predictions_topic": "not a topic"})
    first = Outbox(absent, path)
    first.put([prediction("lost") for _ in range(600)], [])
    first.close()
    second = Outbox(settings, path)
    second.put([prediction("good")], [])
    wait(lambda: keys_on(settings) == ["good"], 60)
    assert second.waiting() == 600
    second.close()
