"""The commands on models: `train`, `retrain`, `models`, `promote`."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Annotated, Any

import typer
from rich.markup import escape

from pitwall.cli.checks import need_registry
from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress, steps_of_child, table
from pitwall.errors import PitwallError, UsageError
from pitwall.lab.progress import Step
from pitwall.settings import Settings

AsCircuit = Annotated[
    str | None,
    typer.Option(
        "--circuit",
        metavar="NAME|LENGTH",
        help="Learn from laps of this circuit: the NAME of sessions' tag circuit=NAME, or a "
        "length in metres.",
    ),
]


def train(
    model: Annotated[str | None, typer.Argument(help="Name of a task in training/tasks.")] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--reproduce",
            metavar="RUN",
            help="Train the model of this MLflow run again, and compare the two bit for bit.",
        ),
    ] = None,
    circuit: AsCircuit = None,
    tune: Annotated[
        int | None,
        typer.Option(
            "--tune",
            metavar="N",
            help="Choose the parameters from N candidates, drawn from the task's `search`.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a model, and compare it with its baselines.

    It learns from whole, plausible laps of one circuit, without those of excluded sessions. The
    dataset is joined point in time. The new version is registered as challenger, the first version
    of a model as champion.
    """
    from pitwall.training.search import drawn
    from pitwall.training.tasks import task

    if (model is None) == (run is None):
        raise UsageError("name a model to train, or a run to reproduce: --reproduce RUN")
    named = _circuit(circuit)
    settings = Settings()
    if run is not None:
        if tune is not None:
            raise UsageError("--tune does not go with --reproduce: the run's candidates are known")
        if named:
            raise UsageError("--circuit does not go with --reproduce: the run's laps are known")
        _reproduce(settings, run, as_json)
        return
    assert model is not None
    asked = task(settings, model)
    if tune is not None:
        drawn(asked, tune)
        named = (*named, "--tune", str(tune))
    answers = _training(settings, model, *named)
    emit(answers) if as_json else _print_version(model, answers[model])


def _circuit(text: str | None) -> tuple[str, ...]:
    """The option for the child. Raises `UsageError` for a text that names no circuit."""
    if text is None:
        return ()
    from pitwall.models.circuit import asked

    asked(text)
    return ("--circuit", text)


def _reproduce(settings: Settings, run: str, as_json: bool) -> None:
    """Train a run's model again. Raises `PitwallError` where the new one differs."""
    answer = _training(settings, "--reproduce", run)[run]
    if as_json:
        emit(answer)
    elif answer["same"]:
        OUT.print(
            f"the model of run {run} was reproduced bit for bit: {answer['fingerprint']}",
            soft_wrap=True,
        )
    if not answer["same"]:
        changed = ", ".join(answer["changed"]) or "nothing that is recorded"
        raise PitwallError(
            f"the model of run {run} could not be reproduced; changed since then: {changed}"
        )


def retrain(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of tasks in training/tasks; default: all.")
    ] = None,
    circuit: AsCircuit = None,
    as_json: AsJson = False,
) -> None:
    """Train the models that have new laps, of the champion's circuit unless one is named.

    A version is promoted if it passes the gate: it beats its baselines, and is not worse than the
    champion.
    """
    from pitwall.training.tasks import tasks

    settings = Settings()
    known = tasks(settings)
    if unknown := [name for name in names or [] if name not in known]:
        raise UsageError(f"model {unknown[0]!r} is unknown; there are: {', '.join(known)}")
    answers = _answers(settings, "--retrain", *_circuit(circuit), *(names or []))
    failed = [name for name, answer in answers.items() if "error" in answer]
    if as_json:
        emit(answers)
    for name, answer in {} if as_json else answers.items():
        if name in failed:
            ERR.print(f"{name}: {answer['error']}", style="red", markup=False, soft_wrap=True)
        elif answer["new"]:
            _print_version(name, answer)
        else:
            OUT.print(f"{name}: {answer['gate']}; version {answer['serving']} stays")
            OUT.print(f"{name}: {answer['taken']}", soft_wrap=True)
    if failed:
        raise PitwallError(
            f"{', '.join(failed)} could not be trained; "
            f"the other {len(answers) - len(failed)} models were"
        )


def _print_version(name: str, version: dict[str, Any]) -> None:
    unit = version["unit"]
    error = version["standard_error"] or float("nan")
    OUT.print(
        f"{name} version {version['version']}: MAE {version['mae']:.3f} {unit}, "
        f"{version['baseline']} {version['baseline_mae']:.3f} {unit} over {version['laps']} laps "
        f"(gain {version['gain']:.3f} ± {error:.3f}); registered: {version['champion']}; "
        f"champion: version {version['serving']} ({version['gate']})",
        soft_wrap=True,
    )
    OUT.print(f"{name}: learned from {version['taken']}", soft_wrap=True, highlight=False)


