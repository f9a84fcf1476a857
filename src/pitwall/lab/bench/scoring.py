"""The stream scorer beside bare consumption of the same topic."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from pitwall.features import load as load_features
from pitwall.lab.bench.model import INPUTS, MODEL, VEHICLE, register_model
from pitwall.lab.bench.result import Load, Result, machine_state
from pitwall.lab.bench.stage import stage
from pitwall.lab.progress import Step
from pitwall.settings import Settings

ROWS, QUICK_ROWS = 300_000, 60_000
SESSIONS = 20
TICK_US = 20_000
FIRST_EVENT_US = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z, µs since the epoch."""
FIRST_RECORD_US = 1_790_000_000_000_000


def score(load: Load, step: Step) -> Result:
    """Feature rows a second through one worker of the stream scorer.

    Each session has 50 rows a second, of which 10 are scored. The peer consumes the same topic
    without scoring.
    """
    from pitwall.kafka.topics import end_offsets

    conditions = machine_state()
    rows = QUICK_ROWS if load.quick else ROWS
    step("starting servers", None)
    with stage("kafka", "s3", "mlflow") as (settings, _):
        register_model(settings)
        seconds, cpu_s = _score(settings, rows, step)
        step("consuming without scoring", None)
        bare_s = _consume(settings, rows)
        predictions = sum(end_offsets(settings, settings.predictions_topic).values())
    return Result(
        name="score",
        value=round(rows / seconds),
        unit="feature rows/s, one worker",
        peer="consuming the same topic without scoring",
        peer_value=round(rows / bare_s),
        ratio=round(bare_s / seconds, 3),
        n=rows,
        seconds=round(seconds, 2),
        conditions={
            **conditions,
            "cpu_s": round(cpu_s, 2),
            "predictions": predictions,
            "predictions_s": round(predictions / seconds),
            "sessions": SESSIONS,
            "features": INPUTS,
        },
    )


def _score(settings: Settings, rows: int, step: Step) -> tuple[float, float]:
    """Write the rows, then score them all; seconds of the clock and of the CPU that scoring took.

    The scorer joins its group first, because it begins at the topic's end.
    """
    from pitwall.features.topic import FeatureRows
    from pitwall.serving.registry import Registry
    from pitwall.serving.scorer import Scorer
    from pitwall.serving.scorer_state import ScorerState

    registry = Registry(settings, lambda: (MODEL,))
    registry.refresh()
    state = ScorerState(FeatureRows(settings, "car_state", "scorer"), registry)
    scorer = Scorer(settings, registry, "bench", state)
    while not (settings.run_dir / "scorer-bench.ready").exists():
        scorer.step()
    step("writing feature rows", None)
    _write(settings, rows)
    step("scoring", 0.0)
    begun_s, begun_cpu_s, scored = time.monotonic(), time.process_time(), 0
    while scored < rows:
        scored += scorer.step()
        step("scoring", scored / rows)
    seconds, cpu_s = time.monotonic() - begun_s, time.process_time() - begun_cpu_s
    scorer.close()
    return seconds, cpu_s


def _write(settings: Settings, rows: int) -> None:
    """Write rows of random features to the features topic, as the job does."""
    from confluent_kafka import Producer

    from pitwall.kafka.clients import client_config

    features = load_features(settings.feature_repo)[-1]
    producer: Any = Producer(
        {
            **client_config(settings),
            "queue.buffering.max.messages": 400_000,
            "linger.ms": 20,
            "compression.type": "lz4",
        }
    )
    random = np.random.default_rng(3)
    schema = bytes.fromhex(features.schema)[::-1]
    for row in range(rows):
        tick, car = divmod(row, SESSIONS)
        times = np.array([FIRST_EVENT_US + tick * TICK_US, FIRST_RECORD_US + tick * TICK_US], "<i8")
        values = random.normal(size=len(features.names)).astype("<f8")
        record = schema + times.tobytes() + values.tobytes() + VEHICLE.encode()
        session = f"20260101-0000{car:02d}-bench".encode()
        while True:
            try:
                producer.produce(settings.features_topic, record, session)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush(60)


def _consume(settings: Settings, rows: int) -> float:
    """Seconds to read the rows and do nothing with them."""
    from confluent_kafka import Consumer, TopicPartition

    from pitwall.kafka.clients import client_config
    from pitwall.kafka.topics import end_offsets

    consumer = Consumer(
        {
            **client_config(settings),
            "group.id": "bare",
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 10,
        }
    )
    ends = end_offsets(settings, settings.features_topic)
    consumer.assign([TopicPartition(settings.features_topic, partition, 0) for partition in ends])
    begun, consumed = time.monotonic(), 0
    while consumed < rows:
        consumed += len(consumer.consume(5000, timeout=0.02))
    seconds = time.monotonic() - begun
    consumer.close()
    return seconds
