"""Fits a task's models; what the task leaves open is chosen by the laps that are learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitwall.training.comparison import declining, errors_by_group
from pitwall.training.dataset import Dataset
from pitwall.training.fitting import fit
from pitwall.training.search import choices
from pitwall.training.tasks import Model, Task

Array = NDArray[np.float64]
FOLDS = 5
"""So often a part of the laps is held out to choose parameters."""
ROWS = 60
"""Rows of each lap, about, that a choice is judged by; models learn from all rows."""


def model_of(task: Task, name: str) -> Model:
    """The task's candidate, or its baseline of this name."""
    if name == "candidate":
        return task.estimator
    return next(baseline for baseline in task.baselines if baseline.name == name)


def fitted(task: Task, name: str, data: Dataset, seen: NDArray[np.bool_] | None = None) -> Any:
    """A model of the task, `candidate` or a baseline's name, fitted to the rows `seen`, or to all.

    The candidate's parameters are chosen by these rows alone.
    """
    rows = np.ones(len(data.y), bool) if seen is None else seen
    model = model_of(task, name)
    choice = chosen(task, data, rows) if name == "candidate" else {}
    return fit(model.make(**choice), data.X[rows], data.y[rows])


def chosen(task: Task, data: Dataset, seen: NDArray[np.bool_]) -> dict[str, Any]:
    """Those of the task's choices with the least error on parts of the rows `seen`.

    Of equal ones the first counts; with fewer than two things to hold out, the first of all.
    """
    grid = choices(task)
    return grid[int(np.argmin(summed_errors(task, data, seen)))] if len(grid) > 1 else grid[0]


def summed_errors(task: Task, data: Dataset, seen: NDArray[np.bool_]) -> Array:
    """The errors of each of the task's choices, summed over the groups, in the unit.

    Parts of the rows `seen` are held out in turn; what belongs together is held out together. All
    are 0 with fewer than two things to hold out.
    """
    grid = choices(task)
    names = data.together[seen].unique()
    totals = np.zeros(len(grid))
    if len(names) < 2:
        return totals
    # Every FOLDS-th one is held out, so that each part has laps of all times.
    for first in range(min(FOLDS, len(names))):
        held = seen & data.together.isin(names[first::FOLDS]).to_numpy()
        learned = seen & ~held
        judged = _thinned(data, held)
        usual = np.full(len(judged), float(data.y[learned].median()))
        for number, values in enumerate(grid):
            model = fit(task.estimator.make(**values), data.X[learned], data.y[learned])
            answers = {"": np.asarray(model.predict(data.X.loc[judged]), float)}
            truth = data.y.loc[judged].to_numpy()
            residuals = declining(answers, truth, usual)[""]
            totals[number] += errors_by_group(task, residuals, data.groups.loc[judged]).sum()
    return totals


def _thinned(data: Dataset, held: NDArray[np.bool_]) -> pd.Index:
    """Labels of about `ROWS` rows of each group that is held out, evenly over it."""
    groups = data.groups[held]
    step = max(1, round(len(groups) / max(groups.nunique(), 1) / ROWS))
    return groups.index[groups.groupby(groups, sort=False).cumcount().to_numpy() % step == 0]
