"""Estimators of this project: mean profile, pace, the trace of the delta so far, and plain baselines.

Those over the lap take frames with `lap_distance` (m) and `lap_time` (s since lap start), and predict a time in s: that of the whole lap,
or with `ahead_m` the time for that many metres from here. `fit` takes rows in time order, lap after lap; a lap begins where
`lap_time` falls. Nothing but arrays and numbers is learned.
"""

from __future__ import annotations

import re
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor

Array = NDArray[np.float64]
_Places = tuple[NDArray[np.int64], Array]
_GRID_M = 10.0
_LAG = re.compile(r"lap_distance_lag_(\d+)(s|ms)")


def lags(columns: list[str]) -> dict[str, float]:
    """The columns that say where the car was so many seconds ago, and these seconds, rising."""
    found = {
        name: float(m[1]) * (1.0 if m[2] == "s" else 0.001)
        for name in columns
        if (m := _LAG.fullmatch(name))
    }
    return dict(sorted(found.items(), key=lambda item: item[1]))


class MeanProfile(RegressorMixin, BaseEstimator):
    """Mean time over distance of the laps learned from: everyone drives the mean lap from here on."""

    def __init__(self, ahead_m: float | None = None) -> None:
        self.ahead_m = ahead_m

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn the mean profile. The end of each lap comes from `y`, the times ahead do too."""
        self.columns_ = list(X.columns)
        self.at_ = [self.columns_.index("lap_distance"), self.columns_.index("lap_time")]
        traces = self._traces(
            X["lap_distance"].to_numpy(float), X["lap_time"].to_numpy(float), np.asarray(y, float)
        )
        self.grid_m_ = np.r_[np.arange(0, self.length_m_, _GRID_M), self.length_m_]
        self.laps_ = len(traces)
        times = np.array([np.interp(self.grid_m_, distance, time) for distance, time in traces])
        self.mean_s_ = times.mean(axis=0)
        self._learn(times)
        return self

    def _traces(self, distance: Array, time: Array, y: Array) -> list[tuple[Array, Array]]:
        """Distance and time of each lap from 0 to the common length, both rising."""
        ok = np.isfinite(distance) & np.isfinite(time)
        distance, time, y = distance[ok], time[ok], y[ok]
        starts = np.flatnonzero(np.r_[True, np.diff(time) < 0])
        parts = [slice(a, b) for a, b in zip(starts, [*starts[1:], len(time)], strict=True)]
        ahead = self.ahead_m or 0.0
        self.length_m_ = float(np.median([distance[part].max() for part in parts]) + ahead)
        traces = []
        for part in parts:
            d, t = distance[part], time[part]
            if self.ahead_m is None:
                d, t = (
                    np.r_[d[d < self.length_m_ - 1], self.length_m_],
                    np.r_[t[d < self.length_m_ - 1], y[part][-1]],
                )
            else:
                d, t = np.r_[d, d + ahead], np.r_[t, t + y[part]]
            order = np.argsort(d, kind="stable")
            d, t = np.r_[0.0, d[order]], np.maximum.accumulate(np.r_[0.0, t[order]])
            rises = np.r_[True, np.diff(d) > 0]
            traces.append((d[rises], t[rises]))
        return traces

    def _learn(self, times: Array) -> None:
        """What an estimator learns beyond the mean; `times` has shape (laps, grid)."""

    def predict(self, X: pd.DataFrame) -> Array:
        """Seconds, one a row; NaN where distance or time is missing."""
        return self.predict_rows(X[self.columns_].to_numpy(float))

    def predict_rows(self, rows: Array) -> Array:
        """`predict` for an array of shape (n, inputs), the columns in the order of `fit`."""
        d, t = rows[:, self.at_[0]], rows[:, self.at_[1]]
        mean = np.interp(d, self.grid_m_, self.mean_s_)
        return np.asarray(self._predict(rows, d, t, mean))

    def _ahead(self, d: Array, mean: Array) -> Array:
        """Mean time for what is left, or for the metres ahead."""
        if self.ahead_m is None:
            return np.asarray(self.mean_s_[-1] - mean)
        return np.asarray(np.interp(d + self.ahead_m, self.grid_m_, self.mean_s_) - mean)

    def _predict(self, rows: Array, d: Array, t: Array, mean: Array) -> Array:
        return np.asarray((0.0 if self.ahead_m else t) + self._ahead(d, mean) + 0.0 * t)


class PaceRatio(MeanProfile):
    """Elapsed + mean time ahead × elapsed / mean elapsed, means taken at the same distance; the mean lap at its start."""

    def _predict(self, rows: Array, d: Array, t: Array, mean: Array) -> Array:
        pace = np.where(mean > 0.5, t / np.maximum(mean, 0.5), 1.0)
        return np.asarray((0.0 if self.ahead_m else t) + self._ahead(d, mean) * pace)


class RecentPace(MeanProfile):
    """Mean time ahead × pace of the last minute, as the mean profile tells it; since lap start where that is shorter."""

    def __init__(self, ahead_m: float | None = None, recent: str = "lap_distance_lag_60s") -> None:
        super().__init__(ahead_m)
        self.recent = recent

    def _predict(self, rows: Array, d: Array, t: Array, mean: Array) -> Array:
        seconds = next(iter(lags([self.recent]).values()))
        before = rows[:, self.columns_.index(self.recent)]
        whole = np.isfinite(before) & (t >= seconds)
        driven = np.where(whole, seconds, t)
        usual = mean - np.where(
            whole, np.interp(np.where(whole, before, 0.0), self.grid_m_, self.mean_s_), 0.0
        )
        pace = np.where(usual > 0.5, driven / np.maximum(usual, 0.5), 1.0)
        return np.asarray((0.0 if self.ahead_m else t) + self._ahead(d, mean) * pace)


class DeltaTrace(MeanProfile):
    """How the delta to the mean lap goes on, given where in the lap it was made (Gaussian conditioning), and pace ratio.

    The delta at the nodes of a grid is taken as jointly normal. Its covariance is that of the laps learned from, drawn
    towards one pace factor with independent rest, as the laps are few; `pace_share` adds a pace that all parts of the lap
    share, for laps unlike those seen. The delta now and at the lags the frame has are observed with variance `noise_s2`;
    the time made ahead is the mean given these. The pace ratio counts as much as `shrink_laps` laps.
    """

    def __init__(
        self,
        ahead_m: float | None = None,
        step_m: float = 250.0,
        shrink_laps: float = 10.0,
        pace_share: float = 1.0,
        noise_s2: float = 5e-3,
    ) -> None:
        super().__init__(ahead_m)
        self.step_m = step_m
        self.shrink_laps = shrink_laps
        self.pace_share = pace_share
        self.noise_s2 = noise_s2

    def _learn(self, times: Array) -> None:
        count = max(2, round(self.length_m_ / self.step_m))
        self.nodes_m_ = np.linspace(0, self.length_m_, count + 1)
        parts = np.diff([np.interp(self.nodes_m_, self.grid_m_, each) for each in times], axis=1)
        mean = parts.mean(axis=0)
        deltas = parts - mean
        sample = deltas.T @ deltas / max(self.laps_ - 1, 1)
        share = mean / mean.sum()
        # Below 0.2 % of the lap there is no telling paces apart.
        variance = max(float(sample.sum()), (0.002 * float(mean.sum())) ** 2)
        loading = sample.sum(axis=1) / sample.sum() if sample.sum() > 0 else share
        factor = np.outer(loading, loading) * variance
        rest = np.maximum(np.diag(sample - factor), 1e-3)
        weight = self.laps_ / (self.laps_ + self.shrink_laps)
        covariance = weight * sample + (1 - weight) * (factor + np.diag(rest))
        covariance += self.pace_share * variance * np.outer(share, share)
        self.covariance_ = np.pad(covariance.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        self.weight_ = weight
        found = lags(self.columns_)
        self.lag_at_ = [self.columns_.index(name) for name in found]
        self.lags_s_ = np.array(list(found.values()), dtype=float)

    def _predict(self, rows: Array, d: Array, t: Array, mean: Array) -> Array:
        ahead = self._ahead(d, mean)
        before = rows[:, self.lag_at_]
        # A lag of the lap before, or of before the session, tells nothing new: it stands as one more look at now.
        seen = np.isfinite(before) & (t[:, None] >= self.lags_s_)
        where = np.concatenate([d[:, None], np.where(seen, before, d[:, None])], axis=1)
        when = np.concatenate(
            [t[:, None], np.where(seen, t[:, None] - self.lags_s_, t[:, None])], axis=1
        )
        deltas = when - np.interp(where, self.grid_m_, self.mean_s_)
        places = self._place(where)
        between = self._covariances(places, places)
        target = (
            np.full(len(d), self.length_m_)
            if self.ahead_m is None
            else np.minimum(d + self.ahead_m, self.length_m_)
        )
        cross = self._covariances(places, self._place(target[:, None]))[:, :, 0] - between[:, :, 0]
        observed = between + self.noise_s2 * np.eye(where.shape[1])
        missing = ~np.isfinite(deltas).all(axis=1)
        observed[missing] = np.eye(where.shape[1])
        weights = np.linalg.solve(observed, cross[:, :, None])[:, :, 0]
        given = ahead + (weights * deltas).sum(axis=1)
        pace = ahead * np.where(mean > 0.5, t / np.maximum(mean, 0.5), 1.0)
        return np.asarray(
            (0.0 if self.ahead_m else t) + self.weight_ * given + (1 - self.weight_) * pace
        )

    def _place(self, where: Array) -> _Places:
        """The node before each distance, and how much of the way to the next one it lies; a missing distance counts as 0."""
        last = len(self.nodes_m_) - 1
        place = np.fmin(np.fmax(where * (last / self.length_m_), 0.0), last)
        at = np.minimum(place.astype(np.int64), last - 1)
        return at, place - at

    def _covariances(self, of: _Places, given: _Places) -> Array:
        """Covariance of the delta at each of (n, q) places with that at each of (n, p): (n, q, p), linear between the nodes."""
        width, flat = len(self.nodes_m_), self.covariance_.ravel()
        at = of[0][:, :, None] * width + given[0][:, None, :]
        share, across = of[1][:, :, None], given[1][:, None, :]
        low, high = flat.take(at), flat.take(at + 1)
        low += share * (flat.take(at + width) - low)
        high += share * (flat.take(at + width + 1) - high)
        return np.asarray(low + across * (high - low))


class Linear(RegressorMixin, BaseEstimator):
    """Ridge regression on the named columns, standardized; a missing value counts as the column's mean."""

    def __init__(self, columns: tuple[str, ...] = (), alpha: float = 1.0) -> None:
        self.columns = columns
        self.alpha = alpha

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn a weight a column."""
        self.columns_ = list(X.columns)
        self.at_ = [self.columns_.index(name) for name in self.columns]
        values, target = X.to_numpy(float)[:, self.at_], np.asarray(y, float)
        there = np.isfinite(values)
        count = np.maximum(there.sum(axis=0), 1)
        self.mean_ = np.where(there, values, 0).sum(axis=0) / count
        centered = np.where(there, values - self.mean_, 0)
        self.scale_ = np.sqrt((centered**2).sum(axis=0) / count)
        self.scale_[self.scale_ == 0] = 1.0
        z = centered / self.scale_
        self.intercept_ = float(target.mean())
        self.weights_ = np.linalg.solve(
            z.T @ z + self.alpha * np.eye(len(self.at_)), z.T @ (target - self.intercept_)
        )
        return self

    def predict(self, X: pd.DataFrame) -> Array:
        """One value a row."""
        return self.predict_rows(X[self.columns_].to_numpy(float))

    def predict_rows(self, rows: Array) -> Array:
        """`predict` for an array of shape (n, inputs)."""
        values = rows[:, self.at_]
        z = np.where(np.isfinite(values), values - self.mean_, 0) / self.scale_
        return np.asarray((z * self.weights_).sum(axis=1) + self.intercept_)


class BoostedOn(RegressorMixin, BaseEstimator):
    """Boosted trees on some of the inputs only: what these say without the others."""

    def __init__(self, columns: tuple[str, ...] = (), max_iter: int = 100) -> None:
        self.columns = columns
        self.max_iter = max_iter

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn from the named columns."""
        self.columns_ = list(X.columns)
        self.at_ = [self.columns_.index(name) for name in self.columns]
        trees = HistGradientBoostingRegressor(
            max_iter=self.max_iter, early_stopping=False, random_state=0
        )
        self.trees_ = trees.fit(self.prepare(X.to_numpy(float)), y)
        return self

    def prepare(self, rows: Array) -> Array:
        """The named columns of rows of shape (n, inputs)."""
        return rows[:, self.at_]

    def predict(self, X: pd.DataFrame) -> Array:
        """One value a row."""
        return np.asarray(self.trees_.predict(self.prepare(X[self.columns_].to_numpy(float))))
