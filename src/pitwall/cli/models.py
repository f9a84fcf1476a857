"""The commands on models: train, retrain, models, promote."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from pitwall.cli.terminal import OUT, AsJson, emit, progress
from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings


def train(
    model: Annotated[str | None, typer.Argument(help="A task of training/tasks.")] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--reproduce",
            metavar="RUN",
            help="Make the model of this run again and compare, bit for bit.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train on a point-in-time dataset, compare with the baselines, register as challenger; the first one becomes champion."""
    from pitwall.training.tasks import task

    if (model is None) == (run is None):
        raise UsageError("name a model to train, or a run to make again: --reproduce RUN")
    settings = Settings()
    if run is not None:
        answer = _training(settings, "--reproduce", run)[run]
        if as_json:
            emit(answer)
        elif answer["same"]:
            OUT.print(
                f"the model of run {run} came out the same, bit for bit: {answer['fingerprint']}",
                soft_wrap=True,
            )
        if not answer["same"]:
            raise PitwallError(
                f"run {run} gave another model; changed since: {', '.join(answer['changed']) or 'nothing that is recorded'}"
            )
        return
    assert model is not None
    task(settings, model)
    answer = _training(settings, model)
    emit(answer) if as_json else _print(model, answer[model])


def retrain(
    names: Annotated[
        list[str] | None, typer.Argument(help="Tasks of training/tasks; default all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train anew where there are new laps, and promote past the gate."""
    from pitwall.training.tasks import task

    settings = Settings()
    for name in names or []:
        task(settings, name)
    answer = _training(settings, "--retrain", *(names or []))
    if as_json:
        emit(answer)
        return
    for name, found in answer.items():
        if found["new"]:
            _print(name, found)
        else:
            OUT.print(f"{name}: {found['gate']}; version {found['serving']} stays")


def _print(name: str, m: dict[str, Any]) -> None:
    OUT.print(
        f"{name} version {m['version']}: MAE {m['mae']:.3f} {m['unit']}, {m['baseline']} {m['baseline_mae']:.3f} {m['unit']} over {m['laps']} laps "
        f"(gain {m['gain']:.3f} ± {m['standard_error'] or float('nan'):.3f}); registered: {m['champion']}; champion: version {m['serving']} ({m['gate']})",
        soft_wrap=True,
    )


def _training(settings: Settings, *arguments: str) -> dict[str, Any]:
    """What the training process answers. Raises `PitwallError` naming what failed."""
    from pitwall.stores.environment import child_environment

    _need_mlflow(settings)
    step, stop = progress()
    command = [sys.executable, "-m", "pitwall.training.run", *arguments]
    tail: list[str] = []
    try:
        with subprocess.Popen(
            command,
            env=child_environment(settings),
            cwd=settings.repository,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stdout is not None and child.stderr is not None
            for line in child.stderr:
                if line.startswith("step "):
                    step(line[5:].strip(), None)
                elif line.strip():
                    tail.append(line.strip())
            answers = [json.loads(line) for line in child.stdout if line.startswith("{")]
    finally:
        stop()
    if child.returncode or not answers:
        raise PitwallError(f"training failed: {tail[-1] if tail else 'no message'}")
    found = {name: answer for each in answers for name, answer in each.items()}
    for name, answer in found.items():
        if "error" in answer:
            raise PitwallError(f"{name}: {answer['error']}")
    return found


def _need_mlflow(settings: Settings) -> None:
    from pitwall.local.servers.table import SERVERS

    for name in ("mlflow", *(["s3"] if settings.mlflow_artifacts.startswith("s3:") else [])):
        if not SERVERS[name].ready(settings):
            raise PitwallError(
                f"{name} at {SERVERS[name].url(settings)} does not answer; start it: ./pitwall up"
            )


def models(as_json: AsJson = False) -> None:
    """List model versions with their error beside the baseline's, who is champion, and why."""
    from pitwall.models import registry as registered

    settings = Settings()
    _need_mlflow(settings)
    rows: list[dict[str, Any]] = [
        {
            "model": each.model,
            "version": each.number,
            "mae": each.mae,
            "baseline_mae": each.baseline_mae,
            "unit": each.unit,
            "kind": each.kind,
            "champion": "champion" in each.aliases,
            "alias": ", ".join(reversed(each.aliases)),
            "promoted": each.promoted,
            "run": each.run,
            "feature_service": each.feature_service,
            "definitions": each.definitions,
            "dataset_sha256": each.dataset_sha256,
        }
        for each in registered.versions(registered.client(settings))
    ]
    if as_json:
        emit({"models": rows})
        return
    table = Table(
        "Model",
        "Version",
        "MAE",
        "Baseline",
        "Kind",
        "Alias",
        box=None,
        header_style="dim",
        padding=(0, 3, 0, 0),
    )
    for row in rows:
        table.add_row(
            row["model"],
            str(row["version"]),
            f"{row['mae']:.3f} {row['unit']}",
            f"{row['baseline_mae']:.3f} {row['unit']}",
            row["kind"],
            row["alias"],
        )
    OUT.print(table if rows else "no model yet; train one: ./pitwall train lap_time")
    for row in rows:
        if row["champion"]:
            OUT.print(
                f"{row['model']}: version {row['version']} is champion ({escape(row['promoted'])})",
                soft_wrap=True,
            )


def promote(
    model: Annotated[str, typer.Argument()],
    version: Annotated[int | None, typer.Argument(min=1)] = None,
    force: Annotated[
        str | None,
        typer.Option("--force", metavar="REASON", help="Past a closed gate; the reason is kept."),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Back to the champion before this one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a version champion: only if it beats its baselines and is not behind the champion."""
    from pitwall.models import registry as registered

    if rollback == (version is not None) or (rollback and force is not None):
        raise UsageError("give a version to promote, or --rollback alone")
    if force is not None and not force.strip():
        raise UsageError("--force is empty; say why")
    settings = Settings()
    _need_mlflow(settings)
    client = registered.client(settings)
    if rollback:
        now, why = registered.rollback(client, model), "rollback"
    else:
        now = str(version)
        why = registered.promote(client, model, now, force).why
    emit(
        {"model": model, "champion": int(now), "why": why, "forced": bool(force)}
    ) if as_json else OUT.print(f"{model}: version {now} is champion ({why})", soft_wrap=True)
