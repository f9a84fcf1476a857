"""The whole chain for a quarter of an hour, the endpoint under load: does memory grow, does anything fail, does the scorer fall behind?"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from typing import Any

import numpy as np

from pitwall.bench import Load, Result, Step, machine
from pitwall.bench.freshness import HZ
from pitwall.bench.ingest import CARS, CHANNELS, cars
from pitwall.bench.serving import MODEL, model_of_the_bench
from pitwall.bench.stage import stage
from pitwall.local import process
from pitwall.local.stack import child_environment
from pitwall.settings import Settings

MINUTES = 15.0
QUICK_MINUTES = 2.0
SERVERS = ("serving", "scorer", "flink", "kafka", "cassandra")
RATE_HZ = 100
"""Requests a second, in turn about each car, of so many clients:"""
CLIENTS = 4
SAMPLE_S = 5.0


def soak(load: Load, step: Step) -> Result:
    """Growth of the endpoint's and the scorer's memory (%), second fifth to last, with 20 cars at 50 Hz and 100 requests a second."""
    count, channels = load.cars or CARS, load.channels or CHANNELS
    seconds = 60 * (load.minutes or (QUICK_MINUTES if load.quick else MINUTES))
    conditions = machine()
    step("starting servers", None)
    with stage("kafka", "cassandra", "s3", "mlflow", kafka_partitions="2", rate_limit="1000000") as (settings, stack):
        from pitwall.store.repo import apply

        apply(settings)
        model_of_the_bench(settings)
        step("starting job, endpoint, scorer", None)
        stack.start(["flink", "serving", "scorer"])
        environment: dict[str, Any] = {"env": child_environment(settings), "cwd": settings.repository, "preexec_fn": process.die_with_parent}
        drive = [sys.executable, "-m", "pitwall.bench.freshness", str(count), str(channels), str(round((seconds + 60) * HZ))]
        car = subprocess.Popen(drive, **environment)
        clients = None
        try:
            keys = [(session.vehicle, session.session) for session in cars(count, 1, 1)]
            _wait(settings, keys)
            questions = [json.dumps({"model": MODEL, "vehicle": vehicle, "session": session}) for vehicle, session in keys]
            asking = [sys.executable, "-m", "pitwall.bench.soak", str(seconds), *questions]
            clients = subprocess.Popen(asking, stdout=subprocess.PIPE, **environment)
            seen = _watch(settings, seconds, step)
            output, _ = clients.communicate(timeout=60)
        finally:
            process.end([each.pid for each in (car, clients) if each is not None])
        asked = json.loads(output)
        lines = sum(text.count("Traceback") for name in ("serving", "scorer") for text in [(settings.log_dir / f"{name}.log").read_text()])
    memory = {name: np.array([sample[name] for sample in seen.memory]) for name in SERVERS}
    fifth = max(1, len(seen.memory) // 5)
    both = memory["serving"] + memory["scorer"]
    before, after = float(both[fifth : 2 * fifth].mean()), float(both[-fifth:].mean())
    lag, half = np.array(seen.lag), len(seen.lag) // 2
    delays = np.array(seen.delays_ms)
    return Result(
        "soak", round(100 * (after / before - 1), 2), "% growth of memory, endpoint and scorer; less is better", None, None, None,
        asked["requests"], round(seconds, 1),
        {
            **conditions, "cars": count, "hz": HZ, "channels": channels,
            **{f"{name}_mb": f"{m[fifth : 2 * fifth].mean():.0f} to {m[-fifth:].mean():.0f}" for name, m in memory.items()},
            "requests_s": round(asked["requests"] / seconds, 1), "errors": asked["errors"], "tracebacks": lines,
            "request_p50_ms": asked["p50_ms"], "request_p99_ms": asked["p99_ms"],
            "stream_predictions_s": round(len(delays) / seconds, 1), "stream_twice": seen.twice,
            **{f"record_to_prediction_p{q}_ms": round(float(np.percentile(delays, q)), 1) for q in (50, 99)},
            "lag_rows_first_half_max": int(lag[:half].max()), "lag_rows_second_half_max": int(lag[half:].max()), "outbox_max": seen.outbox_max,
        },
    )  # fmt: skip


def _wait(settings: Settings, keys: list[tuple[str, str]]) -> None:
    """Until the endpoint answers for each car."""
    import httpx

    headers = {"Authorization": f"Bearer {settings.secret('token').get_secret_value()}"}
    limit = time.monotonic() + 120
    with httpx.Client(base_url=settings.serving_url, headers=headers) as client:
        for vehicle, session in keys:
            while (answer := client.post("/predict", json={"model": MODEL, "vehicle": vehicle, "session": session})).status_code != 200:
                if time.monotonic() > limit:
                    raise TimeoutError(f"no prediction for {session} within 120 s: {answer.text[:200]}")
                time.sleep(0.2)


class _Seen:
    """What was sampled: memory of each server (MB), rows the scorer is behind, and delays of the stream's predictions."""

    def __init__(self) -> None:
        self.memory: list[dict[str, float]] = []
        self.lag: list[int] = []
        self.delays_ms: list[float] = []
        self.ids: set[str] = set()
        self.twice = 0
        self.outbox_max = 0


