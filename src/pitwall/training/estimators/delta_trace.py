"""The time of a lap from the trace of its delta so far."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pitwall.training.estimators.laps import MeanProfile, lags

Array = NDArray[np.float64]
_Places = tuple[NDArray[np.int64], Array]


class DeltaTrace(MeanProfile):
    """Continues the delta to the mean lap by Gaussian conditioning, mixed with the pace ratio.

    The delta at the nodes of a grid is taken as jointly normal. Its covariance is the covariance of
    the laps learned from, shrunk towards one pace factor with independent rest because the laps are
    few; `pace_share` adds a pace that all parts of the lap share, for laps unlike those seen. The
    delta now and at the lags that the frame has is observed with variance `noise_s2` (s²); the
    time gained or lost ahead is the conditional mean. The pace ratio counts as much as
    `shrink_laps` laps.
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
        parts = np.diff([np.interp(self.nodes_m_, self.grid_m_, lap) for lap in times], axis=1)
        mean = parts.mean(axis=0)
        deltas = parts - mean
        sample = deltas.T @ deltas / max(self.laps_ - 1, 1)
        share = mean / mean.sum()
        # Paces that differ by less than 0.2 % of the lap cannot be told apart.
        variance = max(float(sample.sum()), (0.002 * float(mean.sum())) ** 2)
        loading = sample.sum(axis=1) / sample.sum() if sample.sum() > 0 else share
        factor = np.outer(loading, loading) * variance
        rest = np.maximum(np.diag(sample - factor), 1e-3)
        weight = self.laps_ / (self.laps_ + self.shrink_laps)
        covariance = weight * sample + (1 - weight) * (factor + np.diag(rest))
        covariance += self.pace_share * variance * np.outer(share, share)
        self.covariance_ = np.pad(covariance.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        self.weight_ = weight
        lags_s = lags(self.columns_)
        self.lag_at_ = [self.columns_.index(name) for name in lags_s]
        self.lags_s_ = np.array(list(lags_s.values()), dtype=float)

    def _predict(self, rows: Array, d: Array, t: Array, mean: Array) -> Array:
        ahead = self._ahead(d, mean)
        before = rows[:, self.lag_at_]
        # A lag that reaches into the lap before adds nothing: it repeats the present delta.
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
        """The node before each distance (m), and the share of the way to the next node.

        A missing distance counts as 0.
        """
        last = len(self.nodes_m_) - 1
        place = np.fmin(np.fmax(where * (last / self.length_m_), 0.0), last)
        at = np.minimum(place.astype(np.int64), last - 1)
        return at, place - at

    def _covariances(self, of: _Places, given: _Places) -> Array:
        """Covariances (s²) between deltas at places (n, q) and at places (n, p): shape (n, q, p).

        They are linear between the nodes.
        """
        width, flat = len(self.nodes_m_), self.covariance_.ravel()
        at = of[0][:, :, None] * width + given[0][:, None, :]
        share, across = of[1][:, :, None], given[1][:, None, :]
        low, high = flat.take(at), flat.take(at + 1)
        low += share * (flat.take(at + width) - low)
        high += share * (flat.take(at + width + 1) - high)
        return np.asarray(low + across * (high - low))
