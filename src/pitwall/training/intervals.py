"""Intervals by conformal prediction over laps, and how often they hold the truth.

A lap is the unit that can be exchanged with a new one; its rows are not, because they err together.
So each lap weighs the same, and the level at which its residuals are cut is the lowest at which
laps that were left out of the cut hold `COVERAGE` of their truths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitwall.models.loading import Interval

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
PARTS = 10
"""Bins of the input that an interval depends on."""
COVERAGE = 0.9
"""Share of the truths that an interval is meant to hold."""
LEAST_LAPS = 10
"""A bin with residuals of fewer laps borrows those of its neighbours: of nine laps or fewer, none
can be cut off at 90 %."""
LEVELS = np.round(np.linspace(0.8, 1.0, 41), 3)
"""Shares of the residuals at which they may be cut."""
FACTORS = np.array([1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0])
"""How often the widest residual, where no level holds enough."""


@dataclass(frozen=True)
class Residuals:
    """Absolute residuals (rows,) of predictions that did not know their lap.

    `laps` (rows,) numbers the laps and `together` (rows,) what is held out together. A row on which
    the model declined has an infinite residual.
    """

    values: Array
    laps: Ints
    together: Ints

    def of(self, rows: NDArray[np.bool_]) -> Residuals:
        """Those of some rows."""
        return Residuals(self.values[rows], self.laps[rows], self.together[rows])


def calibrate(by: str | None, X: pd.DataFrame, residuals: Residuals) -> dict[str, Any]:
    """The interval as the model's metadata holds it; `by` is an input, or None for one width.

    `half_width`, in the unit, has one entry for each bin of that input, whose inner borders are
    `edges`. `level` is the share of the residuals below it, or the factor by which the widest
    residual was widened where that is above 1. `laps` is the number of laps, `borrowed` are the
    bins with fewer than `LEAST_LAPS`, which were calibrated with their neighbours. Rows on which
    the model declined are left out: they have no interval.
    """
    answered = np.isfinite(residuals.values)
    X, residuals = X[answered], residuals.of(answered)
    edges = _edges(by, X)
    bins = _bins(edges, by, X)
    pools, borrowed = _pools(len(edges) + 1, bins, residuals)
    level = _level(bins, pools, residuals)
    return {
        "coverage": COVERAGE,
        "by": by,
        "edges": edges.tolist(),
        "half_width": [_cut(bins, pool, residuals, level) for pool in pools],
        "level": level,
        "laps": len(np.unique(residuals.laps)),
        "borrowed": borrowed,
    }


def half_widths(interval: dict[str, Any], X: pd.DataFrame) -> Array:
    """Half the interval's width for each row, (rows,): the widest where the input is missing."""
    by = interval["by"]
    served = Interval(
        interval["coverage"],
        None if by is None else 0,
        np.array(interval["edges"], float),
        np.array(interval["half_width"], float),
    )
    return served.of(np.empty((len(X), 0)) if by is None else X[[by]].to_numpy(float))


def covered(by: str | None, X: pd.DataFrame, residuals: Residuals) -> NDArray[np.bool_]:
    """Whether each row's interval holds its truth, calibrated without what is held out with it."""
    holds = np.zeros(len(residuals.values), bool)
    for number in np.unique(residuals.together):
        own = residuals.together == number
        if own.all():
            break
        interval = calibrate(by, X[~own], residuals.of(~own))
        holds[own] = residuals.values[own] <= half_widths(interval, X[own])
    return holds


def said(interval: dict[str, Any]) -> str:
    """What is unusual about an interval, as a person reads it; empty where nothing is."""
    parts = []
    if interval["borrowed"]:
        bins = ", ".join(str(number + 1) for number in interval["borrowed"])
        parts.append(
            f"bins {bins} of {interval['by']} have fewer than {LEAST_LAPS} laps and are "
            "calibrated with their neighbours"
        )
    if interval["level"] > 1:
        parts.append(
            f"{interval['laps']} laps are too few for {COVERAGE:.0%}: the widest residual is "
            f"widened by {interval['level']:.3g}"
        )
    return "; ".join(parts)


