"""Does an input leak the label, alone or with another? By definition, or by what it explains."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeRegressor

from pitwall.errors import ModelError
from pitwall.features import Feature, load
from pitwall.features.kinds import Kind
from pitwall.settings import Settings
from pitwall.training.tasks import Task

Array = NDArray[np.float64]
TOO_GOOD = 0.999
"""Share of the label's variance on laps left out from which on an input counts as a leak.

The mean profile of the next kilometre, known from the distance alone, explains 0.995.
"""
ROWS = 5000
"""Rows that are looked at, at most about."""
PAIR_ROWS = 2000
"""The same for pairs of inputs, of which there are many."""
SUMS = {
    "SPEED": ("DISTANCE", "LAPDISTANCE", "TOTALDISTANCE", "POSITIONX", "POSITIONZ"),
    "BATTERYPOWER": ("BATTERYNETENERGY",),
}
"""Channels by the channel that they are the sum of over time."""
MOVES = (Kind.DIFF, Kind.ROLLING_SLOPE, Kind.ROLLING_RANGE)
"""Kinds that compare a channel at two instants."""
VALUES = (Kind.LAST, Kind.LAG, Kind.ROLLING_MEAN, Kind.ROLLING_MIN, Kind.ROLLING_MAX)
"""Kinds of which two compare a channel at two instants."""


def check(
    settings: Settings, task: Task, inputs: pd.DataFrame, labels: Array, laps: NDArray[np.int64]
) -> None:
    """Raise `ModelError`, naming inputs and reason, where one or two inputs leak the label.

    `inputs` has one column an input and one row a tick, `labels` (rows,) holds the label in the
    task's unit, `laps` (rows,) the number of the group the row belongs to, counted from 0
    in order of appearance.
    """
    features = {
        feature.name: feature for view in load(settings.feature_repo) for feature in view.features
    }
    label = features.get(task.label.feature or "")
    if label is not None and label.channel is not None:
        used = [features[name] for name in inputs.columns if name in features]
        _check_definitions(task, label.channel, used)
    columns = {name: inputs[name].to_numpy(float) for name in inputs.columns}
    for name, values in columns.items():
        share = _explained(values, labels, laps)
        if share > TOO_GOOD:
            raise ModelError(
                f"input {name!r} of {task.name} leaks: alone it explains {share:.5f} of the "
                "label's variance on laps it was not shown; leave it out"
            )
    step = max(1, len(labels) // PAIR_ROWS)
    learned = (laps % 2 == 0)[::step]
    for (one, x), (other, z) in combinations(columns.items(), 2):
        share = _explained_by_two(x[::step], z[::step], labels[::step], learned)
        if share > TOO_GOOD:
            raise ModelError(
                f"inputs {one!r} and {other!r} of {task.name} leak: together they explain "
                f"{share:.5f} of the label's variance on laps they were not shown; "
                "leave one of them out"
            )


def _check_definitions(task: Task, channel: str, used: list[Feature]) -> None:
    """Raise `ModelError` for inputs of the label's channel, and for moves of its sum over time."""
    values: dict[str, Feature] = {}
    for feature in used:
        if feature.channel == channel:
            raise ModelError(
                f"input {feature.name!r} of {task.name} leaks: it is made of the label's own "
                f"channel, {channel}; leave it out"
            )
        if feature.channel is None or feature.channel not in SUMS.get(channel, ()):
            continue
        why = f"{feature.channel} is the sum of {channel}, the label's channel, over time"
        if feature.kind in MOVES:
            raise ModelError(
                f"input {feature.name!r} of {task.name} leaks: {why}, and what it moves by in a "
                "while gives the label away; leave it out"
            )
        if feature.kind in VALUES:
            before = values.setdefault(feature.channel, feature)
            if before is not feature:
                raise ModelError(
                    f"inputs {before.name!r} and {feature.name!r} of {task.name} leak: {why}, and "
                    "their difference gives the label away; leave one of them out"
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


def _explained_by_two(x: Array, z: Array, y: Array, learned: NDArray[np.bool_]) -> float:
    """R² of two inputs on the rows not `learned` from: their weighted sum, ratios and product.

    Rows where an input is missing are left out. Two inputs that both exist on less than half of
    the rows tell nothing.
    """
    there = np.isfinite(x) & np.isfinite(z)
    if there.mean() < 0.5:
        return 0.0
    x, z, y, learned = x[there], z[there], y[there], learned[there]
    tested = ~learned
    spread = float(((y[tested] - y[tested].mean()) ** 2).sum()) if tested.any() else 0.0
    if spread == 0 or learned.sum() < 4:
        return 0.0
    best = _fit([x, z], y, learned)
    for numerator, denominator in ((x, z), (z, x)):
        if np.abs(denominator).min() > 0:
            best = min(best, _fit([numerator / denominator], y, learned))
    return 1 - min(best, _fit([x * z], y, learned)) / spread


def _fit(columns: list[Array], y: Array, learned: NDArray[np.bool_]) -> float:
    """Sum of squared errors on the other rows of the best weighted sum of columns and a number."""
    values = np.column_stack([_scaled(column, learned) for column in columns])
    rows = np.column_stack([values, np.ones(len(y))])
    # Normal equations of three unknowns: a hundred inputs make thousands of pairs.
    gram = rows[learned].T @ rows[learned] + 1e-12 * learned.sum() * np.eye(rows.shape[1])
    weights = np.linalg.solve(gram, rows[learned].T @ y[learned])
    return float(np.square(rows[~learned] @ weights - y[~learned]).sum())


def _scaled(column: Array, learned: NDArray[np.bool_]) -> Array:
    spread = float(column[learned].std())
    return np.asarray((column - column[learned].mean()) / (spread if spread > 0 else 1.0))
