"""Trains a task, compares it with its baselines lap by lap, logs and registers it; makes a model again from its run."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pitwall.errors import ModelError, UsageError
from pitwall.models import registry as models
from pitwall.settings import Settings
from pitwall.training import lineage
from pitwall.training.card import card
from pitwall.training.dataset import Dataset, build, entity_rows, sha256
from pitwall.training.evaluation import PARTS, Evaluation, error, evaluate, paired, plot
from pitwall.training.tasks import Task, parse, task, tasks


def train(
    settings: Settings,
    name: str,
    sessions: list[str] | None = None,
    *,
    promote: bool = False,
    step: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Train, log and register the task `name` as `challenger`: the candidate, or the best baseline where none is beaten.

    The first version becomes champion, later ones with `promote` where the gate is open. Gives version, mae, baseline_mae,
    unit, champion (`candidate` or `baseline`: which was registered), serving (the champion's version), gate.
    """
    chosen = task(settings, name)
    started = time.monotonic()
    step("joining features")
    data = build(settings, chosen, sessions)
    evaluation = evaluate(chosen, data, step)
    step("fitting")
    kind = "candidate" if evaluation.wins() else "baseline"
    model = _definition(chosen, kind, evaluation.out.best_baseline).make().fit(data.X, data.y)
    registry = models.client(settings)
    step("logging")
    version = _log(settings, registry, chosen, data, evaluation, model, kind)
    if promote or models.by_alias(registry, name, "champion") is None:
        verdict = models.gate(registry, name, version)
        if verdict.passes:
            models.promote(registry, name, version)
    else:
        verdict = models.Verdict(False, f"not asked; ./pitwall promote {name} {version}")
    best = evaluation.out.best_baseline
    return {
        "version": int(version),
        "mae": round(evaluation.out.mean("candidate"), 4),
        "baseline_mae": round(evaluation.out.mean(best), 4),
        "unit": chosen.unit,
        "champion": kind,
        "serving": _serving(registry, name),
        "gate": verdict.why,
        "baseline": best,
        "gain": round(evaluation.out.gain(best)[0], 5),
        "standard_error": _finite(evaluation.out.gain(best)[1]),
        "coverage": round(evaluation.coverage, 3),
        "laps": len(evaluation.out.errors),
        "rows": len(data.y),
        "seconds": round(time.monotonic() - started, 1),
    }


def _serving(registry: Any, name: str) -> int | None:
    champion = models.by_alias(registry, name, "champion")
    return None if champion is None else int(champion.version)


def _definition(chosen: Task, kind: str, best: str) -> Any:
    return (
        chosen.estimator
        if kind == "candidate"
        else next(each for each in chosen.baselines if each.name == best)
    )


def _finite(value: float) -> float | None:
    return round(value, 5) if np.isfinite(value) else None


