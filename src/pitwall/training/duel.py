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
from pitwall.training.comparison import errors_by_group, finite, paired
from pitwall.training.dataset import Dataset
from pitwall.training.evaluation import Evaluation
from pitwall.training.tasks import Task

Array = NDArray[np.float64]


def duel(
    registry: Any, task: Task, data: Dataset, evaluation: Evaluation, kind: str
) -> dict[str, Any]:
    """Version of the champion, number of laps, mean gain over it and the gain's standard error.

    On laps that are new to the champion, where they are of two sessions at least; else by what both
    did on laps left out of their training. A lap that belongs together with one that the champion
    knows is not new. In the standard error such laps count as one; it is None where all do.
    `kind` is `candidate` or `baseline`. Gives an empty mapping where the task has no champion.
    """
    champion = by_alias(registry, task.name, "champion")
    if champion is None:
        return {}
    own = evaluation.left_out["candidate" if kind == "candidate" else evaluation.out.best_baseline]
    entity_rows = artifact(registry, champion.run_id, "entity_rows.parquet")
    known_laps = pd.read_parquet(entity_rows, columns=["lap"])["lap"].unique()
    # Entity rows without a label are none of the data's rows.
    rows = data.entity_rows
    known_groups = rows.loc[rows["lap"].isin(known_laps), task.groups].unique()
    known = data.groups.isin(known_groups)
    new = ~data.together.isin(data.together[known]).to_numpy()
    if data.together[new].nunique() >= 2:
        gains = _gains_on_new_laps(registry, champion, task, data, own, new)
    else:
        ours = errors_by_group(task, own - data.y.to_numpy(), data.groups)
        gains = _left_out_errors(registry, champion) - ours
    gains = gains.dropna()
    together = data.together.groupby(data.groups, sort=False).first()
    gain, standard_error = paired(gains.to_numpy(), together[gains.index])
    return {
        "version": int(champion.version),
        "laps": len(gains),
        "gain": gain,
        "standard_error": finite(standard_error),
    }


def _gains_on_new_laps(
    registry: Any, champion: Any, task: Task, data: Dataset, own: Array, new: NDArray[np.bool_]
) -> pd.Series:
    """Champion's error minus ours, by group; empty where the champion's inputs are not there."""
    loaded = load(registry, champion)
    if not set(loaded.inputs) <= set(data.X.columns):
        return pd.Series(dtype=float)
    theirs = loaded.rows.predict_rows(data.X.loc[new, list(loaded.inputs)].to_numpy())
    truth, groups = data.y[new].to_numpy(), data.groups[new]
    return errors_by_group(task, theirs - truth, groups) - errors_by_group(
        task, own[new] - truth, groups
    )


def _left_out_errors(registry: Any, champion: Any) -> pd.Series:
    """The champion's errors by group, on groups left out of its training."""
    errors = json.loads(artifact(registry, champion.run_id, "errors_by_lap.json").read_text())
    name = "candidate"
    if champion.tags.get("kind") != "candidate":
        name = registry.get_run(champion.run_id).data.params["best_baseline"]
    return pd.Series(errors["out"][name])


def artifact(registry: Any, run: str, name: str) -> Path:
    """A file that a run has logged, downloaded."""
    return Path(registry.download_artifacts(run, name))
