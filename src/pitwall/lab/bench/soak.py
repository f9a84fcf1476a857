"""Two benchmarks of the whole chain with cars live.

`record-to-prediction` measures how long a record takes to its prediction. `soak` runs for a quarter
of an hour with requests to the endpoint, and measures what grows.
"""

from __future__ import annotations

import numpy as np

from pitwall.lab.bench.latency import percentiles
from pitwall.lab.bench.live_chain import run_live
from pitwall.lab.bench.observation import SERVERS, Observation
from pitwall.lab.bench.result import Load, Result
from pitwall.lab.progress import Step

SECONDS, QUICK_SECONDS = 60.0, 20.0
MINUTES, QUICK_MINUTES = 15.0, 2.0
RATE_HZ = 100
"""Requests a second to the endpoint, about one car after the other."""


def record_to_prediction(load: Load, step: Step) -> Result:
    """Milliseconds from a car's record in Kafka to its prediction, read committed.

    20 cars drive at 50 Hz, with 10 predictions a second each.
    """
    live = run_live(load, QUICK_SECONDS if load.quick else SECONDS, 0, step)
    observation = live.observation
    latency = percentiles(observation.delays_ms)
    return Result(
        name="record-to-prediction",
        value=latency.p99,
        unit="ms p99, Kafka record of the car to prediction read; less is better",
        peer=None,
        peer_value=None,
        ratio=None,
        n=len(observation.delays_ms),
        seconds=observation.seconds,
        conditions={
            **live.conditions,
            **latency.figures("ms"),
            "max_ms": round(max(observation.delays_ms), 1),
            "stream_twice": observation.doubled,
        },
    )


def soak(load: Load, step: Step) -> Result:
    """Growth of the endpoint's and the scorer's memory (%), from the second fifth to the last.

    20 cars drive at 50 Hz, and the endpoint gets 100 requests a second.
    """
    minutes = load.minutes or (QUICK_MINUTES if load.quick else MINUTES)
    live = run_live(load, 60 * minutes, RATE_HZ, step)
    observation, answers = live.observation, live.answers
    requests, predictions = len(answers.times_ms), len(observation.delays_ms)
    memory_mb = _memory_before_and_after(observation)
    before, after = (memory_mb["serving"][i] + memory_mb["scorer"][i] for i in (0, 1))
    half = len(observation.lag_rows) // 2
    return Result(
        name="soak",
        value=round(100 * (after / before - 1), 2),
        unit="% growth of memory, endpoint and scorer; less is better",
        peer=None,
        peer_value=None,
        ratio=None,
        n=requests,
        seconds=observation.seconds,
        conditions={
            **live.conditions,
            **{f"{name}_mb": f"{a:.0f} to {b:.0f}" for name, (a, b) in memory_mb.items()},
            "requests_s": round(requests / observation.seconds, 1),
            "errors": answers.errors,
            "tracebacks": observation.tracebacks,
            **percentiles(answers.times_ms).figures("ms", start="request_"),
            "stream_predictions_s": round(predictions / observation.seconds, 1),
            "stream_twice": observation.doubled,
            **percentiles(observation.delays_ms).figures("ms", start="record_to_prediction_"),
            "lag_rows_first_half_max": max(observation.lag_rows[:half]),
            "lag_rows_second_half_max": max(observation.lag_rows[half:]),
            "outbox_max": observation.outbox_max,
        },
    )


def _memory_before_and_after(observation: Observation) -> dict[str, tuple[float, float]]:
    """Mean memory of each server in the second and in the last fifth of the samples, MB."""
    fifth = max(1, len(observation.memory_mb) // 5)
    means = {}
    for name in SERVERS:
        samples = np.array([sample[name] for sample in observation.memory_mb])
        means[name] = float(samples[fifth : 2 * fifth].mean()), float(samples[-fifth:].mean())
    return means