def _edges(by: str | None, X: pd.DataFrame) -> Array:
    """The inner borders of equal bins over the range of the input; none for one width."""
    if by is None:
        return np.empty(0)
    values = X[by].to_numpy(float)
    values = values[np.isfinite(values)]
    if not len(values) or values.min() == values.max():
        return np.empty(0)
    return np.asarray(np.linspace(values.min(), values.max(), PARTS + 1)[1:-1])


def _bins(edges: Array, by: str | None, X: pd.DataFrame) -> Ints:
    """The bin of each row; −1 where the input is missing."""
    if by is None:
        return np.zeros(len(X), np.int64)
    values = X[by].to_numpy(float)
    bins = np.searchsorted(edges, values, side="right")
    return np.asarray(np.where(np.isnan(values), -1, bins))


def _pools(count: int, bins: Ints, residuals: Residuals) -> tuple[list[list[int]], list[int]]:
    """The bins that each bin is calibrated with, and the bins that borrow from others."""
    laps = [np.unique(residuals.laps[bins == number]) for number in range(count)]
    enough = min(LEAST_LAPS, len(np.unique(residuals.laps)))
    pools, borrowed = [], []
    for number in range(count):
        low = high = number
        while len(np.unique(np.concatenate(laps[low : high + 1]))) < enough:
            if low == 0 and high == count - 1:
                break
            low, high = max(low - 1, 0), min(high + 1, count - 1)
        pools.append(list(range(low, high + 1)))
        if low < number or high > number:
            borrowed.append(number)
    return pools, borrowed


def _level(bins: Ints, pools: list[list[int]], residuals: Residuals) -> float:
    """The lowest level at which what was left out holds `COVERAGE` of its truths, lap for lap."""
    levels = np.concatenate([LEVELS, FACTORS])
    together = np.unique(residuals.together)
    if len(together) < 2:
        return 1.0
    held = np.zeros((len(levels), len(bins)), bool)
    for pool_number, pool in enumerate(pools):
        inside = np.flatnonzero(np.isin(bins, pool))
        order = inside[np.argsort(residuals.values[inside], kind="stable")]
        weights = _weights(residuals.laps[order])
        for number in together:
            tested = np.flatnonzero((residuals.together == number) & (bins == pool_number))
            others = residuals.together[order] != number
            if not len(tested) or not others.any():
                continue
            cuts = _quantiles(residuals.values[order][others], weights[others], levels)
            held[:, tested] = residuals.values[tested] <= cuts[:, None]
    counted = bins >= 0
    shares = (held[:, counted] * _weights(residuals.laps[counted])).sum(axis=1)
    enough = np.flatnonzero(shares >= COVERAGE * (1 - 1e-12))
    return float(levels[enough[0]] if len(enough) else levels[-1])


def _cut(bins: Ints, pool: list[int], residuals: Residuals, level: float) -> float:
    """The half-width of a bin at this level."""
    inside = np.isin(bins, pool)
    if not inside.any():
        return float("inf")
    order = np.argsort(residuals.values[inside], kind="stable")
    weights = _weights(residuals.laps[inside])[order]
    return float(_quantiles(residuals.values[inside][order], weights, np.array([level]))[0])


def _weights(laps: Ints) -> Array:
    """The weight of each row, so that each lap weighs the same; they add up to 1."""
    _, number, counts = np.unique(laps, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / (counts[number] * len(counts)))


def _quantiles(values: Array, weights: Array, levels: Array) -> Array:
    """Quantiles of rising, weighted values; a level above 1 is a factor of the greatest one."""
    sums = np.cumsum(weights)
    at = np.searchsorted(sums, np.minimum(levels, 1.0) * sums[-1] * (1 - 1e-12), side="left")
    return np.asarray(values[np.minimum(at, len(values) - 1)] * np.maximum(levels, 1.0))
