"""How long after its Kafka record a tick can be read in the online store, while cars drive live."""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime

import numpy as np
import orjson
from numpy.typing import NDArray

from pitwall.lab.bench.cars import CARS, CHANNELS, HZ, driving
from pitwall.lab.bench.result import Load, Result, Step, machine, percentiles
from pitwall.lab.bench.servers import own_servers
from pitwall.settings import Settings
from pitwall.stores.names import online_table

WARM_UP_S = 60
SECONDS = 60
QUICK_SECONDS = 20
PAUSE_S = 0.004
"""Pause between two reads of the store. The figures contain it."""

Reads = list[tuple[float, dict[str, int]]]
"""For each read of the store: wall clock (ms), and the event time (ms) of each session's row."""


def freshness(load: Load, step: Step) -> Result:
    """Milliseconds from a tick's Kafka timestamp until its row, or a newer one, is in Cassandra."""
    count, channels = load.cars or CARS, load.channels or CHANNELS
    measured_s = QUICK_SECONDS if load.quick else SECONDS
    seconds = WARM_UP_S + measured_s
    conditions = machine()
    values = {"parallelism": "2", "kafka_partitions": "2", "quick_start": "false"}
    step("starting servers", None)
    with own_servers("kafka", "cassandra", **values) as (settings, stack):
        from pitwall.stores.repository import apply

        step("feast apply", None)
        apply(settings)
        step("starting the job", None)
        stack.start(["flink"])
        with driving(settings, count, channels, seconds) as car:
            reads = _read_while(settings, car, f"{count} cars live", seconds, step)
        delays_ms, missing = _delays(settings, reads)
    delay = percentiles(delays_ms, 1)
    return Result(
        "freshness",
        delay["p99"],
        "ms p99, Kafka record to readable online row; less is better",
        None,
        None,
        None,
        len(delays_ms),
        float(measured_s),
        {
            **conditions,
            **{f"{q}_ms": value for q, value in delay.items()},
            "max_ms": round(float(delays_ms.max()), 1),
            "missing": missing,
            "cars": count,
            "hz": HZ,
            "channels": channels,
            "partitions": 2,
            "parallelism": 2,
            "looks_s": round(len(reads) / seconds),
        },
    )


def _read_while(
    settings: Settings, car: subprocess.Popen[bytes], text: str, seconds: float, step: Step
) -> Reads:
    """Read the rows of all cars again and again, until 2 s after the cars' process has ended."""
    from pitwall.stores.cassandra.connect import connect

    store = connect(settings)
    try:
        table = f'{settings.keyspace}."{online_table("pitwall", "car_state")}"'
        query = store.prepare(f"SELECT session, event_timestamp FROM {table}")
        reads: Reads = []
        begun = time.time()
        last = None
        while last is None or time.time() < last:
            rows = store.execute(query)
            now = time.time()
            event_ms = {session: round(event.timestamp() * 1000) for session, event in rows}
            reads.append((now * 1000, event_ms))
            if last is None and car.poll() is not None:
                last = now + 2
            step(text, min(1.0, (now - begun) / seconds))
            time.sleep(PAUSE_S)
        return reads
    finally:
        store.cluster.shutdown()


def _delays(settings: Settings, reads: Reads) -> tuple[NDArray[np.float64], int]:
    """Delays (ms) of the ticks sent after the warm-up, and how many ticks no read ever saw."""
    ticks_by_session = _sent_ticks(settings)
    first_ms = min(record for ticks in ticks_by_session.values() for _, record in ticks)
    read_at_ms = np.array([at_ms for at_ms, _ in reads])
    delays_ms: list[float] = []
    missing = 0
    for session, ticks in ticks_by_session.items():
        newest_ms = np.maximum.accumulate([rows.get(session, 0) for _, rows in reads])
        measured = [tick for tick in ticks if tick[1] >= first_ms + WARM_UP_S * 1000]
        event_ms, record_ms = np.array(measured).T
        read = np.searchsorted(newest_ms, event_ms)
        seen = read < len(reads)
        missing += int((~seen).sum())
        delays_ms += (read_at_ms[read[seen]] - record_ms[seen]).tolist()
    return np.array(delays_ms), missing


def _sent_ticks(settings: Settings) -> dict[str, list[tuple[int, int]]]:
    """Event time and Kafka timestamp (ms) of each tick on the telemetry topic, by session."""
    from confluent_kafka import Consumer, TopicPartition

    from pitwall.kafka.clients import client_config
    from pitwall.kafka.topics import end_offsets

    ticks: dict[str, list[tuple[int, int]]] = {}
    ends = end_offsets(settings, settings.telemetry_topic)
    consumer = Consumer(
        {**client_config(settings), "group.id": "bench", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(settings.telemetry_topic, p, 0) for p in ends])
    left = sum(ends.values())
    while left > 0:
        for message in consumer.consume(1000, timeout=10):
            left -= 1
            sample = orjson.loads(message.value())[0]
            session = sample["SessionId"]
            event_ms = _event_ms(session, sample["Timestamp"])
            ticks.setdefault(session, []).append((event_ms, message.timestamp()[1]))
    consumer.close()
    return ticks


def _event_ms(session: str, time_s: float) -> int:
    """Milliseconds since the epoch, of a tick so many seconds after the session's start."""
    start = datetime.strptime(session[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    return round(start.timestamp() * 1000) + round(time_s * 1e6) // 1000
