"""A session's rows out of a simulated job, beside what the oracle says about its ticks."""

from __future__ import annotations

import math
from typing import Any

from pitwall.features.oracle import reference
from pitwall.lab.simulation.definitions import SETS

RELATIVE = 1e-9
"""Sums may differ from the oracle's in their last bits."""
OF_SUMS = ("std", "rms", "slope", "mean", "integral")
"""Features whose names hold one of these come from sums of samples, some of them of squares."""
ABSOLUTE_OF_SUMS = 4e-4
"""A millionth of the widest range of a simulated channel."""


def differences(sample: dict[str, Any]) -> list[str]:
    """Where the rows of `Verdict.sample` differ from the oracle's, one line each."""
    features = SETS[sample["definitions"]]
    ticks = [
        (time_us, {name: _value(*value) for name, value in channels.items()})
        for time_us, channels in sample["ticks"]
    ]
    found = []
    for (time_us, row), expected in zip(sample["rows"], reference(features, ticks), strict=True):
        for (name, wanted), value in zip(expected.items(), row, strict=True):
            if not _agree(name, wanted, value):
                found.append(f"{name} at {time_us} µs is {value}, and the oracle says {wanted}")
    return found


def _value(value: float | None) -> float:
    return math.nan if value is None else value


def _agree(name: str, wanted: float | None, value: float | None) -> bool:
    if wanted is None or value is None:
        return wanted is value
    of_sums = any(part in name for part in OF_SUMS)
    return math.isclose(
        wanted, value, rel_tol=RELATIVE, abs_tol=ABSOLUTE_OF_SUMS if of_sums else RELATIVE
    )
