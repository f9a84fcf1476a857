"""The errors of a task's candidate and its baselines on laps that none of them has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitwall.training.comparison import Comparison, declining, errors_by_group, mean
from pitwall.training.dataset import Dataset
from pitwall.training.intervals import PARTS, Residuals, calibrate, covered
from pitwall.training.selection import fitted
from pitwall.training.side_by_side import side_by_side
from pitwall.training.tasks import Task

Array = NDArray[np.float64]
Rows = NDArray[np.bool_]
Folds = list[tuple[Rows, Rows]]
"""The rows that a fold learns from, and those that it predicts."""
MOST_FOLDS = 40
"""With more of them than this, several laps (or laps that belong together) are held out at once."""
FIRST = 5
"""Groups that the walk-forward learns from at first, where there are twice as many."""
BLOCKS = 12
"""How often the walk-forward learns anew at most."""


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
    intervals: dict[str, dict[str, Any]]
    """The interval of each model, of its own residuals."""
    coverages: pd.DataFrame
    """Share of the truths within an interval that was calibrated without the laps that belong to
    their own: a row a group, a column a model."""
    coverage_by_part: list[float]
    """The same by tenth of the lap, of the model that is registered."""
    declined: dict[str, float]
    """Share of the rows on which a model gave no answer."""

    def wins(self) -> bool:
        """Whether the candidate is past the baselines.

        That is by two standard errors out of group, and not behind any in date order.
        """
        return _wins(self.out, self.walk)

    @property
    def registered(self) -> str:
        """Which model is registered: `candidate` where it wins, else the best baseline's name."""
        return _registered(self.out, self.walk)

    @property
    def interval(self) -> dict[str, Any]:
        """The interval of the model that is registered."""
        return self.intervals[self.registered]

    @property
    def coverage(self) -> float:
        """The coverage of the model that is registered, mean over the groups."""
        return float(self.coverages[self.registered].mean())


def _wins(out: Comparison, walk: Comparison | None) -> bool:
    ahead = walk is None or all(
        walk.gain(name)[0] > 0 for name in walk.errors.columns.drop("candidate")
    )
    return out.wins() and ahead


def _registered(out: Comparison, walk: Comparison | None) -> str:
    return "candidate" if _wins(out, walk) else out.best_baseline


def evaluate(
    task: Task, data: Dataset, step: Callable[[str], None] = lambda text: None
) -> Evaluation:
    """Evaluate candidate and baselines: one group left out, and walk-forward.

    What belongs together is left out together. What a task lets the training choose is chosen anew
    for each fold, among the laps that the fold learns from.
    """
    truth = data.y.to_numpy()
    out_folds, walk_folds = list(leave_out(data)), list(walk_forward(data))
    names = ("candidate", *(each.name for each in task.baselines))
    left_out, forward = predict(task, names, data, (out_folds, walk_folds), step)
    out = compare(task, data, left_out, usual_labels(data, out_folds))
    walk = compare(task, data, forward, usual_labels(data, walk_folds)) if walk_folds else None
    part = parts(data.part)
    by_part = pd.DataFrame(
        {
            f"{prefix}{name}": [mean(np.abs(values - truth)[part == p]) for p in range(PARTS)]
            for prefix, predictions in (("", left_out), ("walk_", forward))
            for name, values in predictions.items()
        }
    )
    residuals = {name: residuals_of(data, values) for name, values in left_out.items()}
    holds = {name: covered(task.interval_by, data.X, each) for name, each in residuals.items()}
    own = holds[_registered(out, walk)].astype(float)
    return Evaluation(
        left_out,
        forward,
        out,
        walk,
        by_part,
        {name: calibrate(task.interval_by, data.X, each) for name, each in residuals.items()},
        pd.DataFrame(holds).astype(float).groupby(data.groups.to_numpy(), sort=False).mean(),
        [mean(own[part == p]) for p in range(PARTS)],
        {name: float(1 - np.isfinite(values).mean()) for name, values in left_out.items()},
    )


