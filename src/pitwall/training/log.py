"""One MLflow run with all that is known of a model, and a registered version of it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from pitwall.errors import ModelError
from pitwall.models.loading import TRUSTED
from pitwall.settings import Settings
from pitwall.training import lineage
from pitwall.training.card import card
from pitwall.training.dataset import Dataset, sha256
from pitwall.training.duel import duel
from pitwall.training.evaluation import Evaluation, plot
from pitwall.training.intervals import PARTS
from pitwall.training.laps import VIEW, Choice, counted
from pitwall.training.selection import summed_errors
from pitwall.training.side_by_side import alone
from pitwall.training.tasks import Task


def log(
    settings: Settings,
    registry: Any,
    task: Task,
    data: Dataset,
    evaluation: Evaluation,
    model: Any,
    kind: str,
    choice: Choice,
) -> str:
    """Log and register a fitted model as `challenger`; gives the number of its version.

    `kind` is `candidate` or `baseline`; `choice` says what it learned from. Raises `ModelError`
    where skops cannot store the model.
    """
    import mlflow
    import mlflow.sklearn

    params = _params(settings, task, data, model, kind, evaluation.out.best_baseline)
    params |= {"circuit": str(choice.circuit), "left_out": counted(choice.left_out) or "none"}
    met = duel(registry, task, data, evaluation, kind)
    mlflow.set_experiment(task.name)
    with mlflow.start_run() as run:
        mlflow.log_params(params)
        mlflow.log_metrics(_metrics(evaluation))
        mlflow.log_input(
            mlflow.data.from_pandas(
                data.X.assign(label=data.y),
                name=f"{task.service}@{params['definitions']}",
                targets="label",
            ),
            context="training",
        )
        _log_files(settings, task, data, evaluation, params, kind)
        version = _register(settings, task, data, evaluation, model, params, choice)
        tags = _tags(task, evaluation, model, kind, params, met, choice)
        tags["run"] = run.info.run_id
        mlflow.set_tag("fingerprint", tags["fingerprint"])
    for key, value in tags.items():
        registry.set_model_version_tag(task.name, version, key, value)
    registry.set_registered_model_alias(task.name, "challenger", version)
    return version


def _params(
    settings: Settings, task: Task, data: Dataset, model: Any, kind: str, best: str
) -> dict[str, Any]:
    times = pd.to_datetime(data.entity_rows["event_timestamp"], utc=True)
    return {
        "task": task.name,
        "feature_service": task.service,
        "definitions": lineage.definitions(settings),
        "entity_rows": len(data.entity_rows),
        "entity_rows_sha256": sha256(data.entity_rows),
        "dataset_sha256": data.sha256(),
        "rows": len(data.y),
        "laps": data.entity_rows["lap"].nunique(),
        "first": times.min().isoformat(),
        "last": times.max().isoformat(),
        "kind": kind,
        "best_baseline": best,
        "estimator": type(model).__name__,
        **{f"estimator.{key}": value for key, value in model.get_params(deep=False).items()},
        **lineage.environment(settings),
    }


def _metrics(evaluation: Evaluation) -> dict[str, float]:
    """Errors and gains, one left out and walk-forward, and the error by tenth of the lap.

    `mae`, `mae_part_…`, `coverage…` and `declined` (the share of rows without an answer) are those
    of the model that is registered.
    """
    own = evaluation.coverages[evaluation.registered]
    metrics = {"coverage": evaluation.coverage, "coverage_by_lap_min": float(own.min())}
    metrics["declined"] = evaluation.declined[evaluation.registered]
    for prefix, comparison in (("", evaluation.out), ("walk_", evaluation.walk)):
        if comparison is None:
            continue
        metrics[f"{prefix}mae"] = comparison.mean(evaluation.registered)
        metrics[f"{prefix}candidate_mae"] = comparison.mean("candidate")
        metrics[f"{prefix}baseline_mae"] = comparison.mean(comparison.best_baseline)
        for name in comparison.errors.columns.drop("candidate"):
            gain, standard_error = comparison.gain(name)
            metrics[f"{prefix}gain_over_{name}"] = gain
            metrics[f"{prefix}gain_over_{name}_standard_error"] = standard_error
    for part in range(PARTS):
        metrics[f"mae_part_{part}"] = evaluation.by_part[evaluation.registered][part]
    return {key: float(value) for key, value in metrics.items() if np.isfinite(value)}


def _log_files(
    settings: Settings,
    task: Task,
    data: Dataset,
    evaluation: Evaluation,
    params: dict[str, Any],
    kind: str,
) -> None:
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder)
        definition = settings.repository / "training" / "tasks" / f"{task.name}.yaml"
        # With its candidates in the file, a run that searched is made again to the bit.
        drawn = {"candidates": [*task.candidates]} if task.candidates else None
        text = definition.read_text() + (f"\n{yaml.safe_dump(drawn)}" if drawn else "")
        (files / "task.yaml").write_text(text)
        (files / "model_card.md").write_text(card(task, evaluation, params, kind))
        data.entity_rows.to_parquet(files / "entity_rows.parquet")
        mlflow.log_artifacts(folder)
    walk = {} if evaluation.walk is None else evaluation.walk.errors.to_dict()
    mlflow.log_dict({"out": evaluation.out.errors.to_dict(), "walk": walk}, "errors_by_lap.json")
    if task.candidates:
        errors = alone(lambda: summed_errors(task, data, np.ones(len(data.y), bool)))
        mean = errors / data.groups.nunique()
        table = pd.DataFrame(list(task.candidates)).assign(error=mean)
        mlflow.log_table(table, "candidates.json")
    mlflow.log_dict(evaluation.by_part.to_dict("list"), "errors_by_part.json")
    mlflow.log_figure(plot(task, evaluation), "error_over_distance.png")


def _register(
    settings: Settings,
    task: Task,
    data: Dataset,
    evaluation: Evaluation,
    model: Any,
    params: dict[str, Any],
    choice: Choice,
) -> str:
    """Store the model as a skops file and register it; gives its version."""
    import mlflow.sklearn
    from mlflow.exceptions import MlflowException

    try:
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="skops",
            skops_trusted_types=TRUSTED,
            input_example=data.X.tail(3),
            pip_requirements=["scikit-learn", "skops", "pandas"],
            registered_model_name=task.name,
            metadata={
                "unit": task.unit,
                "feature_service": task.service,
                "definitions": params["definitions"],
                "interval": evaluation.interval,
                "inputs": list(data.X.columns),
                "meanings": lineage.meanings(settings, VIEW, data.X.columns),
                "circuit": choice.circuit.metadata(),
            },
        )
    except MlflowException as refused:
        raise ModelError(
            f"{task.name} cannot be stored: {str(refused).splitlines()[0]}; "
            "a type of the project's own belongs in pitwall.models.loading.TRUSTED"
        ) from None
    return str(logged.registered_model_version)


def _tags(
    task: Task,
    evaluation: Evaluation,
    model: Any,
    kind: str,
    params: dict[str, Any],
    met: dict[str, Any],
    choice: Choice,
) -> dict[str, str]:
    """What the registry lists of the version, and what the gate asks of it."""
    out = evaluation.out
    name = "candidate" if kind == "candidate" else out.best_baseline
    return {
        "unit": task.unit,
        "feature_service": task.service,
        "definitions": params["definitions"],
        "dataset_sha256": params["dataset_sha256"],
        "mae": f"{out.mean(name):.6g}",
        "baseline_mae": f"{out.mean(out.best_baseline):.6g}",
        "kind": kind,
        "verdict": "beats baselines" if kind == "candidate" else "baseline",
        "against": json.dumps(met),
        "fingerprint": lineage.fingerprint(model),
        "circuit": choice.circuit.name,
        "circuit_length_m": f"{choice.circuit.length_m:.3f}",
    }
