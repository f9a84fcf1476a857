"""Makes the model of a run again from what the run has recorded, and compares the two."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pitwall.errors import ModelError
from pitwall.models import registry as models
from pitwall.settings import Settings
from pitwall.training import lineage
from pitwall.training.dataset import build
from pitwall.training.duel import artifact
from pitwall.training.selection import fitted
from pitwall.training.tasks import parse


def reproduce(settings: Settings, run: str) -> dict[str, Any]:
    """Fit the model of a run again from its task, entity rows and definitions.

    Gives run, model, same (whether the fingerprints are equal), fingerprint, and in `changed` the
    parts of code and environment that are not as they were. Raises `ModelError` where definitions
    or data are not those of the run.
    """
    from mlflow.exceptions import MlflowException

    registry = models.client(settings)
    try:
        recorded = registry.get_run(run).data
    except MlflowException as error:
        if not models.is_absent(error):
            raise models.silent(error) from error
        raise ModelError(
            f"there is no run {run!r}; `./pitwall models --json` names the run of each version"
        ) from None
    params = recorded.params
    definitions = lineage.definitions(settings)
    if definitions != params["definitions"]:
        raise ModelError(
            f"run {run} used definitions {params['definitions']}, here are {definitions}; "
            f"check out commit {params['commit'] or '?'}"
        )
    text = artifact(registry, run, "task.yaml").read_text()
    chosen = parse(params["task"], text, f"task.yaml of run {run}")
    rows = pd.read_parquet(artifact(registry, run, "entity_rows.parquet"))
    data = build(settings, chosen, rows)
    if data.sha256() != params["dataset_sha256"]:
        raise ModelError(
            f"the offline store no longer gives the data of run {run}: {data.sha256()} "
            f"instead of {params['dataset_sha256']}"
        )
    name = "candidate" if params["kind"] == "candidate" else params["best_baseline"]
    fingerprint = lineage.fingerprint(fitted(chosen, name, data))
    environment = lineage.environment(settings)
    return {
        "run": run,
        "model": chosen.name,
        "same": fingerprint == recorded.tags["fingerprint"],
        "fingerprint": fingerprint,
        "changed": [key for key, value in environment.items() if params.get(key) != value],
    }