def parts(part: pd.Series) -> NDArray[np.int64]:
    """The tenth of the lap that each row lies in, 0 to 9."""
    return np.asarray(np.minimum((part.to_numpy() * PARTS).astype(np.int64), PARTS - 1))


def residuals_of(data: Dataset, predicted: Array) -> Residuals:
    """The absolute residuals of predictions (rows,), infinite where there is none."""
    absolute = np.abs(predicted - data.y.to_numpy())
    return Residuals(
        np.where(np.isfinite(absolute), absolute, np.inf),
        pd.factorize(data.groups)[0].astype(np.int64),
        pd.factorize(data.together)[0].astype(np.int64),
    )


def leave_out(data: Dataset) -> Iterator[tuple[Rows, Rows]]:
    """Folds (learned from, predicted), each without all that belongs to what it predicts."""
    names = data.together.unique()
    for held in np.array_split(np.arange(len(names)), min(len(names), MOST_FOLDS)):
        test = data.together.isin(names[held]).to_numpy()
        yield ~test, test


def walk_forward(data: Dataset) -> Iterator[tuple[Rows, Rows]]:
    """Folds (learned from, predicted) in date order.

    Each learns from all groups before it, but for those that belong to what it predicts. A fold
    that would learn from fewer than two groups is left out.
    """
    names = data.groups.unique()
    first = min(FIRST, max(2, len(names) // 2))
    rest = np.arange(first, len(names))
    for block in np.array_split(rest, min(len(rest), BLOCKS)) if len(rest) else []:
        held = data.groups.isin(names[block]).to_numpy()
        before = data.groups.isin(names[: block[0]]).to_numpy()
        seen = before & ~data.together.isin(data.together[held].unique()).to_numpy()
        if data.groups[seen].nunique() >= 2:
            yield seen, held


def predict(
    task: Task,
    names: Sequence[str],
    data: Dataset,
    kinds: Sequence[Folds],
    step: Callable[[str], None] = lambda text: None,
) -> list[dict[str, Array]]:
    """For each kind of folds the predictions (rows,) of each model that is named.

    Each row is predicted by a model that did not learn from its group; NaN where a row is in no
    fold, and where the model declines.
    """

    def answers(fold: tuple[Rows, Rows]) -> list[Array]:
        seen, held = fold
        return [fitted(task, name, data, seen).predict(data.X[held]) for name in names]

    # The longest come first, so that no processor is left with one of them at the end.
    folds = sorted(
        ((number, fold) for number, kind in enumerate(kinds) for fold in kind),
        key=lambda each: -int(each[1][0].sum()),
    )
    found = side_by_side(
        lambda each: answers(each[1]),
        folds,
        lambda count: step(f"laps left out, fold {count} of {len(folds)}"),
    )
    predicted = [{name: np.full(len(data.y), np.nan) for name in names} for _ in kinds]
    for (number, (_, held)), values in zip(folds, found, strict=True):
        for name, value in zip(names, values, strict=True):
            predicted[number][name][held] = value
    return predicted


def usual_labels(data: Dataset, folds: Folds) -> Array:
    """For each row the middle of the labels that its fold learns from; NaN for one in no fold."""
    usual = np.full(len(data.y), np.nan)
    for seen, held in folds:
        usual[held] = data.y[seen].median()
    return usual


def compare(task: Task, data: Dataset, predictions: dict[str, Array], usual: Array) -> Comparison:
    """The errors of models by group, on the rows where `usual` is finite.

    A row without an answer counts against its model: see `declining`.
    """
    asked = np.isfinite(usual)
    answers = {name: values[asked] for name, values in predictions.items()}
    truth = data.y.to_numpy()[asked]
    residuals = declining(answers, truth, usual[asked])
    groups = data.groups[asked]
    errors = pd.DataFrame(
        {name: errors_by_group(task, values, groups) for name, values in residuals.items()}
    )
    together = data.together[asked].groupby(groups, sort=False).first()
    return Comparison(errors, together)


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
