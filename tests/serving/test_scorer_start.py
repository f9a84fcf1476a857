"""Where a worker of the stream scorer begins to read."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from served import feature_record
from shared_stack import SharedStack
from waiting import wait

from pitwall.features.topic import FeatureRows
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import create_topic
from pitwall.serving import scorer as scorer_module
from pitwall.serving.scorer import Scorer
from pitwall.serving.scorer_state import ScorerState
from pitwall.settings import Settings

pytestmark = pytest.mark.integration
ROWS = 20
NO_MODELS: Any = SimpleNamespace(serving=list)


@pytest.fixture
def settings(shared_stack: SharedStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings with a features topic of `ROWS` rows and a group of their own."""
    stack = shared_stack.start("kafka")
    settings = stack.model_copy(update={"features_topic": "scorer-start-features"})
    monkeypatch.setattr(scorer_module, "GROUP", "scorer-start")
    create_topic(settings, settings.features_topic, 1)
    producer = Producer(client_config(settings))
    for tick in range(ROWS):
        key, value = feature_record(settings, "20260101-000000-start", tick * 20_000, tick)
        producer.produce(settings.features_topic, value, key)
    assert producer.flush(30) == 0
    yield settings


def offsets_in_transaction(
    settings: Settings, worker: str, offset: int, commit: bool
) -> tuple[Producer, Consumer]:
    """A worker that stores this offset in a transaction, which it commits or leaves open."""
    consumer = Consumer(
        {**client_config(settings), "group.id": "scorer-start", "enable.auto.commit": False}
    )
    producer = Producer(
        {
            **client_config(settings),
            "transactional.id": f"scorer-start-{worker}",
            "transaction.timeout.ms": 20_000,
        }
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    place = TopicPartition(settings.features_topic, 0, offset)
    producer.send_offsets_to_transaction([place], consumer.consumer_group_metadata(), 30)
    if commit:
        producer.commit_transaction(30)
    return producer, consumer


def test_a_worker_waits_for_the_open_transaction_of_another_and_skips_no_row(
    settings: Settings,
) -> None:
    """The other worker was killed before it committed. Its transaction ends after a while."""
    _, first = offsets_in_transaction(settings, "2", 5, commit=True)
    first.close()
    killed, second = offsets_in_transaction(settings, "2", 12, commit=False)
    second.close()
    starts: list[int] = []
    state = ScorerState(FeatureRows(settings, "car_state", "scorer"), NO_MODELS)

    def begun() -> bool:
        worker = Scorer(settings, NO_MODELS, "1", state)
        try:
            wait(lambda: worker.step() >= 0 and bool(worker._from), 30, "the worker's partition")
            starts.append(worker._from[0])
        except KafkaException:
            pass  # `run` makes a new worker
        finally:
            worker.close()
        return bool(starts)

    wait(begun, 90, "a worker that begins")
    assert starts == [5]
    del killed
