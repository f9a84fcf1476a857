"""The new model beside the champion, lap by lap, on laps that neither has learned from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitwall.models.loading import load
from pitwall.models.registry import by_alias
from pitwall.training.comparison import error, paired
from pitwall.training.dataset import Dataset
from pitwall.training.evaluation import Evaluation
from pitwall.training.tasks import Task

Array = NDArray[np.float64]


def duel(
    registry: Any, task: Task, data: Dataset, evaluation: Evaluation, kind: str
) -> dict[str, Any]:
    """Version of the champion, number of laps, mean gain over it and the gain's standard error.

    On laps that are new to the champion, where there are at least two; else by what both did on
    laps left out of their training. `kind` is `candidate` or `baseline`. Gives an empty mapping
    where the task has no champion.
    """
    champion = by_alias(registry, task.name, "champion")
    if champion is None:
        return {}
    own = evaluation.left_out["candidate" if kind == "candidate" else evaluation.out.best_baseline]
    entity_rows = artifact(registry, champion.run_id, "entity_rows.parquet")
    known_laps = pd.read_parquet(entity_rows, columns=["lap"])["lap"].unique()
    known = data.entity_rows.loc[data.entity_rows["lap"].isin(known_laps), task.groups].unique()
    new = ~data.groups.isin(known).to_numpy()
    if data.groups[new].nunique() >= 2:
        gains = _gains_on_new_laps(registry, champion, task, data, own, new)
    else:
        every = np.ones(len(data.y), bool)
        gains = _left_out_errors(registry, champion) - _mean_errors(task, own, data, every)
    gain, standard_error = paired(gains.dropna().to_numpy())
    return {
        "version": int(champion.version),
        "laps": int(gains.notna().sum()),
        "gain": gain,
        "standard_error": finite(standard_error) or 0.0,
    }


def _gains_on_new_laps(
    registry: Any, champion: Any, task: Task, data: Dataset, own: Array, new: NDArray[np.bool_]
) -> pd.Series:
    """Champion's error minus ours, by group; empty where the champion's inputs are not there."""
    loaded = load(registry, champion)
    if not set(loaded.inputs) <= set(data.X.columns):
        return pd.Series(dtype=float)
    theirs = loaded.rows.predict_rows(data.X.loc[new, list(loaded.inputs)].to_numpy())
    return _mean_errors(task, theirs, data, new) - _mean_errors(task, own[new], data, new)


def _left_out_errors(registry: Any, champion: Any) -> pd.Series:
    """The champion's errors by group, on groups left out of its training."""
    errors = json.loads(artifact(registry, champion.run_id, "errors_by_lap.json").read_text())
    name = "candidate"
    if champion.tags.get("kind") != "candidate":
        name = registry.get_run(champion.run_id).data.params["best_baseline"]
    return pd.Series(errors["out"][name])


def _mean_errors(task: Task, predicted: Array, data: Dataset, rows: NDArray[np.bool_]) -> pd.Series:
    """The metric's error by group, in the task's unit, of predictions for these rows."""
    groups = data.groups[rows]
    errors = pd.Series(error(task, predicted - data.y[rows].to_numpy()), index=groups.index)
    means = errors.groupby(groups, sort=False).mean()
    return means**0.5 if task.metric == "rmse" else means


def artifact(registry: Any, run: str, name: str) -> Path:
    """A file that a run has logged, downloaded."""
    return Path(registry.download_artifacts(run, name))


def finite(value: float) -> float | None:
    """The value to five digits; None where it is not finite, which JSON cannot say."""
    return round(value, 5) if np.isfinite(value) else None
