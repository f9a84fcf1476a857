"""What `demo --json` gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Report:
    """The figures of one run of the chain. Latencies: p50 and p99 in ms, None without samples."""

    ok: bool = False
    """Every tick came out or is a dead letter, every value is equal, and champions predicted."""
    seconds: float = 0.0
    sessions: int = 0
    ticks_sent: int = 0
    ticks_out: int = 0
    """Feature rows out of Flink."""
    dead_letters: int = 0
    online_rows: int = 0
    offline_rows: int = 0
    freshness_ms: dict[str, float | None] = field(default_factory=dict)
    """From a record's time in Kafka until its features can be read in the online store."""
    models: dict[str, Any] = field(default_factory=dict)
    """By model: version, mae, baseline_mae, unit and champion of the version that serves, and in
    `trained` what was trained in this run; `error` where that failed."""
    predictions: int = 0
    prediction_ms: dict[str, float | None] = field(default_factory=dict)
    """Time of a request to the endpoint."""
    parity: dict[str, int] = field(default_factory=dict)
    page: str | None = None
    steps: dict[str, float] = field(default_factory=dict)
    """Seconds from the start to the end of each step."""
    examples: list[dict[str, Any]] = field(default_factory=list)
    """One answer of each model for the live lap."""


def percentiles(samples: list[float]) -> dict[str, float | None]:
    """p50 and p99, rounded to 0.1; None without samples."""
    if not samples:
        return {"p50": None, "p99": None}
    p50, p99 = np.percentile(samples, [50, 99])
    return {"p50": round(float(p50), 1), "p99": round(float(p99), 1)}


def serving_models(trained: dict[str, Any]) -> dict[str, Any]:
    """The report's `models`, from what training answered."""
    models = {}
    for name, answer in trained.items():
        if "error" in answer:
            models[name] = answer
            continue
        models[name] = {
            "version": answer["serving"],
            "mae": answer["serving_mae"],
            "baseline_mae": answer["serving_baseline_mae"],
            "unit": answer["unit"],
            "champion": answer["serving_kind"],
            "trained": {key: value for key, value in answer.items() if "serving" not in key},
        }
    return models
