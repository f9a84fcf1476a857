"""What many sessions cost the job: a thousand live cars, and a flood of sessions of one tick.

Both run the job on 1.5 GB of heap. Seen from outside: the rows of the features topic, and the job's
own metrics `sessions_open` and `state_bytes`.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.flink import status
from pitwall.flink.metrics import job_metrics
from pitwall.lab.bench.cars import CHANNELS, HZ, cars, start_cars
from pitwall.lab.bench.latency import percentiles
from pitwall.lab.bench.result import Load, Result, machine_state
from pitwall.lab.bench.stage import PARALLEL, stage
from pitwall.lab.progress import Step
from pitwall.machine import processes
from pitwall.settings import Settings

HEAP = "-Xmx1536m"
LIVE_CARS, QUICK_CARS = 1000, 200
EVERY = 10
"""Of a car's ticks at 50 Hz each of the thousand cars sends every tenth."""
ONE_TICK, QUICK_ONE_TICK = 100_000, 20_000
WARM_UP_S, SECONDS, QUICK_SECONDS = 30.0, 120.0, 40.0
LAST_ROWS_S = 5.0
"""Rows are still read for this long after the cars have stopped."""
SAMPLE_S = 1.0


@dataclass
class _Seen:
    """What was seen of the job."""

    delays_ms: list[float] = field(default_factory=list)
    """Of each row of a watched session: from the tick's Kafka time until the row was read."""
    sessions: set[str] = field(default_factory=set)
    sessions_open: float = 0.0
    """The most at one moment, as `state_bytes`."""
    state_bytes: float = 0.0
    restarts: int = 0


def live_cars(load: Load, step: Step) -> Result:
    """Milliseconds from a tick's Kafka record to its row on the features topic, 1,000 cars live."""
    count = load.cars or (QUICK_CARS if load.quick else LIVE_CARS)
    seconds = QUICK_SECONDS if load.quick else SECONDS
    conditions = machine_state()
    with _job(step) as settings:
        channels = load.channels or CHANNELS
        seen = _watch(
            settings,
            lambda: start_cars(settings, count, channels, WARM_UP_S + seconds, EVERY),
            WARM_UP_S + seconds,
            f"{count} cars live",
            step,
        )
    sent = count * round((WARM_UP_S + seconds) * HZ / EVERY)
    return _result(
        "live-cars",
        seen,
        seconds,
        {
            **conditions,
            "cars": count,
            "hz": HZ / EVERY,
            "channels": channels,
            "rows_missing": sent - len(seen.delays_ms),
            "sessions_with_rows": len(seen.sessions),
        },
    )


def one_tick_sessions(load: Load, step: Step) -> Result:
    """The same of one healthy car at 50 Hz, while 100,000 sessions of one tick come at once."""
    count = QUICK_ONE_TICK if load.quick else ONE_TICK
    seconds = QUICK_SECONDS if load.quick else SECONDS
    conditions = machine_state()
    with _job(step) as settings:
        channels = load.channels or CHANNELS
        flood = threading.Timer(WARM_UP_S, _flood, (settings, count, channels))
        flood.start()
        try:
            seen = _watch(
                settings,
                lambda: start_cars(settings, 1, channels, WARM_UP_S + seconds),
                WARM_UP_S + seconds,
                f"{count:,} sessions",
                step,
            )
        finally:
            flood.cancel()
    return _result(
        "one-tick-sessions",
        seen,
        seconds,
        {
            **conditions,
            "one_tick_sessions": count,
            "channels": channels,
            "rows_missing": round((WARM_UP_S + seconds) * HZ) - len(seen.delays_ms),
        },
    )


def _result(name: str, seen: _Seen, seconds: float, conditions: dict[str, object]) -> Result:
    latency = percentiles(seen.delays_ms)
    return Result(
        name=name,
        value=latency.p99,
        unit="ms p99, Kafka record to row on the features topic; less is better",
        peer=None,
        peer_value=None,
        ratio=None,
        n=len(seen.delays_ms),
        seconds=seconds,
        conditions={
            **conditions,
            **latency.figures("ms"),
            "max_ms": round(max(seen.delays_ms), 1),
            "heap": HEAP.removeprefix("-Xmx"),
            "sessions_open_max": round(seen.sessions_open),
            "state_mb_max": round(seen.state_bytes / 1e6, 1),
            "restarts": seen.restarts,
            "parallelism": 2,
        },
    )


@contextmanager
def _job(step: Step) -> Iterator[Settings]:
    """The whole job, with all sinks, on the heap of the benchmark."""
    step("starting servers", None)
    before = os.environ.get("JVM_ARGS")
    with stage("kafka", "cassandra", **PARALLEL) as (settings, stack):
        from pitwall.stores.repository import apply

        apply(settings)
        step("starting the job", None)
        os.environ["JVM_ARGS"] = HEAP
        try:
            stack.start(["flink"])
        finally:
            os.environ.pop("JVM_ARGS")
            if before is not None:
                os.environ["JVM_ARGS"] = before
        yield settings


def _flood(settings: Settings, count: int, channels: int) -> None:
    """One tick of each of `count` sessions, as fast as possible."""
    (tick,) = cars(1, channels, 1)
    produce(settings, (_flooding(tick, number) for number in range(count)), speed=None)


def _flooding(tick: Session, number: int) -> Session:
    return replace(tick, vehicle="flood", session=f"20260101-000000-flood-{number}")


def _watch(
    settings: Settings,
    start: Callable[[], subprocess.Popen[bytes]],
    seconds: float,
    text: str,
    step: Step,
) -> _Seen:
    """Start the benchmark's cars, and read their rows until `LAST_ROWS_S` after they stopped."""
    from confluent_kafka import Consumer, TopicPartition

    from pitwall.features.topic import SCHEMA_BYTES, TIMES
    from pitwall.kafka.clients import client_config
    from pitwall.kafka.topics import end_offsets

    seen = _Seen()
    consumer = Consumer(
        {**client_config(settings), "group.id": "bench", "enable.auto.commit": False}
    )
    topic = settings.features_topic
    consumer.assign(
        [TopicPartition(topic, p, end) for p, end in end_offsets(settings, topic).items()]
    )
    car = start()
    begun = sampled = time.monotonic()
    last = float("inf")
    try:
        while time.monotonic() < last:
            for message in consumer.consume(2000, timeout=0.05):
                key, value = message.key(), message.value()
                if message.error() is None and key is not None and key.endswith(b"-bench"):
                    _, created_us = TIMES.unpack_from(value, SCHEMA_BYTES)
                    seen.delays_ms.append(time.time() * 1000 - created_us / 1000)
                    seen.sessions.add(key.decode())
            now = time.monotonic()
            if now > sampled + SAMPLE_S:
                sampled = now
                _sample(settings, seen)
                step(text, min(1.0, (now - begun) / seconds))
            if last == float("inf") and car.poll() is not None:
                last = now + LAST_ROWS_S
        seen.restarts = status.describe(settings)[0]["restarts"]
    finally:
        consumer.close()
        processes.end([car.pid])
    return seen


def _sample(settings: Settings, seen: _Seen) -> None:
    """Note the job's metrics, where they can be read just now."""
    metrics = job_metrics(settings)
    seen.sessions_open = max(seen.sessions_open, metrics.get("sessions_open", 0.0))
    seen.state_bytes = max(seen.state_bytes, metrics.get("state_bytes", 0.0))
