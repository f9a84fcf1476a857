"""The stream scorer: p424-features → p424-predictions, at a set rate for each session and model.

The predictions and the offsets of the rows that were read are one Kafka transaction: a reader of
committed messages sees each prediction once, whatever is killed and however many workers share
the partitions. `python -m pitwall.serving.scorer` runs one worker.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import time
from functools import partial
from types import FrameType

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from pitwall import logs
from pitwall.features.topic import FeatureRow, FeatureRows
from pitwall.kafka.clients import client_config
from pitwall.kafka.wire import trace_id
from pitwall.serving.deadline import in_time
from pitwall.serving.registry import Registry
from pitwall.serving.sampler import Sampler
from pitwall.serving.scorer_state import ScorerState
from pitwall.serving.scoring import predictions_of, served_of, usable
from pitwall.settings import Settings
from pitwall.training.tasks import tasks

LOG = logging.getLogger("pitwall.serving")
GROUP = "pitwall-scorer"
REWIND = 5000
"""A worker reads this many rows before the offset it takes over: they show the scored slots."""
BATCH = 5000
COMMIT_S = 1.0
"""How often the offsets are committed when nothing is to be scored, s."""
TRANSACTION_MS = 10_000
OFFSETS_S = 10.0
"""How long the group may take to add the offsets to a transaction, s."""


class Scorer:
    """One worker of the group.

    Raises `KafkaException` where only a new worker can go on; that one begins where the group is.
    """

    def __init__(
        self, settings: Settings, registry: Registry, worker: str, state: ScorerState
    ) -> None:
        self._settings, self._registry, self._state = settings, registry, state
        self._sampler = Sampler(settings.score_hz)
        self._rows = state.rows
        self._from: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._taken: set[int] = set()
        self._broken: KafkaException | None = None
        """Why this worker could not begin with its partitions."""
        self._committed_s = time.monotonic()
        self._consumer = Consumer(
            {
                **client_config(settings),
                "group.id": GROUP,
                "auto.offset.reset": "latest",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": 10_000,
                "fetch.wait.max.ms": 10,
                # One fetch each 10 ms; else a fetch for every few rows costs the broker a core.
                "fetch.min.bytes": 1_000_000,
            }
        )
        self._producer = Producer(
            {
                **client_config(settings),
                "transactional.id": f"{GROUP}-{worker}",
                "transaction.timeout.ms": TRANSACTION_MS,
                "linger.ms": 0,
                # The broker ends the transaction before within a few ms, not within 100.
                "retry.backoff.ms": 3,
                "compression.type": "lz4",
            }
        )
        self._producer.init_transactions(30)
        self._ready = settings.run_dir / (
            "scorer.ready" if worker == "1" else f"scorer-{worker}.ready"
        )
        self._consumer.subscribe(
            [settings.features_topic],
            on_assign=self._assigned,
            on_lost=self._gone,
            on_revoke=self._gone,
        )

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # The client raises no exception of ours from `poll`, but an object that nothing catches.
        try:
            self._begin(consumer, partitions)
        except KafkaException as error:
            self._broken = error

    def _begin(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Begin `REWIND` rows before the group's offset: those only show which slots are scored."""
        committed = consumer.committed(partitions, timeout=10)
        for partition in committed:
            low, high = consumer.get_watermark_offsets(partition, timeout=10)
            start = partition.offset if partition.offset >= 0 else high
            self._from[partition.partition] = start
            if partition.offset < 0:
                consumer.commit(
                    offsets=[TopicPartition(partition.topic, partition.partition, start)],
                    asynchronous=False,
                )
            partition.offset = max(low, start - REWIND)
        consumer.incremental_assign(committed)
        self._ready.write_text(str(time.time()))

    def _gone(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            self._ends.pop(partition.partition, None)
            self._taken.add(partition.partition)
        consumer.incremental_unassign(partitions)

    def step(self) -> int:
        """Score the rows that have come; gives their number. Waits 0.1 s at most for the first."""
        first = self._consumer.poll(0.1)  # `consume` would wait for a full batch
        self._taken.clear()
        rest = [] if first is None else self._consumer.consume(BATCH, timeout=0)
        if self._broken is not None:
            raise self._broken
        # A partition may have gone to another worker in the very poll that gave its message.
        own = first is not None and first.partition() not in self._taken
        polled = [first, *rest] if own else rest
        messages = [
            message for message in polled if message is not None and message.error() is None
        ]
        rows = self._fresh(messages)
        if rows or (self._ends and time.monotonic() > self._committed_s + COMMIT_S):
            self._commit(rows)
        return len(messages)

    def _fresh(self, messages: list[Message]) -> list[FeatureRow]:
        """The rows to score. Notes how far each partition has been read."""
        fresh = []
        for message in messages:
            partition, offset = message.partition(), message.offset()
            assert partition is not None and offset is not None
            new = offset >= self._from.get(partition, 0)
            if new:
                self._ends[partition] = offset + 1
            head = self._rows.head(message)
            if head is None or not self._sampler.take(*head[1:]):
                continue
            if (row := self._rows.one(message)) is None:
                self._sampler.give_back()
            elif new:
                fresh.append(row)
        return fresh

    def _commit(self, rows: list[FeatureRow]) -> None:
        topic, producer = self._settings.features_topic, self._producer
        producer.begin_transaction()
        try:
            for model in self._registry.serving() if rows else ():
                try:
                    fit, matrix = usable(rows, model, partial(self._state.unfit, model))
                    predictions = predictions_of(fit, matrix, model) if fit else []
                except Exception:
                    first = rows[0]
                    LOG.exception(
                        "version %s of %s (%s) fails on %d rows, which are left out",
                        model.version,
                        model.name,
                        model.role,
                        len(rows),
                        extra={
                            "trace_id": trace_id(first.vehicle, first.session, first.event_time)
                        },
                    )
                    continue
                for prediction in predictions:
                    key = prediction.prediction_id
                    self._produce(
                        self._settings.predictions_topic,
                        prediction.session,
                        prediction.message(key),
                        prediction.headers(key),
                    )
                if model.role == "champion":
                    for vector in served_of(fit, matrix, model):
                        self._produce(
                            self._settings.served_topic, vector.session, vector.message(), []
                        )
            places = [TopicPartition(topic, p, end) for p, end in self._ends.items()]
            group = self._consumer.consumer_group_metadata()
            # When the connection to the group's coordinator is lost, librdkafka 2.16 may wait
            # for minutes, whatever time the call gives it. A new worker has new connections.
            in_time(
                lambda: producer.send_offsets_to_transaction(places, group, OFFSETS_S),
                OFFSETS_S + 2,
                "send_offsets_to_transaction",
            )
            producer.commit_transaction(10)
        except KafkaException as error:
            if error.args[0].txn_requires_abort():
                producer.abort_transaction(10)
            raise
        self._ends.clear()
        self._committed_s = time.monotonic()

    def _produce(
        self, topic: str, key: str, value: bytes, headers: list[tuple[str, bytes]]
    ) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, headers=list(headers))
                return
            except BufferError:
                self._producer.poll(0.1)

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self._ready.unlink(missing_ok=True)
        self._consumer.close()


