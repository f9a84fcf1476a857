"""The whole chain with cars live: how long a record takes to its prediction; and for a quarter of
an hour, the endpoint under load.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import numpy as np

from pitwall.lab.bench.freshness import HZ
from pitwall.lab.bench.ingest import CARS, CHANNELS, cars
from pitwall.lab.bench.model import MODEL, model_of_the_bench
from pitwall.lab.bench.result import Load, Result, Step, machine
from pitwall.lab.bench.stage import stage
from pitwall.machine import processes as process
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment

SECONDS, QUICK_SECONDS = 60.0, 20.0
MINUTES = 15.0
QUICK_MINUTES = 2.0
SERVERS = ("serving", "scorer", "flink", "kafka", "cassandra")
RATE_HZ = 100
"""Requests a second, in turn about each car, of so many clients:"""
CLIENTS = 4
SAMPLE_S = 5.0
WARM_UP_S = 120
"""The JVMs of Kafka, Flink and Cassandra still compile before."""


def record_to_prediction(load: Load, step: Step) -> Result:
    """Milliseconds from a car's record in Kafka to its prediction, read committed: 20 cars at 50
    Hz, 10 predictions a second each.
    """
    conditions, seen, _ = _chain(load, QUICK_SECONDS if load.quick else SECONDS, 0, step)
    delays = np.array(seen.delays_ms)
    p50, p99 = np.percentile(delays, (50, 99)).round(1).tolist()
    return Result(
        "record-to-prediction",
        p99,
        "ms p99, Kafka record of the car to prediction heard; less is better",
        None,
        None,
        None,
        len(delays),
        seen.seconds,
        {
            **conditions,
            "p50_ms": p50,
            "max_ms": round(float(delays.max()), 1),
            "stream_twice": seen.twice,
        },
    )


def soak(load: Load, step: Step) -> Result:
    """Growth of the endpoint's and the scorer's memory (%), second fifth to last, with 20 cars at
    50 Hz and 100 requests a second.
    """
    conditions, seen, asked = _chain(
        load, 60 * (load.minutes or (QUICK_MINUTES if load.quick else MINUTES)), RATE_HZ, step
    )
    memory = {name: np.array([sample[name] for sample in seen.memory]) for name in SERVERS}
    fifth = max(1, len(seen.memory) // 5)
    both = memory["serving"] + memory["scorer"]
    before, after = float(both[fifth : 2 * fifth].mean()), float(both[-fifth:].mean())
    lag, half = np.array(seen.lag), len(seen.lag) // 2
    delays = np.array(seen.delays_ms)
    return Result(
        "soak",
        round(100 * (after / before - 1), 2),
        "% growth of memory, endpoint and scorer; less is better",
        None,
        None,
        None,
        asked["requests"],
        seen.seconds,
        {
            **conditions,
            **{
                f"{name}_mb": f"{m[fifth : 2 * fifth].mean():.0f} to {m[-fifth:].mean():.0f}"
                for name, m in memory.items()
            },
            "requests_s": round(asked["requests"] / seen.seconds, 1),
            "errors": asked["errors"],
            "tracebacks": seen.tracebacks,
            "request_p50_ms": asked["p50_ms"],
            "request_p99_ms": asked["p99_ms"],
            "stream_predictions_s": round(len(delays) / seen.seconds, 1),
            "stream_twice": seen.twice,
            **{
                f"record_to_prediction_p{q}_ms": round(float(np.percentile(delays, q)), 1)
                for q in (50, 99)
            },
            "lag_rows_first_half_max": int(lag[:half].max()),
            "lag_rows_second_half_max": int(lag[half:].max()),
            "outbox_max": seen.outbox_max,
        },
    )


def _chain(
    load: Load, seconds: float, rate_hz: float, step: Step
) -> tuple[dict[str, Any], _Seen, dict[str, Any]]:
    """Conditions, what was seen of the whole chain with cars live, and what clients met that asked
    the endpoint at this rate.
    """
    count, channels = load.cars or CARS, load.channels or CHANNELS
    conditions = machine()
    step("starting servers", None)
    servers = {
        "kafka_partitions": "2",
        "parallelism": "2",
        "quick_start": "false",
        "rate_limit": "1000000",
    }
    with stage("kafka", "cassandra", "s3", "mlflow", **servers) as (settings, stack):
        from pitwall.stores.repository import apply

        apply(settings)
        model_of_the_bench(settings)
        step("starting job, endpoint, scorer", None)
        stack.start(["flink", "serving", "scorer"])
        environment: dict[str, Any] = {
            "env": child_environment(settings),
            "cwd": settings.repository,
            "preexec_fn": process.die_with_parent,
        }
        drive = [
            sys.executable,
            "-m",
            "pitwall.lab.bench.freshness",
            str(count),
            str(channels),
            str(round((seconds + WARM_UP_S + 60) * HZ)),
        ]
        car = subprocess.Popen(drive, **environment)
        clients = None
        asked: dict[str, Any] = {}
        try:
            keys = [(session.vehicle, session.session) for session in cars(count, 1, 1)]
            _wait(settings, keys)
            step("warming up", None)
            time.sleep(WARM_UP_S)
            if rate_hz:
                questions = [
                    json.dumps({"model": MODEL, "vehicle": vehicle, "session": session})
                    for vehicle, session in keys
                ]
                asking = [
                    sys.executable,
                    "-m",
                    "pitwall.lab.bench.soak",
                    str(seconds),
                    str(rate_hz),
                    *questions,
                ]
                clients = subprocess.Popen(asking, stdout=subprocess.PIPE, **environment)
            seen = _watch(settings, seconds, step)
            if clients is not None:
                output, _ = clients.communicate(timeout=60)
                asked = json.loads(output)
        finally:
            process.end([each.pid for each in (car, clients) if each is not None])
        seen.tracebacks = sum(
            (settings.log_dir / f"{name}.log").read_text().count("Traceback")
            for name in ("serving", "scorer")
        )
    return {**conditions, "cars": count, "hz": HZ, "channels": channels}, seen, asked


def _wait(settings: Settings, keys: list[tuple[str, str]]) -> None:
    """Until the endpoint answers for each car."""
    import httpx

    headers = {"Authorization": f"Bearer {settings.secret('token').get_secret_value()}"}
    limit = time.monotonic() + 120
    with httpx.Client(base_url=settings.serving_url, headers=headers) as client:
        for vehicle, session in keys:
            while (
                answer := client.post(
                    "/predict", json={"model": MODEL, "vehicle": vehicle, "session": session}
                )
            ).status_code != 200:
                if time.monotonic() > limit:
                    raise TimeoutError(
                        f"no prediction for {session} within 120 s: {answer.text[:200]}"
                    )
                time.sleep(0.2)


class _Seen:
    """What was sampled: memory of each server (MB), rows the scorer is behind, and delays of the
    stream's predictions.
    """

    def __init__(self) -> None:
        self.memory: list[dict[str, float]] = []
        self.lag: list[int] = []
        self.delays_ms: list[float] = []
        self.ids: set[str] = set()
        self.twice = 0
        self.outbox_max = 0
        self.tracebacks = 0
        self.seconds = 0.0


def _watch(settings: Settings, seconds: float, step: Step) -> _Seen:
    from confluent_kafka import Consumer, TopicPartition

    from pitwall.kafka.clients import client_config
    from pitwall.kafka.topics import end_offsets

    base = {**client_config(settings), "enable.auto.commit": False}
    hears = Consumer(
        {**base, "group.id": "soak", "isolation.level": "read_committed", "fetch.wait.max.ms": 5}
    )
    hears.assign(
        [
            TopicPartition(settings.predictions_topic, p, end)
            for p, end in end_offsets(settings, settings.predictions_topic).items()
        ]
    )
    seen, begun = _Seen(), time.monotonic()
    seen.seconds = round(seconds, 1)
    with ThreadPoolExecutor(1, "samples") as beside:
        sampling = beside.submit(_sample, settings, seen, begun, seconds, step)
        while time.monotonic() < begun + seconds and not sampling.done():
            first = hears.poll(0.05)  # `consume` would wait for a full batch
            for message in [] if first is None else [first, *hears.consume(200, timeout=0)]:
                value = message.value()
                if message.error() is not None or value is None:
                    continue
                prediction = json.loads(value)
                if prediction["source"] == "stream":
                    seen.delays_ms.append(
                        (
                            time.time()
                            - datetime.fromisoformat(prediction["record_time"]).timestamp()
                        )
                        * 1000
                    )
                    seen.twice += prediction["prediction_id"] in seen.ids
                    seen.ids.add(prediction["prediction_id"])
        sampling.result()
    hears.close()
    return seen


def _sample(settings: Settings, seen: _Seen, begun: float, seconds: float, step: Step) -> None:
    import httpx
    from confluent_kafka import Consumer, TopicPartition

    from pitwall.kafka.clients import client_config
    from pitwall.kafka.topics import end_offsets
    from pitwall.serving.scorer import GROUP

    group = Consumer({**client_config(settings), "enable.auto.commit": False, "group.id": GROUP})
    while (now := time.monotonic() - begun) < seconds:
        step("soaking", now / seconds)
        ends = end_offsets(settings, settings.features_topic)
        places = group.committed(
            [TopicPartition(settings.features_topic, p) for p in ends], timeout=10
        )
        seen.lag.append(sum(ends[place.partition] - max(place.offset, 0) for place in places))
        seen.memory.append({name: _megabytes(settings, name) for name in SERVERS})
        metrics = httpx.get(f"{settings.serving_url}/predict-metrics").text
        waiting = next(
            line for line in metrics.splitlines() if line.startswith("pitwall_predict_outbox ")
        )
        seen.outbox_max = max(seen.outbox_max, round(float(waiting.split()[1])))
        time.sleep(SAMPLE_S)
    group.close()


def _megabytes(settings: Settings, name: str) -> float:
    """Resident memory of a server and its children. Raises `RuntimeError` when it is gone."""
    found = process.find(settings.run_dir, name)
    if found is None or found.process is None:
        raise RuntimeError(f"{name} ended while soaking; see {settings.log_dir / name}.log")
    family = [found.process, *found.process.children(recursive=True)]
    return float(sum(each.memory_info().rss for each in family if each.is_running())) / 1e6


async def _ask(
    settings: Settings, seconds: float, rate_hz: float, questions: list[str]
) -> dict[str, Any]:
    import httpx

    times: list[float] = []
    failed: Counter[str] = Counter()
    headers = {
        "Authorization": f"Bearer {settings.secret('token').get_secret_value()}",
        "Content-Type": "application/json",
    }
    begun = time.perf_counter()

    async def one(number: int, client: httpx.AsyncClient) -> None:
        for n in range(number, round(seconds * rate_hz), CLIENTS):
            await asyncio.sleep(max(0.0, begun + n / rate_hz - time.perf_counter()))
            if time.perf_counter() > begun + seconds:
                return
            asked = time.perf_counter()
            try:
                answer = await client.post("/predict", content=questions[n % len(questions)])
                if answer.status_code != 200:
                    failed[answer.json()["error"]["code"]] += 1
            except httpx.HTTPError as error:
                failed[type(error).__name__] += 1
            times.append((time.perf_counter() - asked) * 1000)

    async with httpx.AsyncClient(
        base_url=settings.serving_url, headers=headers, timeout=20
    ) as client:
        await asyncio.gather(*(one(number, client) for number in range(CLIENTS)))
    p50, p99 = np.percentile(times, (50, 99)).round(1).tolist()
    return {"requests": len(times), "errors": dict(failed), "p50_ms": p50, "p99_ms": p99}


def main() -> None:
    """The clients, in a process of their own: SECONDS RATE_HZ QUESTION…; prints what they met."""
    print(
        json.dumps(
            asyncio.run(_ask(Settings(), float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
        )
    )


if __name__ == "__main__":
    main()
