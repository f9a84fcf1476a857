"""The stream scorer: p424-features → p424-predictions, at a settable rate for each session and model.

At least once: offsets are committed after the predictions are acknowledged; ids are deterministic, so that a reader
can drop what it has seen. `python -m pitwall.serving.scorer`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from types import FrameType

import numpy as np
from confluent_kafka import Consumer, KafkaError, Message, Producer

from pitwall.errors import StackError
from pitwall.serving.prediction import Prediction
from pitwall.serving.registry import Champion, Champions
from pitwall.serving.served import Served
from pitwall.settings import Settings
from pitwall.topics import FeatureRows, client_config
from pitwall.training.tasks import TASKS
from pitwall.wire import FeatureRow


class Sampler:
    """Lets through one row a session, vehicle and slot of 1/`hz` seconds of event time."""

    def __init__(self, hz: float) -> None:
        self._slot_s = 1 / hz
        self._last: dict[tuple[str, str], int] = {}

    def take(self, row: FeatureRow) -> bool:
        """Whether this row is the first of its slot."""
        key = (row.vehicle, row.session)
        slot = int(row.event_us / (self._slot_s * 1e6) + 1e-6)
        if self._last.get(key) == slot:
            return False
        self._last[key] = slot
        return True


def score(rows: list[FeatureRow], champion: Champion) -> list[Prediction]:
    """Predictions for feature rows; a row without a finite value gives none."""
    matrix = np.full((len(rows), len(champion.inputs)), np.nan)
    at: dict[tuple[str, ...], list[int]] = {}
    for i, row in enumerate(rows):
        if row.names not in at:
            at[row.names] = [row.names.index(name) if name in row.names else -1 for name in champion.inputs]
        matrix[i] = np.append(row.values, np.nan)[at[row.names]]
    return [
        Prediction(
            champion.name, champion.version, row.vehicle, row.session, row.event_time, float(value),
            champion.unit, champion.feature_service, champion.definitions, "stream",
        )
        for row, value in zip(rows, champion.predict(matrix), strict=True)
        if np.isfinite(value)
    ]  # fmt: skip


def served(rows: list[FeatureRow], champion: Champion) -> Iterator[Served]:
    """The vectors `score` asks the champion with, for the log."""
    for row in rows:
        known = dict(zip(row.names, row.values.tolist(), strict=True))
        values = [known.get(name) for name in champion.inputs]
        yield Served(champion.feature_service, row.view, row.vehicle, row.session, row.event_us, champion.inputs, values, "stream")


def run(settings: Settings) -> None:
    """Score until SIGTERM or SIGINT."""
    stop = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal stop
        stop = True

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    champions = Champions(settings, tuple(TASKS))
    champions.refresh()
    following = champions.follow()
    consumer = Consumer(
        {
            **client_config(settings),
            "group.id": "pitwall-scorer",
            "auto.offset.reset": "latest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 10,
        }
    )
    producer = Producer({**client_config(settings), "enable.idempotence": True, "linger.ms": 2, "compression.type": "lz4"})
    failures: list[KafkaError] = []

    def on_delivery(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failures.append(error)

    sampler = Sampler(settings.score_hz)
    reader = FeatureRows(settings, "car_state")
    ready = settings.run_dir / "scorer.ready"
    consumer.subscribe([settings.features_topic], on_assign=lambda *_: ready.write_text(str(time.time())))
    try:
        while not stop:
            messages = consumer.consume(500, timeout=0.02)
            if not messages:
                continue
            rows = [row for row in reader.read(messages) if sampler.take(row)]
            if rows:
                for champion in champions.loaded.values():
                    for vector in served(rows, champion):
                        producer.produce(settings.served_topic, vector.message(), vector.session, on_delivery=on_delivery)
                    for prediction in score(rows, champion):
                        producer.produce(
                            settings.predictions_topic, prediction.message(), prediction.session, on_delivery=on_delivery
                        )
            if producer.flush(30) or failures:
                raise StackError(f"Kafka did not take a prediction: {failures[:1] or 'no answer in 30 s'}")
            consumer.commit(asynchronous=True)
    finally:
        following.set()
        ready.unlink(missing_ok=True)
        consumer.close()


if __name__ == "__main__":
    run(Settings())