def run(settings: Settings, worker: str) -> None:
    """Score until SIGTERM or SIGINT.

    Where Kafka refuses something, a new worker begins at the group's offsets.
    """
    stop = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal stop
        stop = True

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    logs.setup(settings)
    registry = Registry(settings, lambda: tasks(settings))
    state = ScorerState(FeatureRows(settings, "car_state", "scorer"), registry)
    state.serve(settings)
    while not stop:  # without models the rows would be left out
        try:
            registry.refresh()
            break
        except Exception as error:
            LOG.warning("the model registry: %s; asking again", error)
            state.pulse.beat()
            time.sleep(1)
    threads = [registry.follow(), state.rows.follow()]
    try:
        while not stop:
            scorer = None
            try:
                scorer = Scorer(settings, registry, worker, state)
                while not stop:
                    scorer.step()
                    state.pulse.beat()
            except KafkaException as error:
                LOG.warning("Kafka: %s; beginning again", error)
                state.pulse.beat()
                time.sleep(1)
            except Exception as error:
                state.pulse.fail(error)
                time.sleep(1)
            finally:
                if scorer is not None:
                    scorer.close()
    finally:
        for thread in threads:
            thread.close(3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--worker",
        default=os.environ.get("PITWALL_WORKER", "1"),
        help="its own name among the workers",
    )
    run(Settings(), parser.parse_args().worker)
