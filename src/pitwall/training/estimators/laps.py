"""Estimators over the lap: the mean profile, and pace relative to it.

They take frames with `lap_distance` (m) and `lap_time` (s since lap start) and predict a time in s:
the time of the whole lap, or with `ahead_m` the time for this many metres from here. `fit` takes
rows in time order, lap after lap; a lap begins where `lap_time` falls. Only arrays and numbers are
learned, so that skops can store them.
"""

from __future__ import annotations

import re
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

Array = NDArray[np.float64]
_GRID_M = 10.0
_LAG = re.compile(r"lap_distance_lag_(\d+)(s|ms)")


def lags(columns: list[str]) -> dict[str, float]:
    """The columns that hold the distance some seconds ago, and these seconds, rising."""
    seconds = {
        name: float(match[1]) * (1.0 if match[2] == "s" else 0.001)
        for name in columns
        if (match := _LAG.fullmatch(name))
    }
    return dict(sorted(seconds.items(), key=lambda item: item[1]))


class MeanProfile(RegressorMixin, BaseEstimator):
    """Mean time over distance of the laps learned from: from here on the mean lap is driven."""

    def __init__(self, ahead_m: float | None = None) -> None:
        self.ahead_m = ahead_m

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn the mean profile. The end of each lap and the times ahead come from `y`."""
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
        """Learn more than the mean; `times` (laps, grid) is in s since lap start."""

    def predict(self, X: pd.DataFrame) -> Array:
        """Seconds, shape (rows,); NaN where distance or time is missing."""
        return self.predict_rows(X[self.columns_].to_numpy(float))

    def predict_rows(self, rows: Array) -> Array:
        """`predict` for an array of shape (n, inputs), the columns in the order of `fit`."""
        d, t = rows[:, self.at_[0]], rows[:, self.at_[1]]
        mean = np.interp(d, self.grid_m_, self.mean_s_)
        return np.asarray(self._predict(rows, d, t, mean))

    def _ahead(self, d: Array, mean: Array) -> Array:
        """Mean time for the rest of the lap, or for the metres ahead, s."""
        if self.ahead_m is None:
            return np.asarray(self.mean_s_[-1] - mean)
        return np.asarray(np.interp(d + self.ahead_m, self.grid_m_, self.mean_s_) - mean)

    def _predict(self, rows: Array, d: Array, t: Array, mean: Array) -> Array:
        return np.asarray((0.0 if self.ahead_m else t) + self._ahead(d, mean) + 0.0 * t)


class PaceRatio(MeanProfile):
    """Elapsed + mean time ahead × elapsed / mean elapsed, both means at this distance.

    At the start of a lap it gives the mean lap.
    """

    def _predict(self, rows: Array, d: Array, t: Array, mean: Array) -> Array:
        pace = np.where(mean > 0.5, t / np.maximum(mean, 0.5), 1.0)
        return np.asarray((0.0 if self.ahead_m else t) + self._ahead(d, mean) * pace)


class RecentPace(MeanProfile):
    """Mean time ahead × pace of the last minute relative to the mean profile.

    Nearer than a minute to the lap's start, the pace since the start counts.
    """

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
