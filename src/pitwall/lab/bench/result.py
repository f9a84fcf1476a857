"""What a benchmark takes and gives: its load, and a figure beside its peer's of the same run."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Result:
    """One figure.

    `ratio` is value against peer value, larger is better for us unless `conditions` say otherwise.
    """

    name: str
    value: float
    unit: str
    peer: str | None
    """What was measured beside it, in words; None without a peer."""
    peer_value: float | None
    ratio: float | None
    n: int
    """How many messages, rows or requests were measured."""
    seconds: float
    """How long the measurement took."""
    conditions: dict[str, Any] = field(default_factory=dict)
    """The machine, the load, and all further figures, by a name that ends in the unit."""


@dataclass(frozen=True)
class Load:
    """What a benchmark is run with. None stands for the benchmark's own default."""

    cars: int | None = None
    channels: int | None = None
    minutes: float | None = None
    quick: bool = False
    peers: bool = False
    """Whether other software does the same work beside ours."""


def machine_state() -> dict[str, Any]:
    """Number of cores, and the load average of the last minute, for a result's conditions."""
    return {"cores": os.cpu_count(), "load_1min_before": round(os.getloadavg()[0], 2)}
