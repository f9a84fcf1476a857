"""Lap-time estimators: the pace ratio every engineer knows, and the same drawn towards the mean early in the lap."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

_BINS = 200


class PaceRatio(RegressorMixin, BaseEstimator):
    """Final lap time = elapsed + mean remaining × elapsed / mean elapsed, means taken at the same lap distance.

    `fit` and `predict` take a frame with `lap_distance` (m) and `lap_time` (s since lap start); the target is the
    final lap time in s. Where there is no elapsed time yet, the mean final time is given.
    """

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn mean elapsed and mean final time over distance."""
        distance, elapsed, final = X["lap_distance"].to_numpy(), X["lap_time"].to_numpy(), np.asarray(y, dtype=float)
        ok = np.isfinite(distance) & np.isfinite(elapsed)
        distance, elapsed, final = distance[ok], elapsed[ok], final[ok]
        self.length_ = float(distance.max())
        edges = np.linspace(0, self.length_, _BINS + 1)
        which = np.clip(np.digitize(distance, edges) - 1, 0, _BINS - 1)
        count = np.bincount(which, minlength=_BINS)
        used = count > 0
        center = np.bincount(which, distance, minlength=_BINS)[used] / count[used]
        mean = np.bincount(which, elapsed, minlength=_BINS)[used] / count[used]
        self.mean_final_ = float(final.mean())
        self.grid_m_ = np.r_[0.0, center]
        self.mean_elapsed_ = np.r_[0.0, mean]
        self._fit_more(X[ok], final)
        return self

    def _fit_more(self, X: pd.DataFrame, final: NDArray[np.float64]) -> None:
        """For estimators that build on this one."""

    def _ratio(self, X: pd.DataFrame) -> NDArray[np.float64]:
        distance, elapsed = X["lap_distance"].to_numpy(dtype=float), X["lap_time"].to_numpy(dtype=float)
        mean = np.interp(distance, self.grid_m_, self.mean_elapsed_)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(mean > 0.5, elapsed / mean, 1.0)
        return np.asarray(elapsed + np.maximum(self.mean_final_ - mean, 0) * ratio)

    def predict(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Final lap time (s), one a row; NaN where distance or elapsed time is missing."""
        return self._ratio(X)


class DampedPace(PaceRatio):
    """The pace ratio, damped: early in the lap a few tenths say little about the rest of it.

    At each distance the deviation of the pace ratio from the mean final time is weighted by the least-squares weight
    learned from the training laps, pooled over the neighbouring tenth of the lap and kept within 0 and 1.
    """

    def _fit_more(self, X: pd.DataFrame, final: NDArray[np.float64]) -> None:
        deviation = self._ratio(X) - self.mean_final_
        truth = final - self.mean_final_
        part = X["lap_distance"].to_numpy(dtype=float) / self.length_
        self.weight_grid_ = np.linspace(0, 1, 41)
        weights = []
        for at in self.weight_grid_:
            near = np.exp(-0.5 * ((part - at) / 0.05) ** 2)
            weights.append((near * deviation * truth).sum() / max((near * deviation**2).sum(), 1e-9))
        self.weights_ = np.clip(weights, 0, 1)

    def predict(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Final lap time (s), one a row; NaN where distance or elapsed time is missing."""
        part = X["lap_distance"].to_numpy(dtype=float) / self.length_
        weight = np.interp(part, self.weight_grid_, self.weights_)
        return np.asarray(self.mean_final_ + weight * (self._ratio(X) - self.mean_final_))
