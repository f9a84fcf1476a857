"""Benchmarks: each figure beside its peer's, measured in the same run on the same machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Step = Callable[[str, float | None], None]
"""Told of progress: a text and the share done (0 to 1, or None)."""


@dataclass
class Result:
    """One figure.

    `ratio` is value against peer value, larger is better for us unless `conditions` say otherwise.
    """

    name: str
    value: float
    unit: str
    peer: str | None
    peer_value: float | None
    ratio: float | None
    n: int
    """How many of what was measured (messages, rows, requests)."""
    seconds: float
    """How long the measurement took."""
    conditions: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Load:
    """What a benchmark is run with; None: the benchmark's own default."""

    cars: int | None = None
    channels: int | None = None
    minutes: float | None = None
    quick: bool = False


def machine() -> dict[str, Any]:
    """The machine a figure belongs to."""
    return {"cores": os.cpu_count(), "load_1min_before": round(os.getloadavg()[0], 2)}
