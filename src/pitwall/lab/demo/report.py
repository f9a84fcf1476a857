"""The figures of a run of the chain, as `demo --json` prints them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pitwall.lab.bench.latency import percentiles


@dataclass
class Report:
    """The figures of one run of the chain. Latencies: p50 and p99 in ms, None without samples."""

    ok: bool = False
    """Whether every tick came out or is a dead letter, parity holds, and champions predicted."""
    seconds: float = 0.0
    """How long the whole run took."""
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
    """By name of the model.

    `version`, `mae`, `baseline_mae`, `unit` and `champion` (its kind) are of the version that
    serves, `trained` holds the version trained in this run. Where training failed there is only
    `error`.
    """
    predictions: int = 0
    """Messages on the predictions topic."""
    prediction_ms: dict[str, float | None] = field(default_factory=dict)
    """Time of a request to the endpoint."""
    parity: dict[str, int] = field(default_factory=dict)
    """Values that were served: `match`, `mismatch` and `missing` in the offline store."""
    page: str | None = None
    """URL of the page."""
    steps: dict[str, float] = field(default_factory=dict)
    """By step: seconds from the start of the run to the end of the step."""
    examples: list[dict[str, Any]] = field(default_factory=list)
    """The endpoint's last answer of each model for the live lap."""


def p50_and_p99(samples_ms: list[float]) -> dict[str, float | None]:
    """`p50` and `p99` of these latencies, rounded to 0.1 ms; None without samples."""
    if not samples_ms:
        return {"p50": None, "p99": None}
    latency = percentiles(samples_ms)
    return {"p50": latency.p50, "p99": latency.p99}


def serving_models(trained: dict[str, Any]) -> dict[str, Any]:
    """The report's `models`, from the answers of `Worker.train` by name of the model."""
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
