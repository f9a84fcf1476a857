"""Does an input leak the label? By its definition, or by what it explains on laps left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeRegressor

from pitwall.errors import ModelError
from pitwall.features import load
from pitwall.settings import Settings
from pitwall.training.tasks import Task

Array = NDArray[np.float64]
TOO_GOOD = 0.999
"""Share of the label's variance on laps left out from which on an input counts as a leak.

The mean profile of the next kilometre, known from the distance alone, explains 0.995.
"""
ROWS = 5000
"""Rows that are looked at, at most about."""


def check(
    settings: Settings, task: Task, inputs: pd.DataFrame, labels: Array, laps: NDArray[np.int64]
) -> None:
    """Raise `ModelError`, naming the input and the reason, where an input leaks the label.

    `inputs` has one column an input and one row a tick, `labels` (rows,) holds the label in the
    task's unit, `laps` (rows,) the number of the group the row belongs to, counted from 0
    in order of appearance.
    """
    features = {
        feature.name: feature for view in load(settings.feature_repo) for feature in view.features
    }
    label = features.get(task.label.feature or "")
    for name in inputs.columns:
        if (
            label is not None
            and name in features
            and features[name].channel == label.channel is not None
        ):
            raise ModelError(
                f"input {name!r} of {task.name} leaks: it is made of the label's own channel, "
                f"{label.channel}; leave it out"
            )
    explained = {
        name: _explained(inputs[name].to_numpy(float), labels, laps) for name in inputs.columns
    }
    for name, share in explained.items():
        if share > TOO_GOOD:
            raise ModelError(
                f"input {name!r} of {task.name} leaks: alone it explains {share:.5f} of the "
                "label's variance on laps it was not shown; leave it out"
            )


def _explained(values: Array, labels: Array, laps: NDArray[np.int64]) -> float:
    """R² of one input alone on every second lap, learned on the laps between them.

    A tree and, where no value is missing, a line are fitted; the one that explains more counts.
    """
    step = max(1, len(labels) // ROWS)
    x, y = values[::step, None], labels[::step]
    learned = (laps % 2 == 0)[::step]
    spread = float(((y[~learned] - y[~learned].mean()) ** 2).sum())
    if spread == 0:
        return 0.0
    tree = DecisionTreeRegressor(max_leaf_nodes=300, min_samples_leaf=3, random_state=0).fit(
        x[learned], y[learned]
    )
    predictions = [tree.predict(x[~learned])]
    if np.isfinite(x[:, 0]).all() and np.ptp(x[learned]) > 0:
        line = np.polyfit(x[learned, 0], y[learned], 1)
        predictions.append(np.polyval(line, x[~learned, 0]))
    errors = [float(np.square(predicted - y[~learned]).sum()) for predicted in predictions]
    return 1 - min(errors) / spread
