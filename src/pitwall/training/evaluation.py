"""The errors of a task's candidate and its baselines on laps that none of them has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitwall.training.dataset import Dataset
from pitwall.training.fitting import fitted
from pitwall.training.tasks import Task

Array = NDArray[np.float64]
PARTS = 10
COVERAGE = 0.9
"""Share of the truths that an interval is meant to hold."""
MOST_FOLDS = 40
"""With more groups than this, several are held out at a time."""
FIRST = 5
"""Groups that the walk-forward learns from at first, where there are twice as many."""
BLOCKS = 12
"""How often the walk-forward learns anew at most."""


@dataclass(frozen=True)
class Comparison:
    """Errors by group, in the unit: a column `candidate` and one for each baseline.

    The gain is baseline minus candidate.
    """

    errors: pd.DataFrame

    def mean(self, name: str) -> float:
        """Mean error over the groups."""
        return float(self.errors[name].mean())

    @property
    def best_baseline(self) -> str:
        """Name of the baseline with the least error."""
        return str(self.errors.drop(columns="candidate").mean().idxmin())

    def gain(self, baseline: str) -> tuple[float, float]:
        """Mean gain over this baseline and its standard error, which is infinite for one group."""
        return paired(self.errors[baseline].to_numpy() - self.errors["candidate"].to_numpy())

    def wins(self) -> bool:
        """Whether the candidate beats each baseline by more than two standard errors."""
        return all(
            gain > 2 * error
            for gain, error in (self.gain(name) for name in self.errors.columns.drop("candidate"))
        )


@dataclass(frozen=True)
class Evaluation:
    """Predictions out of group, by model (`candidate` or a baseline's name), and their errors.

    Predictions have shape (rows,), with NaN where there is none.
    """

    left_out: dict[str, Array]
    forward: dict[str, Array]
    out: Comparison
    walk: Comparison | None
    """The walk-forward comparison, in date order; None with too few groups."""
    by_part: pd.DataFrame
    """Mean absolute error by tenth of the lap: columns as in `Comparison`, and with `walk_`."""
    interval: dict[str, Any]
    """The interval of the model that is registered, as is its coverage."""
    coverage: float
    """Share of the truths within an interval that was calibrated without their own group."""
    coverage_by_part: list[float]

    def wins(self) -> bool:
        """Whether the candidate is past the baselines.

        That is by two standard errors out of group, and not behind any in date order.
        """
        return _wins(self.out, self.walk)

    @property
    def registered(self) -> str:
        """Which model is registered: `candidate` where it wins, else the best baseline's name."""
        return _registered(self.out, self.walk)


def _wins(out: Comparison, walk: Comparison | None) -> bool:
    ahead = walk is None or all(
        walk.gain(name)[0] > 0 for name in walk.errors.columns.drop("candidate")
    )
    return out.wins() and ahead


def _registered(out: Comparison, walk: Comparison | None) -> str:
    return "candidate" if _wins(out, walk) else out.best_baseline


def paired(gains: Array) -> tuple[float, float]:
    """Mean of differences and its standard error, which is infinite for fewer than two."""
    if len(gains) < 2:
        return float(gains.mean()) if len(gains) else 0.0, float("inf")
    return float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains)))


def evaluate(
    task: Task, data: Dataset, step: Callable[[str], None] = lambda text: None
) -> Evaluation:
    """Evaluate candidate and baselines: one group left out, and walk-forward."""
    models = {"candidate": task.estimator, **{each.name: each for each in task.baselines}}
    left_out, forward = {}, {}
    for name, model in models.items():
        step(f"{name}, one lap left out")
        left_out[name] = _predict(model.make, data, list(_leave_out(data)))
        step(f"{name}, walk-forward")
        forward[name] = _predict(model.make, data, list(walk_forward(data)))
    out = _compare(task, data, left_out)
    walk = _compare(task, data, forward) if np.isfinite(forward["candidate"]).any() else None
    part = np.minimum((data.part.to_numpy() * PARTS).astype(int), PARTS - 1)
    truth = data.y.to_numpy()
    by_part = pd.DataFrame(
        {
            f"{prefix}{name}": [_mean(np.abs(values - truth)[part == p]) for p in range(PARTS)]
            for prefix, predictions in (("", left_out), ("walk_", forward))
            for name, values in predictions.items()
        }
    )
    residuals = np.abs(left_out[_registered(out, walk)] - truth)
    covered = np.full(len(truth), np.nan)
    for group in data.groups.unique():
        own = (data.groups == group).to_numpy()
        width = half_widths(calibrate(task, data.X[~own], residuals[~own]), data.X[own])
        covered[own] = np.where(np.isfinite(residuals[own]), residuals[own] <= width, np.nan)
    return Evaluation(
        left_out,
        forward,
        out,
        walk,
        by_part,
        calibrate(task, data.X, residuals),
        _mean(covered),
        [_mean(covered[part == p]) for p in range(PARTS)],
    )


