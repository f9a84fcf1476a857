"""How long after its record in Kafka a row can be read in the online store, with cars live."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import numpy as np
import orjson

from pitwall.car.replay import produce
from pitwall.lab.bench.ingest import CARS, CHANNELS, cars
from pitwall.lab.bench.result import Load, Result, Step, machine
from pitwall.lab.bench.stage import stage
from pitwall.machine import processes as process
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment
from pitwall.stores.names import online_table

HZ = 50
WARM_UP_S = 60
SECONDS = 60
QUICK_S = 20
POLL_S = 0.004
"""Rest between two looks at the store; the figures contain it."""


def freshness(load: Load, step: Step) -> Result:
    """Milliseconds from a tick's Kafka timestamp to its row, or a newer one, read from Cassandra:
    20 cars at 50 Hz.
    """
    count, channels = load.cars or CARS, load.channels or CHANNELS
    seconds = WARM_UP_S + (QUICK_S if load.quick else SECONDS)
    conditions = machine()
    step("starting servers", None)
    with stage(
        "kafka", "cassandra", parallelism="2", kafka_partitions="2", quick_start="false"
    ) as (settings, stack):
        from pitwall.stores.repository import apply

        step("feast apply", None)
        apply(settings)
        step("starting the job", None)
        stack.start(["flink"])
        car = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pitwall.lab.bench.freshness",
                str(count),
                str(channels),
                str(seconds * HZ),
            ],
            env=child_environment(settings),
            cwd=settings.repository,
            preexec_fn=process.die_with_parent,
        )
        try:
            looks = _watch(settings, car, f"{count} cars live", seconds, step)
        finally:
            process.end([car.pid])
        delays, missing = _delays(settings, looks)
    p50, p99 = np.percentile(delays, [50, 99])
    return Result(
        "freshness",
        round(float(p99), 1),
        "ms p99, Kafka record to readable online row; less is better",
        None,
        None,
        None,
        len(delays),
        float(seconds - WARM_UP_S),
        {
            **conditions,
            "p50_ms": round(float(p50), 1),
            "max_ms": round(float(delays.max()), 1),
            "missing": missing,
            "cars": count,
            "hz": HZ,
            "channels": channels,
            "partitions": 2,
            "parallelism": 2,
            "looks_s": round(len(looks) / seconds),
        },
    )


def _watch(
    settings: Settings, car: subprocess.Popen[bytes], text: str, seconds: float, step: Step
) -> list[tuple[float, dict[str, int]]]:
    """Look at all cars' rows until the cars have stopped: wall clock (ms) and each session's event
    time (ms) there.
    """
    from pitwall.stores.cassandra.connect import connect

    store = connect(settings)
    try:
        look = store.prepare(
            "SELECT session, event_timestamp "
            f'FROM {settings.keyspace}."{online_table("pitwall", "car_state")}"'
        )
        looks: list[tuple[float, dict[str, int]]] = []
        begun = time.time()
        last = None
        while last is None or time.time() < last:
            rows = store.execute(look)
            now = time.time()
            looks.append((now * 1000, {row[0]: round(row[1].timestamp() * 1000) for row in rows}))
            if last is None and car.poll() is not None:
                last = now + 2
            step(text, min(1.0, (now - begun) / seconds))
            time.sleep(POLL_S)
        return looks
    finally:
        store.cluster.shutdown()


def _delays(settings: Settings, looks: list[tuple[float, dict[str, int]]]) -> tuple[Any, int]:
    """Delay (ms) of every tick sent after the warm-up, and how many were never there.

    The ticks are read from the topic.
    """
    from confluent_kafka import Consumer, TopicPartition

    from pitwall.kafka.clients import client_config
    from pitwall.kafka.topics import end_offsets

    sent: dict[str, list[tuple[int, int]]] = {}
    ends = end_offsets(settings, settings.telemetry_topic)
    consumer = Consumer(
        {**client_config(settings), "group.id": "bench", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(settings.telemetry_topic, p, 0) for p in ends])
    left = sum(ends.values())
    while left > 0:
        for message in consumer.consume(1000, timeout=10):
            left -= 1
            first = orjson.loads(message.value())[0]
            sent.setdefault(first["SessionId"], []).append(
                (_event_ms(first["SessionId"], first["Timestamp"]), message.timestamp()[1])
            )
    consumer.close()
    start = min(record for ticks in sent.values() for _, record in ticks) + WARM_UP_S * 1000
    delays: list[float] = []
    missing = 0
    for session, ticks in sent.items():
        there = np.maximum.accumulate([look.get(session, 0) for _, look in looks])
        at = np.array([now for now, _ in looks])
        event, record = np.array([tick for tick in ticks if tick[1] >= start]).T
        found = np.searchsorted(there, event)
        missing += int((found == len(at)).sum())
        seen = found < len(at)
        delays += (at[found[seen]] - record[seen]).tolist()
    return np.array(delays), missing


def _event_ms(session: str, time_s: float) -> int:
    from datetime import UTC, datetime

    start = datetime.strptime(session[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    return round(start.timestamp() * 1000) + round(time_s * 1e6) // 1000


def main() -> None:
    """The cars, in a process of their own: COUNT CHANNELS TICKS."""
    count, channels, ticks = (int(text) for text in sys.argv[1:])
    produce(Settings(), cars(count, channels, ticks), speed=1.0, together=True)


if __name__ == "__main__":
    main()