def _watch(settings: Settings, seconds: float, step: Step) -> _Seen:
    import httpx
    from confluent_kafka import Consumer, TopicPartition

    from pitwall.serving.scorer import GROUP
    from pitwall.topics import client_config, end_offsets

    base = {**client_config(settings), "enable.auto.commit": False}
    hears = Consumer({**base, "group.id": "soak", "isolation.level": "read_committed", "fetch.wait.max.ms": 5})
    hears.assign([TopicPartition(settings.predictions_topic, p, end) for p, end in end_offsets(settings, settings.predictions_topic).items()])
    group = Consumer({**base, "group.id": GROUP})
    seen, begun, sampled = _Seen(), time.monotonic(), 0.0
    while (now := time.monotonic() - begun) < seconds:
        for message in hears.consume(200, timeout=0.05):
            value = message.value()
            if message.error() is not None or value is None:
                continue
            prediction = json.loads(value)
            if prediction["source"] == "stream":
                seen.delays_ms.append((time.time() - datetime.fromisoformat(prediction["record_time"]).timestamp()) * 1000)
                seen.twice += prediction["prediction_id"] in seen.ids
                seen.ids.add(prediction["prediction_id"])
        if now < sampled + SAMPLE_S:
            continue
        sampled = now
        step("soaking", now / seconds)
        ends = end_offsets(settings, settings.features_topic)
        places = group.committed([TopicPartition(settings.features_topic, p) for p in ends], timeout=10)
        seen.lag.append(sum(ends[place.partition] - max(place.offset, 0) for place in places))
        seen.memory.append({name: _megabytes(settings, name) for name in SERVERS})
        metrics = httpx.get(f"{settings.serving_url}/predict-metrics").text
        waiting = next(line for line in metrics.splitlines() if line.startswith("pitwall_predict_outbox "))
        seen.outbox_max = max(seen.outbox_max, round(float(waiting.split()[1])))
    hears.close()
    group.close()
    return seen


def _megabytes(settings: Settings, name: str) -> float:
    """Resident memory of a server and its children. Raises `RuntimeError` when it is gone."""
    found = process.find(settings.run_dir, name)
    if found is None or found.process is None:
        raise RuntimeError(f"{name} ended while soaking; see {settings.log_dir / name}.log")
    family = [found.process, *found.process.children(recursive=True)]
    return float(sum(each.memory_info().rss for each in family if each.is_running())) / 1e6


async def _ask(settings: Settings, seconds: float, questions: list[str]) -> dict[str, Any]:
    import httpx

    times: list[float] = []
    failed: Counter[str] = Counter()
    headers = {"Authorization": f"Bearer {settings.secret('token').get_secret_value()}", "Content-Type": "application/json"}
    begun = time.perf_counter()

    async def one(number: int, client: httpx.AsyncClient) -> None:
        for n in range(number, round(seconds * RATE_HZ), CLIENTS):
            await asyncio.sleep(max(0.0, begun + n / RATE_HZ - time.perf_counter()))
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

    async with httpx.AsyncClient(base_url=settings.serving_url, headers=headers, timeout=20) as client:
        await asyncio.gather(*(one(number, client) for number in range(CLIENTS)))
    p50, p99 = np.percentile(times, (50, 99)).round(1).tolist()
    return {"requests": len(times), "errors": dict(failed), "p50_ms": p50, "p99_ms": p99}


def main() -> None:
    """The clients, in a process of their own: SECONDS QUESTION…; prints what they met."""
    print(json.dumps(asyncio.run(_ask(Settings(), float(sys.argv[1]), sys.argv[2:]))))


if __name__ == "__main__":
    main()