def calibrate(task: Task, X: pd.DataFrame, residuals: Array) -> dict[str, Any]:
    """The conformal interval, as the model's metadata holds it.

    The half-width, in the unit, is the ⌈(n + 1) · 0.9⌉-th smallest absolute residual of predictions
    out of group: one for all rows, or one for each tenth of the range of one input.
    """
    ok = np.isfinite(residuals)
    if task.interval_by is None:
        return {
            "coverage": COVERAGE,
            "by": None,
            "edges": [],
            "half_width": [_quantile(residuals[ok])],
        }
    values = X[task.interval_by].to_numpy(float)
    edges = np.linspace(0, np.nanmax(values), PARTS + 1)[1:-1]
    bins = np.searchsorted(edges, values, side="right")
    widths = [_quantile(residuals[ok & (bins == b)]) for b in range(PARTS)]
    return {
        "coverage": COVERAGE,
        "by": task.interval_by,
        "edges": edges.tolist(),
        "half_width": widths,
    }


def half_widths(interval: dict[str, Any], X: pd.DataFrame) -> Array:
    """Half the interval's width for each row, (rows,)."""
    widths = np.array(interval["half_width"])
    if interval["by"] is None:
        return np.full(len(X), widths[0])
    return np.asarray(
        widths[
            np.searchsorted(
                interval["edges"], X[interval["by"]].to_numpy(float), side="right"
            ).clip(0, len(widths) - 1)
        ]
    )


def _quantile(residuals: Array) -> float:
    if not len(residuals):
        return float("inf")
    rank = int(np.ceil((len(residuals) + 1) * COVERAGE))
    return float(np.sort(residuals)[min(rank, len(residuals)) - 1])


def _leave_out(data: Dataset) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    names = data.groups.unique()
    for held in np.array_split(np.arange(len(names)), min(len(names), MOST_FOLDS)):
        test = data.groups.isin(names[held]).to_numpy()
        yield ~test, test


def walk_forward(data: Dataset) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Folds (learned from, predicted) in date order: each learns from all groups before it."""
    names = data.groups.unique()
    first = min(FIRST, max(2, len(names) // 2))
    rest = np.arange(first, len(names))
    for block in np.array_split(rest, min(len(rest), BLOCKS)) if len(rest) else []:
        yield (
            data.groups.isin(names[: block[0]]).to_numpy(),
            data.groups.isin(names[block]).to_numpy(),
        )


def _predict(
    make: Callable[[], Any], data: Dataset, folds: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]
) -> Array:
    predicted = np.full(len(data.y), np.nan)
    for seen, held in folds:
        predicted[held] = fitted(make(), data.X[seen], data.y[seen]).predict(data.X[held])
    return predicted


def _compare(task: Task, data: Dataset, predictions: dict[str, Array]) -> Comparison:
    there = np.all([np.isfinite(values) for values in predictions.values()], axis=0)
    groups = data.groups[there]
    return Comparison(
        pd.DataFrame(
            {
                name: pd.Series(
                    error(task, (values - data.y.to_numpy())[there]), index=groups.index
                )
                .groupby(groups, sort=False)
                .mean()
                for name, values in predictions.items()
            }
        ).pipe(lambda frame: frame**0.5 if task.metric == "rmse" else frame)
    )


def error(task: Task, residuals: Array) -> Array:
    """The values to average over a group: absolute errors, or squares to take the root of later."""
    return np.square(residuals) if task.metric == "rmse" else np.abs(residuals)


def _mean(values: Array) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")


def plot(task: Task, evaluation: Evaluation) -> Any:
    """A matplotlib figure: error over the lap, of candidate and baselines."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    middle = (np.arange(PARTS) + 0.5) / PARTS * 100
    for name in evaluation.out.errors.columns:
        axes.plot(middle, evaluation.by_part[name], marker="o", label=f"{name}, one lap left out")
        if evaluation.walk is not None:
            axes.plot(
                middle,
                evaluation.by_part[f"walk_{name}"],
                linestyle="--",
                label=f"{name}, walk-forward",
            )
    axes.set(
        xlabel="lap driven [%]",
        ylabel=f"mean absolute error [{task.unit}]",
        title=task.description,
        ylim=(0, None),
    )
    axes.legend(fontsize=8)
    return figure
