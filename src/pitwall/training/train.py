"""Trains a task, compares it with its baseline lap by lap, and registers what won."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut

from pitwall.errors import ModelError
from pitwall.features import load
from pitwall.settings import Settings
from pitwall.training.dataset import Dataset, build
from pitwall.training.tasks import TASKS, Task, task

TRUSTED = [
    "pitwall.training.estimators.DampedPace",
    "pitwall.training.estimators.PaceRatio",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
"""Types a stored model may hold beside those skops trusts by itself."""


def errors_by_lap(task: Task, data: Dataset) -> pd.DataFrame:
    """Mean absolute error of candidate and baseline on each lap, out of lap: columns `candidate` and `baseline`."""
    laps = data.groups.nunique()
    splitter = LeaveOneGroupOut() if task.folds is None else GroupKFold(min(task.folds, laps))
    errors: dict[str, Any] = {}
    for name, make in (("candidate", task.candidate), ("baseline", task.baseline)):
        absolute = pd.Series(np.nan, index=data.y.index)
        for train, test in splitter.split(data.X, data.y, data.groups):
            model = make().fit(data.X.iloc[train], data.y.iloc[train])
            absolute.iloc[test] = np.abs(model.predict(data.X.iloc[test]) - data.y.iloc[test])
        errors[name] = absolute.groupby(data.groups).mean()
    return pd.DataFrame(errors)


def train(settings: Settings, name: str, sessions: list[str] | None = None) -> dict[str, Any]:
    """Train, log and register the task `name`; `champion` goes to the candidate only if it beats the baseline.

    It does when the mean over laps of (baseline error − candidate error) exceeds two of its standard errors.
    Gives version, mae, baseline_mae, unit and champion (`candidate` or `baseline`).
    """
    import mlflow
    import mlflow.sklearn

    from pitwall.local.servers import s3_environment

    chosen = task(name)
    started = time.monotonic()
    data = build(settings, chosen, sessions)
    errors = errors_by_lap(chosen, data)
    gain = errors["baseline"] - errors["candidate"]
    standard_error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else float("inf")
    wins = bool(gain.mean() > 2 * standard_error)
    model = (chosen.candidate if wins else chosen.baseline)().fit(data.X, data.y)
    os.environ.update(s3_environment(settings))
    mlflow.set_tracking_uri(settings.mlflow_url)
    mlflow.set_experiment(name)
    digest = hashlib.sha256(pd.util.hash_pandas_object(data.entity_rows, index=False).to_numpy().tobytes()).hexdigest()
    definitions = ",".join(features.digest for features in load(settings.feature_repo))
    with mlflow.start_run() as run:
        mlflow.log_params(
            {
                "feature_service": chosen.service,
                "definitions": definitions,
                "entity_rows": len(data.entity_rows),
                "entity_rows_sha256": digest[:16],
                "laps": len(errors),
                "champion": "candidate" if wins else "baseline",
                "estimator": type(model).__name__,
            }
        )
        mlflow.log_metrics(
            {
                "mae": float(errors["candidate"].mean()),
                "baseline_mae": float(errors["baseline"].mean()),
                "gain": float(gain.mean()),
                "gain_standard_error": standard_error if np.isfinite(standard_error) else -1.0,
            }
        )
        mlflow.log_dict(errors.reset_index().to_dict("list"), "errors_by_lap.json")
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="skops",
            skops_trusted_types=TRUSTED,
            input_example=data.X.tail(3),
            pip_requirements=["scikit-learn", "skops", "pandas"],
            registered_model_name=name,
        )
        client = mlflow.MlflowClient()
        version = str(logged.registered_model_version)
        for key, value in {
            "unit": chosen.unit,
            "feature_service": chosen.service,
            "definitions": definitions,
            "mae": f"{errors['candidate' if wins else 'baseline'].mean():.6g}",
            "baseline_mae": f"{errors['baseline'].mean():.6g}",
            "kind": "candidate" if wins else "baseline",
            "run": run.info.run_id,
        }.items():
            client.set_model_version_tag(name, version, key, value)
        client.set_registered_model_alias(name, "champion", version)
    return {
        "version": int(version),
        "mae": round(float(errors["candidate"].mean()), 4),
        "baseline_mae": round(float(errors["baseline"].mean()), 4),
        "unit": chosen.unit,
        "champion": "candidate" if wins else "baseline",
        "laps": len(errors),
        "rows": len(data.y),
        "seconds": round(time.monotonic() - started, 1),
    }


def main() -> None:
    """`python -m pitwall.training.train NAME… [--sessions FILE] [--wait]`: a JSON line on standard output for each model.

    With `--wait` the libraries are loaded and a line on standard input is awaited before the data is read.
    """
    arguments = sys.argv[1:]
    if "--wait" in arguments:
        import feast
        import mlflow.sklearn  # noqa: F401

        arguments.remove("--wait")
        if not sys.stdin.readline():
            sys.exit(f"feast {feast.__version__} was loaded, but nobody asked for a model")
    sessions = None
    if "--sessions" in arguments:
        at = arguments.index("--sessions")
        with open(arguments[at + 1]) as file:
            sessions = json.load(file)
        del arguments[at : at + 2]
    for name in arguments or list(TASKS):
        try:
            answer = train(Settings(), name, sessions)
        except ModelError as error:
            answer = {"error": str(error)}
        print(json.dumps({name: answer}), flush=True)


if __name__ == "__main__":
    main()
