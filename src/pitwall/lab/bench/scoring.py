"""The stream scorer beside bare consumption of the same topic."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from pitwall.features import load as load_features
from pitwall.lab.bench.model import INPUTS, MODEL, VEHICLE, model_of_the_bench
from pitwall.lab.bench.result import Load, Result, Step, machine
from pitwall.lab.bench.stage import stage
from pitwall.settings import Settings

ROWS = 300_000
SESSIONS = 20
FIRST_EVENT_US, FIRST_RECORD_US, TICK_US = 1_767_225_600_000_000, 1_790_000_000_000_000, 20_000


def score(load: Load, step: Step) -> Result:
    """Feature rows a second through one worker of the stream scorer.

    The sessions have 50 rows a second, of which 10 are scored.
    """
    from pitwall.kafka.topics import end_offsets

    conditions = machine()
    rows = ROWS // 5 if load.quick else ROWS
    step("starting servers", None)
    with stage("kafka", "s3", "mlflow", quick_start="false") as (settings, _):
        model_of_the_bench(settings)
        seconds, cpu_s = _score(settings, rows, step)
        step("consuming without scoring", None)
        bare_s = _consume(settings, rows)
        predictions = sum(end_offsets(settings, settings.predictions_topic).values())
    return Result(
        "score",
        round(rows / seconds),
        "feature rows/s, one worker",
        "consuming the same topic without scoring",
        round(rows / bare_s),
        round(bare_s / seconds, 3),
        rows,
        round(seconds, 2),
        {
            **conditions,
            "cpu_s": round(cpu_s, 2),
            "predictions": predictions,
            "predictions_s": round(predictions / seconds),
            "sessions": SESSIONS,
            "features": INPUTS,
        },
    )


def _score(settings: Settings, rows: int, step: Step) -> tuple[float, float]:
    """Write the rows, then score them all; seconds of the wall and of the CPU that scoring took."""
    from pitwall.serving.registry import Registry
    from pitwall.serving.scorer import Scorer

    registry = Registry(settings, (MODEL,))
    registry.refresh()
    scorer = Scorer(settings, registry, "bench")
    while not (settings.run_dir / "scorer-bench.ready").exists():
        scorer.step()
    step("writing feature rows", None)
    _write(settings, rows)
    step("scoring", 0.0)
    begun, cpu, done = time.monotonic(), time.process_time(), 0
    while done < rows:
        done += scorer.step()
        step("scoring", done / rows)
    seconds, cpu_s = time.monotonic() - begun, time.process_time() - cpu
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
    dice = np.random.default_rng(3)
    schema = bytes.fromhex(features.schema)[::-1]
    for row in range(rows):
        tick, car = divmod(row, SESSIONS)
        times = np.array([FIRST_EVENT_US + tick * TICK_US, FIRST_RECORD_US + tick * TICK_US], "<i8")
        values = dice.normal(size=len(features.names)).astype("<f8")
        record = schema + times.tobytes() + values.tobytes() + VEHICLE.encode()
        key = f"20260101-0000{car:02d}-bench".encode()
        while True:
            try:
                producer.produce(settings.features_topic, record, key)
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
    consumer.assign(
        [
            TopicPartition(settings.features_topic, partition, 0)
            for partition in end_offsets(settings, settings.features_topic)
        ]
    )
    begun, consumed = time.monotonic(), 0
    while consumed < rows:
        consumed += len(consumer.consume(5000, timeout=0.02))
    seconds = time.monotonic() - begun
    consumer.close()
    return seconds
