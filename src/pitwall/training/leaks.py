"""Does an input know the label? By its definition, and by what it says on laps it was not shown."""

from __future__ import annotations

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from pitwall.errors import ModelError
from pitwall.features import load
from pitwall.settings import Settings
from pitwall.training.dataset import Dataset
from pitwall.training.tasks import Task

TOO_GOOD = 0.999
"""Share of the label's variance that no honest input explains by itself on laps it was not shown; the mean profile of the
next kilometre, known from the distance alone, explains 0.995."""
ROWS = 5000
"""So many rows are enough to find out."""


def check(settings: Settings, task: Task, data: Dataset) -> None:
    """Raises `ModelError` naming the input that leaks, and why."""
    features = {each.name: each for group in load(settings.feature_repo) for each in group.features}
    label = features.get(task.label.feature or "")
    for name in data.X.columns:
        if (
            label is not None
            and name in features
            and features[name].channel == label.channel is not None
        ):
            raise ModelError(
                f"input {name!r} of {task.name} leaks: it is made of the label's own channel, {label.channel}; leave it out"
            )
    explained = {name: _explained(data, name) for name in data.X.columns}
    for name, share in explained.items():
        if share > TOO_GOOD:
            raise ModelError(
                f"input {name!r} of {task.name} leaks: alone it explains {share:.5f} of the label's variance on laps it was not shown; leave it out"
            )


def _explained(data: Dataset, name: str) -> float:
    """R² of this input alone, learned on every other lap, on the laps between: of a line or of a tree, whichever says more."""
    groups = data.groups.unique()
    every = max(1, len(data.y) // ROWS)
    seen = data.groups.isin(groups[::2]).to_numpy()[::every]
    x, y = data.X[[name]].to_numpy()[::every], data.y.to_numpy()[::every]
    spread = float(((y[~seen] - y[~seen].mean()) ** 2).sum())
    if spread == 0:
        return 0.0
    tree = DecisionTreeRegressor(max_leaf_nodes=300, min_samples_leaf=3, random_state=0).fit(
        x[seen], y[seen]
    )
    told = [tree.predict(x[~seen])]
    there = np.isfinite(x[:, 0])
    if there.all() and np.ptp(x[seen]) > 0:
        told.append(np.polyval(np.polyfit(x[seen, 0], y[seen], 1), x[~seen, 0]))
    return 1 - min(float(np.square(each - y[~seen]).sum()) for each in told) / spread