def _params(
    settings: Settings, chosen: Task, data: Dataset, model: Any, kind: str, best: str
) -> dict[str, Any]:
    times = pd.to_datetime(data.entity_rows["event_timestamp"], utc=True)
    return {
        "task": chosen.name,
        "feature_service": chosen.service,
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
    found = {"coverage": evaluation.coverage}
    for prefix, comparison in (("", evaluation.out), ("walk_", evaluation.walk)):
        if comparison is None:
            continue
        found[f"{prefix}mae"] = comparison.mean("candidate")
        found[f"{prefix}baseline_mae"] = comparison.mean(comparison.best_baseline)
        for name in comparison.errors.columns:
            if name != "candidate":
                (
                    found[f"{prefix}gain_over_{name}"],
                    found[f"{prefix}gain_over_{name}_standard_error"],
                ) = comparison.gain(name)
    for part in range(PARTS):
        found[f"mae_part_{part}"] = evaluation.by_part["candidate"][part]
    return {key: float(value) for key, value in found.items() if np.isfinite(value)}


def _log(
    settings: Settings,
    registry: Any,
    chosen: Task,
    data: Dataset,
    evaluation: Evaluation,
    model: Any,
    kind: str,
) -> str:
    """One run with all that is known of the model, and a version of it; its number."""
    import mlflow
    import mlflow.sklearn
    from mlflow.exceptions import MlflowException

    best = evaluation.out.best_baseline
    params = _params(settings, chosen, data, model, kind, best)
    against = _meet_champion(registry, chosen, data, evaluation, kind)
    mlflow.set_experiment(chosen.name)
    with mlflow.start_run() as run, tempfile.TemporaryDirectory() as folder:
        mlflow.log_params(params)
        mlflow.log_metrics(_metrics(evaluation))
        mlflow.log_input(
            mlflow.data.from_pandas(
                data.X.assign(label=data.y),
                name=f"{chosen.service}@{params['definitions']}",
                targets="label",
            ),
            context="training",
        )
        files = Path(folder)
        (files / "task.yaml").write_text(
            (settings.repository / "training" / "tasks" / f"{chosen.name}.yaml").read_text()
        )
        (files / "model_card.md").write_text(card(chosen, evaluation, params, kind))
        data.entity_rows.to_parquet(files / "entity_rows.parquet")
        mlflow.log_artifacts(folder)
        mlflow.log_dict(
            {
                "out": evaluation.out.errors.to_dict(),
                "walk": {} if evaluation.walk is None else evaluation.walk.errors.to_dict(),
            },
            "errors_by_lap.json",
        )
        mlflow.log_dict(evaluation.by_part.to_dict("list"), "errors_by_part.json")
        mlflow.log_figure(plot(chosen, evaluation), "error_over_distance.png")
        try:
            logged = mlflow.sklearn.log_model(
                model,
                name="model",
                serialization_format="skops",
                skops_trusted_types=models.TRUSTED,
                input_example=data.X.tail(3),
                pip_requirements=["scikit-learn", "skops", "pandas"],
                registered_model_name=chosen.name,
                metadata={
                    "unit": chosen.unit,
                    "feature_service": chosen.service,
                    "definitions": params["definitions"],
                    "interval": evaluation.interval,
                    "inputs": list(data.X.columns),
                },
            )
        except MlflowException as refused:
            raise ModelError(
                f"{chosen.name} cannot be stored: {str(refused).splitlines()[0]}; a type of the project's own belongs in pitwall.models.registry.TRUSTED"
            ) from None
        version = str(logged.registered_model_version)
        name = "candidate" if kind == "candidate" else best
        tags = {
            "unit": chosen.unit,
            "feature_service": chosen.service,
            "definitions": params["definitions"],
            "dataset_sha256": params["dataset_sha256"],
            "mae": f"{evaluation.out.mean(name):.6g}",
            "baseline_mae": f"{evaluation.out.mean(best):.6g}",
            "kind": kind,
            "verdict": "beats baselines" if kind == "candidate" else "baseline",
            "against": json.dumps(against),
            "fingerprint": lineage.fingerprint(model),
            "run": run.info.run_id,
        }
        mlflow.set_tag("fingerprint", tags["fingerprint"])
    for key, value in tags.items():
        registry.set_model_version_tag(chosen.name, version, key, value)
    registry.set_registered_model_alias(chosen.name, "challenger", version)
    return version


def _meet_champion(
    registry: Any, chosen: Task, data: Dataset, evaluation: Evaluation, kind: str
) -> dict[str, Any]:
    """How the new model does beside the champion, lap by lap: on laps new to the champion, else by what both did out of lap.

    Gives the champion's version, laps, gain, standard_error; nothing without a champion.
    """
    champion = models.by_alias(registry, chosen.name, "champion")
    if champion is None:
        return {}
    mine = evaluation.left_out["candidate" if kind == "candidate" else evaluation.out.best_baseline]
    past = _artifact(registry, champion.run_id, "errors_by_lap.json")
    old_errors = json.loads(past.read_text())["out"]
    name = (
        "candidate"
        if champion.tags.get("kind") == "candidate"
        else registry.get_run(champion.run_id).data.params["best_baseline"]
    )
    known = pd.read_parquet(
        _artifact(registry, champion.run_id, "entity_rows.parquet"), columns=["lap"]
    )["lap"].unique()
    rows = data.entity_rows.loc[data.entity_rows["lap"].isin(known), chosen.groups].unique()
    new = ~data.groups.isin(rows).to_numpy()
    if data.groups[new].nunique() >= 2:
        loaded = models.load(registry, champion)
        if set(loaded.inputs) <= set(data.X.columns):
            theirs = loaded.rows.predict_rows(data.X.loc[new, list(loaded.inputs)].to_numpy())
            gains = (
                (_by_group(chosen, theirs, data, new) - _by_group(chosen, mine[new], data, new))
                .dropna()
                .to_numpy()
            )
        else:
            gains = np.empty(0)
    else:
        gains = (
            (
                pd.Series(old_errors[name])
                - _by_group(chosen, mine, data, np.ones(len(data.y), bool))
            )
            .dropna()
            .to_numpy()
        )
    gain, standard_error = paired(gains)
    return {
        "version": int(champion.version),
        "laps": len(gains),
        "gain": gain,
        "standard_error": _finite(standard_error) or 0.0,
    }


def _by_group(chosen: Task, predicted: Any, data: Dataset, chosen_rows: Any) -> pd.Series:
    groups = data.groups[chosen_rows]
    found = (
        pd.Series(error(chosen, predicted - data.y[chosen_rows].to_numpy()), index=groups.index)
        .groupby(groups, sort=False)
        .mean()
    )
    return found**0.5 if chosen.metric == "rmse" else found


def _artifact(registry: Any, run: str, name: str) -> Path:
    return Path(registry.download_artifacts(run, name))


def reproduce(settings: Settings, run: str) -> dict[str, Any]:
    """Make the model of a run again from its task, entity rows and definitions, and compare fingerprints.

    Gives run, model, same, fingerprint, and in `changed` what of code and environment is not as it was then. Raises
    `ModelError` where definitions or data are not those of the run.
    """
    from mlflow.exceptions import MlflowException

    registry = models.client(settings)
    try:
        found = registry.get_run(run)
    except MlflowException:
        raise ModelError(
            f"there is no run {run!r}; `./pitwall models --json` names the run of each version"
        ) from None
    params = found.data.params
    now = lineage.definitions(settings)
    if now != params["definitions"]:
        raise ModelError(
            f"run {run} used definitions {params['definitions']}, here are {now}; check out commit {params['commit'] or '?'}"
        )
    chosen = parse(
        params["task"], _artifact(registry, run, "task.yaml").read_text(), f"task.yaml of run {run}"
    )
    rows = pd.read_parquet(_artifact(registry, run, "entity_rows.parquet"))
    data = build(settings, chosen, rows=rows)
    if data.sha256() != params["dataset_sha256"]:
        raise ModelError(
            f"the offline store no longer gives the data of run {run}: {data.sha256()} instead of {params['dataset_sha256']}"
        )
    model = _definition(chosen, params["kind"], params["best_baseline"]).make().fit(data.X, data.y)
    again = lineage.fingerprint(model)
    environment = lineage.environment(settings)
    return {
        "run": run,
        "model": chosen.name,
        "same": again == found.data.tags["fingerprint"],
        "fingerprint": again,
        "changed": [key for key, value in environment.items() if params.get(key) != value],
    }


def retrain(
    settings: Settings, name: str, step: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """`train` with what came since the champion was trained, and promote past the gate; nothing when there is nothing new."""
    registry = models.client(settings)
    champion = models.by_alias(registry, name, "champion")
    if champion is not None:
        params = registry.get_run(champion.run_id).data.params
        rows = entity_rows(settings, task(settings, name))
        if (sha256(rows), lineage.definitions(settings)) == (
            params["entity_rows_sha256"],
            params["definitions"],
        ):
            return {
                "version": int(champion.version),
                "serving": int(champion.version),
                "new": False,
                "gate": "no new laps since it was trained",
            }
    return {**train(settings, name, promote=True, step=step), "new": True}


def main() -> None:
    """`python -m pitwall.training.run NAME… [--sessions FILE] [--wait] [--promote] [--retrain] [--reproduce RUN]`.

    A JSON line on standard output for each model, progress on standard error. With `--wait` the libraries are loaded and a
    line on standard input is awaited before the data is read.
    """
    arguments = sys.argv[1:]
    if "--wait" in arguments:
        import feast
        import mlflow.sklearn  # noqa: F401

        if not sys.stdin.readline():
            sys.exit(f"feast {feast.__version__} was loaded, but nobody asked for a model")
    options = {name: name in arguments for name in ("--wait", "--promote", "--retrain")}
    arguments = [each for each in arguments if each not in options]

    def taken(option: str) -> str | None:
        if option not in arguments:
            return None
        at = arguments.index(option)
        value = arguments[at + 1]
        del arguments[at : at + 2]
        return value

    def step(text: str) -> None:
        print(f"step {text}", file=sys.stderr, flush=True)

    settings = Settings()
    path, run = taken("--sessions"), taken("--reproduce")
    sessions = json.loads(Path(path).read_text()) if path else None
    if run:
        jobs: dict[str, Callable[[], dict[str, Any]]] = {run: lambda: reproduce(settings, run)}
    elif options["--retrain"]:
        jobs = {
            name: (lambda name=name: retrain(settings, name, step))  # type: ignore[misc]
            for name in arguments or tasks(settings)
        }
    else:
        jobs = {
            name: (
                lambda name=name: train(  # type: ignore[misc]
                    settings, name, sessions, promote=options["--promote"], step=step
                )
            )
            for name in arguments or tasks(settings)
        }
    for name, job in jobs.items():
        try:
            answer = job()
        except (ModelError, UsageError) as failed:
            answer = {"error": str(failed)}
        print(json.dumps({name: answer}), flush=True)


if __name__ == "__main__":
    main()
