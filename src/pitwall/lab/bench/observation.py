"""Observes the whole chain from outside while cars drive: predictions, lag, and memory."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import httpx

from pitwall.errors import StackError
from pitwall.lab.progress import Step
from pitwall.machine import processes
from pitwall.settings import Settings

if TYPE_CHECKING:
    from confluent_kafka import Consumer

SERVERS = ("serving", "scorer", "flink", "kafka", "cassandra")
SAMPLE_S = 5.0
"""Pause between two samples of lag, memory and outbox."""


@dataclass
class Observation:
    """What was observed during `seconds`."""

    seconds: float
    delays_ms: list[float] = field(default_factory=list)
    """Of each prediction of the stream: from the Kafka record of its tick until it was read."""
    doubled: int = 0
    """Predictions whose id had been read before."""
    lag_rows: list[int] = field(default_factory=list)
    """By sample: feature rows that the scorer had not read yet."""
    memory_mb: list[dict[str, float]] = field(default_factory=list)
    """By sample: memory of each of the `SERVERS` with its children."""
    outbox_max: int = 0
    """The most messages that waited in the endpoint's outbox."""
    tracebacks: int = 0
    """Tracebacks in the logs of endpoint and scorer."""


def observe(settings: Settings, seconds: float, step: Step) -> Observation:
    """Watch the chain for `seconds`. Raises `StackError` when a server ends meanwhile."""
    observation = Observation(round(seconds, 1))
    reader, begun = _PredictionReader(settings, observation), time.monotonic()
    with ThreadPoolExecutor(1, "samples") as pool:
        sampling = pool.submit(_sample, settings, observation, begun, seconds, step)
        while time.monotonic() < begun + seconds and not sampling.done():
            reader.read()
        sampling.result()
    reader.close()
    observation.tracebacks = sum(
        (settings.log_dir / f"{name}.log").read_text().count("Traceback")
        for name in ("serving", "scorer")
    )
    return observation


class _PredictionReader:
    """Reads the committed predictions from now on, and adds those of the stream."""

    def __init__(self, settings: Settings, observation: Observation) -> None:
        from confluent_kafka import Consumer, TopicPartition

        from pitwall.kafka.clients import client_config
        from pitwall.kafka.topics import end_offsets

        self._observation = observation
        self._ids: set[str] = set()
        topic = settings.predictions_topic
        self._consumer = Consumer(
            {
                **client_config(settings),
                "enable.auto.commit": False,
                "group.id": "soak",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 5,
            }
        )
        self._consumer.assign(
            [
                TopicPartition(topic, partition, end)
                for partition, end in end_offsets(settings, topic).items()
            ]
        )

    def read(self) -> None:
        """Read what has come. Waits 0.05 s at most for the first prediction."""
        first = self._consumer.poll(0.05)  # `consume` would wait for a full batch
        messages = [] if first is None else [first, *self._consumer.consume(200, timeout=0)]
        for message in messages:
            value = message.value()
            if message.error() is not None or value is None:
                continue
            prediction = json.loads(value)
            if prediction["source"] == "stream":
                self._add(prediction["prediction_id"], prediction["record_time"])

    def _add(self, prediction_id: str, record_time: str) -> None:
        delay_s = time.time() - datetime.fromisoformat(record_time).timestamp()
        self._observation.delays_ms.append(delay_s * 1000)
        self._observation.doubled += prediction_id in self._ids
        self._ids.add(prediction_id)

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()


def _sample(
    settings: Settings, observation: Observation, begun: float, seconds: float, step: Step
) -> None:
    """Add a sample every `SAMPLE_S` until `seconds` after `begun`, s of the monotonic clock."""
    from confluent_kafka import Consumer

    from pitwall.kafka.clients import client_config
    from pitwall.serving.scorer import GROUP

    group = Consumer({**client_config(settings), "enable.auto.commit": False, "group.id": GROUP})
    while (elapsed := time.monotonic() - begun) < seconds:
        step("soaking", elapsed / seconds)
        observation.lag_rows.append(_lag(settings, group))
        observation.memory_mb.append({name: _memory_mb(settings, name) for name in SERVERS})
        observation.outbox_max = max(observation.outbox_max, _outbox(settings))
        time.sleep(SAMPLE_S)
    group.close()


def _lag(settings: Settings, group: Consumer) -> int:
    """Rows of the features topic beyond the offsets that this consumer's group committed."""
    from confluent_kafka import TopicPartition

    from pitwall.kafka.topics import end_offsets

    topic = settings.features_topic
    ends = end_offsets(settings, topic)
    offsets = group.committed([TopicPartition(topic, partition) for partition in ends], timeout=10)
    return sum(ends[offset.partition] - max(offset.offset, 0) for offset in offsets)


def _memory_mb(settings: Settings, server: str) -> float:
    """Resident memory of a server and its children, MB. Raises `StackError` when it has ended."""
    running = processes.find(settings.run_dir, server)
    if running is None:
        raise StackError(f"{server} ended meanwhile; see {settings.log_dir / server}.log")
    return running.memory_mb()


def _outbox(settings: Settings) -> int:
    """Number of messages in the endpoint's outbox, by its metrics."""
    metrics = httpx.get(f"{settings.serving_url}/predict-metrics").text
    line = next(line for line in metrics.splitlines() if line.startswith("pitwall_predict_outbox "))
    return round(float(line.split()[1]))
