"""How long after its record in Kafka a row can be read in the online store, with cars live."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from pitwall.lab.bench.cars import CARS, CHANNELS, HZ, start_cars
from pitwall.lab.bench.latency import percentiles
from pitwall.lab.bench.result import Load, Result, machine_state
from pitwall.lab.bench.stage import PARALLEL, stage
from pitwall.lab.progress import Step
from pitwall.machine import processes
from pitwall.settings import Settings
from pitwall.stores.names import online_table

WARM_UP_S = 60
SECONDS = 60
QUICK_SECONDS = 20
POLL_S = 0.004
"""Pause between two reads of the store. The figures contain it."""
LAST_ROWS_S = 2
"""The store is still read for this long after the cars have stopped."""


class Look(NamedTuple):
    """One read of all rows of the online store."""

    at_ms: float
    """When the rows were there, ms since the epoch."""
    event_ms: dict[str, int]
    """By session id: the event time of its row, ms since the epoch."""


class Tick(NamedTuple):
    """One tick on the telemetry topic; times in ms since the epoch."""

    event_ms: int
    record_ms: int
    """Timestamp of its Kafka record."""


def freshness(load: Load, step: Step) -> Result:
    """Milliseconds from a tick's Kafka timestamp until its row, or a newer one, can be read.

    The row is read from Cassandra, and 20 cars drive at 50 Hz.
    """
    count, channels = load.cars or CARS, load.channels or CHANNELS
    seconds = WARM_UP_S + (QUICK_SECONDS if load.quick else SECONDS)
    conditions = machine_state()
    step("starting servers", None)
    with stage("kafka", "cassandra", **PARALLEL) as (settings, stack):
        from pitwall.stores.repository import apply

        step("feast apply", None)
        apply(settings)
        step("starting the job", None)
        stack.start(["flink"])
        car = start_cars(settings, count, channels, seconds)
        try:
            looks = _watch(settings, car, f"{count} cars live", seconds, step)
        finally:
            processes.end([car.pid])
        delays_ms, missing = delays(_ticks(settings), looks)
    latency = percentiles(delays_ms)
    return Result(
        name="freshness",
        value=latency.p99,
        unit="ms p99, Kafka record to readable online row; less is better",
        peer=None,
        peer_value=None,
        ratio=None,
        n=len(delays_ms),
        seconds=float(seconds - WARM_UP_S),
        conditions={
            **conditions,
            **latency.figures("ms"),
            "max_ms": round(float(delays_ms.max()), 1),
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
) -> list[Look]:
    """Read all cars' rows again and again until `LAST_ROWS_S` after the cars have stopped."""
    from pitwall.stores.cassandra.connect import connect

    store = connect(settings)
    try:
        statement = store.prepare(
            "SELECT session, event_timestamp "
            f'FROM {settings.keyspace}."{online_table("pitwall", "car_state")}"'
        )
        looks: list[Look] = []
        begun = time.time()
        last = None
        while last is None or time.time() < last:
            rows = store.execute(statement)
            now = time.time()
            event_ms = {session: round(event.timestamp() * 1000) for session, event in rows}
            looks.append(Look(now * 1000, event_ms))
            if last is None and car.poll() is not None:
                last = now + LAST_ROWS_S
            step(text, min(1.0, (now - begun) / seconds))
            time.sleep(POLL_S)
        return looks
    finally:
        store.cluster.shutdown()


def _ticks(settings: Settings) -> dict[str, list[Tick]]:
    """All ticks on the telemetry topic, by session id, in the order of their records."""
    from confluent_kafka import Consumer, TopicPartition

    from pitwall.kafka.clients import client_config
    from pitwall.kafka.topics import end_offsets

    ticks: dict[str, list[Tick]] = {}
    ends = end_offsets(settings, settings.telemetry_topic)
    consumer = Consumer(
        {**client_config(settings), "group.id": "bench", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(settings.telemetry_topic, partition, 0) for partition in ends])
    unread = sum(ends.values())
    while unread > 0:
        for message in consumer.consume(1000, timeout=10):
            unread -= 1
            sample = orjson.loads(message.value())[0]
            session = sample["SessionId"]
            tick = Tick(_event_ms(session, sample["Timestamp"]), message.timestamp()[1])
            ticks.setdefault(session, []).append(tick)
    consumer.close()
    return ticks


def _event_ms(session: str, time_s: float) -> int:
    """Event time of a tick, ms since the epoch: the start in the session's id, and its own time."""
    start = datetime.strptime(session[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    return round(start.timestamp() * 1000) + round(time_s * 1e6) // 1000


def delays(ticks: dict[str, list[Tick]], looks: Sequence[Look]) -> tuple[NDArray[np.float64], int]:
    """Delay of each tick sent after the warm-up, ms, and how many ticks never came.

    The delay ends with the first look that shows the tick's row or a newer one.
    """
    first_record_ms = min(tick.record_ms for sent in ticks.values() for tick in sent)
    start_ms = first_record_ms + WARM_UP_S * 1000
    at_ms = np.array([look.at_ms for look in looks])
    delays_ms: list[float] = []
    missing = 0
    for session, sent in ticks.items():
        newest_ms = np.maximum.accumulate([look.event_ms.get(session, 0) for look in looks])
        event_ms, record_ms = np.array([tick for tick in sent if tick.record_ms >= start_ms]).T
        first_look = np.searchsorted(newest_ms, event_ms)
        arrived = first_look < len(looks)
        missing += int((~arrived).sum())
        delays_ms += (at_ms[first_look[arrived]] - record_ms[arrived]).tolist()
    return np.array(delays_ms), missing
