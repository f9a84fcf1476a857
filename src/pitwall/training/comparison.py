"""Errors of models side by side, lap by lap, and the standard error of their difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitwall.training.tasks import Task

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Errors by group, in the unit: a column `candidate` and one for each baseline.

    The gain is baseline minus candidate.
    """

    errors: pd.DataFrame
    together: pd.Series | None = None
    """What each group belongs to, by group; None: each group stands alone."""

    def mean(self, name: str) -> float:
        """Mean error over the groups."""
        return float(self.errors[name].mean())

    @property
    def best_baseline(self) -> str:
        """Name of the baseline with the least error."""
        return str(self.errors.drop(columns="candidate").mean().idxmin())

    def gain(self, baseline: str) -> tuple[float, float]:
        """Mean gain over this baseline and its standard error, which is infinite for one group.

        Groups that belong together count as one in the standard error.
        """
        gains = self.errors[baseline] - self.errors["candidate"]
        return paired(
            gains.to_numpy(), None if self.together is None else self.together[gains.index]
        )

    def wins(self) -> bool:
        """Whether the candidate beats each baseline by more than two standard errors."""
        return all(
            gain > 2 * error
            for gain, error in (self.gain(name) for name in self.errors.columns.drop("candidate"))
        )


def paired(gains: Array, together: pd.Series | None = None) -> tuple[float, float]:
    """Mean of differences and its standard error, which is infinite for fewer than two clusters.

    `together` names the cluster of each difference; without it each stands alone. The standard
    error is that of a mean with clusters (Liang and Zeger, Biometrika 1986), with the correction
    G / (G − 1) for G clusters. For clusters of one it is the usual one.
    """
    if not len(gains):
        return 0.0, float("inf")
    center = float(gains.mean())
    clusters = np.arange(len(gains)) if together is None else pd.factorize(together)[0]
    count = int(clusters.max()) + 1
    if count < 2:
        return center, float("inf")
    sums = np.bincount(clusters, weights=gains - center)
    return center, float(np.sqrt(count / (count - 1) * (sums**2).sum()) / len(gains))


def declining(answers: dict[str, Array], truth: Array, usual: Array) -> dict[str, Array]:
    """The residuals (rows,) of each model, where a row without an answer counts against it.

    Its residual is then that of `usual`, the middle of the labels learned from, or the largest that
    another model has on the row, whichever is more.
    """
    residuals = {name: values - truth for name, values in answers.items()}
    absolute = np.abs(np.array([*residuals.values(), usual - truth]))
    worst = np.where(np.isfinite(absolute), absolute, 0.0).max(axis=0)
    return {
        name: np.where(np.isfinite(values), values, worst) for name, values in residuals.items()
    }


def errors_by_group(task: Task, residuals: Array, groups: pd.Series) -> pd.Series:
    """The metric's error by group, in the task's unit, of residuals (rows,)."""
    errors = pd.Series(error(task, residuals), index=groups.index)
    means = errors.groupby(groups, sort=False).mean()
    return means**0.5 if task.metric == "rmse" else means


def error(task: Task, residuals: Array) -> Array:
    """The values to average over a group: absolute errors, or squares to take the root of later."""
    return np.square(residuals) if task.metric == "rmse" else np.abs(residuals)


def mean(values: Array) -> float:
    """The mean of the finite values; NaN where there is none."""
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")


def finite(value: float) -> float | None:
    """The value to five digits after the point; None where it is not finite, as JSON needs it."""
    return round(float(value), 5) if np.isfinite(value) else None