def _training(settings: Settings, *arguments: str) -> dict[str, Any]:
    """Train in a child process; returns its answers by task.

    Raises `PitwallError` with the error of the task that failed.
    """
    answers = _answers(settings, *arguments)
    for name, answer in answers.items():
        if "error" in answer:
            raise PitwallError(f"{name}: {answer['error']}")
    return answers


def _answers(settings: Settings, *arguments: str) -> dict[str, Any]:
    """As `_training`; the answer of a task that failed is its `error`.

    Raises `PitwallError` where the child itself failed.
    """
    need_registry(settings)
    with progress() as step:
        answers, errors, status = _run_training(settings, arguments, step)
    if status or not answers:
        raise PitwallError(f"training failed: {errors[-1] if errors else 'no message'}")
    return answers


def _run_training(
    settings: Settings, arguments: tuple[str, ...], step: Step
) -> tuple[dict[str, Any], list[str], int]:
    """Run the child; returns its answers by task, its lines of errors, and its exit status."""
    from pitwall.stores.environment import child_environment

    with subprocess.Popen(
        [sys.executable, "-m", "pitwall.training.run", *arguments],
        env=child_environment(settings),
        cwd=settings.repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        errors = steps_of_child(child.stderr, step)
        answers: dict[str, Any] = {}
        for line in child.stdout:
            if line.startswith("{"):
                answers.update(json.loads(line))
    return answers, errors, child.returncode


def models(as_json: AsJson = False) -> None:
    """List the versions of each model with their errors.

    Beside each error stands the best baseline's. The list ends with the reason for each champion.
    """
    from pitwall.models import registry

    settings = Settings()
    need_registry(settings)
    rows: list[dict[str, Any]] = [
        {
            "model": version.model,
            "version": version.number,
            "mae": version.mae,
            "baseline_mae": version.baseline_mae,
            "unit": version.unit,
            "kind": version.kind,
            "champion": "champion" in version.aliases,
            "alias": ", ".join(reversed(version.aliases)),
            "promoted": version.promoted,
            "run": version.run,
            "feature_service": version.feature_service,
            "definitions": version.definitions,
            "dataset_sha256": version.dataset_sha256,
            "circuit": None if version.circuit is None else version.circuit.metadata(),
        }
        for version in registry.versions(registry.client(settings))
    ]
    if as_json:
        emit({"models": rows})
        return
    versions = table("Model", "Version", "MAE", "Baseline", "Kind", "Circuit", "Alias")
    for row in rows:
        versions.add_row(
            row["model"],
            str(row["version"]),
            f"{row['mae']:.3f} {row['unit']}",
            f"{row['baseline_mae']:.3f} {row['unit']}",
            row["kind"],
            _circuit_text(row["circuit"]),
            row["alias"],
        )
    OUT.print(versions if rows else "no model yet; train one: ./pitwall train lap_time")
    for row in rows:
        if row["champion"]:
            OUT.print(
                f"{row['model']}: version {row['version']} is champion ({escape(row['promoted'])})",
                soft_wrap=True,
            )


def _circuit_text(circuit: dict[str, Any] | None) -> str:
    if circuit is None:
        return ""
    return escape(circuit["name"] or f"{circuit['length_m']:,.0f} m")


def promote(
    model: Annotated[str, typer.Argument(help="Name of a model.")],
    version: Annotated[int | None, typer.Argument(min=1, help="Number of the version.")] = None,
    force: Annotated[
        str | None,
        typer.Option(
            "--force",
            metavar="REASON",
            help="Promote although the gate is closed; the reason is recorded.",
        ),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Promote the champion before this one again.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a version the champion, if it passes the gate.

    It passes if it beats its baselines and is not worse than the champion.
    """
    from pitwall.models import promotion, registry

    if rollback == (version is not None) or (rollback and force is not None):
        raise UsageError("give a version to promote, or --rollback alone")
    if force is not None and not force.strip():
        raise UsageError("--force is empty; give the reason")
    settings = Settings()
    need_registry(settings)
    client = registry.client(settings)
    if rollback:
        champion, why = promotion.rollback(client, model), "rollback"
    else:
        champion = str(version)
        why = promotion.promote(client, model, champion, force)
    if as_json:
        emit(
            {
                "model": model,
                "champion": int(champion),
                "why": why,
                "forced": why.startswith("forced: "),
            }
        )
    else:
        OUT.print(f"{model}: version {champion} is champion ({why})", soft_wrap=True)
