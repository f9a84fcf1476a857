"""Speed from an inertial unit: a virtual sensor for a failed wheel-speed signal."""

from __future__ import annotations

import re
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from pitwall.errors import ModelError
from pitwall.training.estimators.trees import boosted

Array = NDArray[np.float64]
_KPH_PER_G_S = 9.80665 * 3.6
_KPH_IN_CORNER = _KPH_PER_G_S * 180 / np.pi
"""Speed of a corner is lateral acceleration over yaw rate: km/h of G over deg/s."""
_LEAST_YAW = 4.0
"""(deg/s)² of yaw below which a stretch of time is no corner."""
_WINDOW = re.compile(
    r"(acceleration_long|acceleration_lat|velocity_yaw)_(mean|std|rms)_(\d+)(s|ms)"
)


class InertialSpeed(RegressorMixin, BaseEstimator):
    """Boosted trees on speeds that physics gives, km/h.

    In a corner, speed is lateral acceleration over yaw rate; the speed gained since is the integral
    of longitudinal acceleration. Windows that lie in each other give both for the stretches of time
    between their ends: a stretch that was a corner gives the present speed. The trees weigh these
    speeds, and learn what physics leaves out (side slip, a sensor's bias). Frames have
    accelerations in G and yaw in deg/s: `acceleration_long_mean_*`; `acceleration_lat_*` and
    `velocity_yaw_*` as `rms`, or as `mean` and `std`, over the same windows. Other columns go to
    the trees as they are.
    """

    def __init__(
        self,
        max_iter: int = 300,
        learning_rate: float = 0.1,
        max_leaf_nodes: int = 63,
        max_depth: int = 9,
    ) -> None:
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn from a frame and speeds in km/h.

        Raises `ModelError` where a column is missing that physics needs.
        """
        self.columns_ = list(X.columns)
        self._plan()
        self.trees_ = boosted(
            self.prepare(X.to_numpy(float)),
            np.asarray(y, float),
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            max_depth=self.max_depth,
        )
        return self

    def _plan(self) -> None:
        """Find the columns of each window, and the ends of windows that a stretch lies between."""
        windows: dict[tuple[str, str], dict[float, int]] = {}
        for at, name in enumerate(self.columns_):
            if found := _WINDOW.fullmatch(name):
                seconds = float(found[3]) * (1.0 if found[4] == "s" else 0.001)
                windows.setdefault((found[1], found[2]), {})[seconds] = at
        gains = sorted(windows.get(("acceleration_long", "mean"), {}).items())
        powers = {
            channel: _squares(windows, channel) for channel in ("acceleration_lat", "velocity_yaw")
        }
        ends = sorted(powers["acceleration_lat"].keys() & powers["velocity_yaw"].keys())
        if not gains or not ends or ends[-1] > gains[-1][0]:
            raise ModelError(
                "InertialSpeed needs acceleration_long_mean_*, acceleration_lat_* and "
                "velocity_yaw_* (rms, or mean and std) over windows"
            )
        self.gain_at_ = np.array([at for _, at in gains])
        self.gain_kph_ = np.array([seconds * _KPH_PER_G_S for seconds, _ in gains])
        pairs = np.array(
            [
                [powers[channel][end] for end in ends]
                for channel in ("acceleration_lat", "velocity_yaw")
            ]
        )
        self.first_at_, self.second_at_ = (
            np.ascontiguousarray(pairs[:, :, part]) for part in (0, 1)
        )
        self.second_counts_ = (self.first_at_ != self.second_at_).astype(float)
        self.ends_s_ = np.array(ends)
        self.widths_s_ = np.diff(self.ends_s_, prepend=0.0)
        middle = self.ends_s_ - self.widths_s_ / 2
        nodes = np.array([0.0, *(seconds for seconds, _ in gains)])
        after = np.searchsorted(nodes, middle, side="left")
        share = (middle - nodes[after - 1]) / np.diff(nodes)[after - 1]
        self.after_at_, self.after_share_ = after - 1, share
        self.before_at_, self.before_share_ = (
            np.maximum(after - 2, 0),
            np.where(after > 1, 1 - share, 0.0),
        )
        self.trust_ = 1 / (1 + middle)
        used = {*self.gain_at_.tolist(), *pairs.ravel().tolist()}
        self.plain_at_ = np.array(
            [at for at in range(len(self.columns_)) if at not in used], dtype=int
        )

    def prepare(self, rows: Array) -> Array:
        """The trees' inputs for `rows` (n, inputs). No row's bits depend on the other rows."""
        from pitwall.training.estimators.corners import speeds

        gains, stretches = len(self.gain_at_), len(self.ends_s_)
        prepared = np.empty((len(rows), len(self.plain_at_) + 2 * gains + 3 * stretches))
        speeds(
            rows,
            self.plain_at_,
            self.gain_at_,
            self.gain_kph_,
            self.first_at_,
            self.second_at_,
            self.second_counts_,
            self.ends_s_,
            self.widths_s_,
            self.after_at_,
            self.after_share_,
            self.before_at_,
            self.before_share_,
            self.trust_,
            _LEAST_YAW,
            _KPH_IN_CORNER,
            prepared,
        )
        return prepared

    def predict(self, X: pd.DataFrame) -> Array:
        """km/h, one a row."""
        return np.asarray(self.trees_.predict(self.prepare(X[self.columns_].to_numpy(float))))


def _squares(
    windows: dict[tuple[str, str], dict[float, int]], channel: str
) -> dict[float, tuple[int, int]]:
    """Two columns for each window (s): mean and deviation, or the root mean square twice."""
    mean, std, rms = (windows.get((channel, stat), {}) for stat in ("mean", "std", "rms"))
    return {
        **{s: (mean[s], std[s]) for s in mean.keys() & std.keys()},
        **{s: (at, at) for s, at in rms.items()},
    }
