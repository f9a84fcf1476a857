"""Percentiles of measured times: one computation for all benchmarks and the demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_SAMPLES = 1000
"""With fewer samples there is no p99.9: less than one sample would lie above it."""
TOO_FEW = f"fewer than {LEAST_SAMPLES:,} samples"
"""What people read in the place of a p99.9 that is None."""


@dataclass(frozen=True)
class Percentiles:
    """Percentiles of some samples, in the samples' unit."""

    p50: float
    p99: float
    p99_9: float | None
    """None with fewer than `LEAST_SAMPLES` samples."""

    def figures(self, unit: str, start: str = "", end: str = "") -> dict[str, float | None]:
        """The percentiles by the names of a benchmark's conditions: STARTp99.9_UNITEND."""
        return {
            f"{start}p50_{unit}{end}": self.p50,
            f"{start}p99_{unit}{end}": self.p99,
            f"{start}p99.9_{unit}{end}": self.p99_9,
        }


def percentiles(samples: Sequence[float] | NDArray[np.float64], decimals: int = 1) -> Percentiles:
    """p50, p99 and p99.9 of the samples, shape (n,), rounded to `decimals`.

    Between two samples they are interpolated linearly (the default of `numpy.percentile`). Raises
    `ValueError` without samples.
    """
    if not len(samples):
        raise ValueError("there are no samples to compute percentiles of")
    p50, p99, p99_9 = np.percentile(samples, (50, 99, 99.9)).round(decimals).tolist()
    return Percentiles(p50, p99, p99_9 if len(samples) >= LEAST_SAMPLES else None)
