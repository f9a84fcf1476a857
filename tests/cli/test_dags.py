"""The DAGs without Airflow: what they run are commands we have, with options they take."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import typer
from paths import ROOT

from pitwall.cli.main import app


@pytest.fixture
def dags(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """Tasks by DAG, of a stand-in for the two classes that are used."""
    found: dict[str, list[Any]] = {}

    class Dag:
        def __init__(self, name: str, **options: Any) -> None:
            found[name] = []
            assert options["catchup"] is False and options["max_active_runs"] == 1

        def __enter__(self) -> None: ...
        def __exit__(self, *error: object) -> None: ...

    def task(**options: Any) -> None:
        next(reversed(found.values())).append(SimpleNamespace(**options))

    for name, members in {
        "airflow": {},
        "airflow.sdk": {"DAG": Dag},
        "airflow.providers": {},
        "airflow.providers.standard": {},
        "airflow.providers.standard.operators": {},
        "airflow.providers.standard.operators.bash": {"BashOperator": task},
    }.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("dags", ROOT / "compose" / "dags" / "pitwall.py")
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return found


def test_each_dag_runs_commands_that_parse(dags: dict[str, list[Any]]) -> None:
    assert dags.keys() == {
        f"pitwall-{name}" for name in ("backfill", "train", "retrain", "parity", "retention")
    }
    assert len(dags["pitwall-train"]) == len(list((ROOT / "training" / "tasks").glob("*.yaml")))
    command = typer.main.get_command(app)
    for tasks in dags.values():
        for task in tasks:
            program, name, *arguments = shlex.split(task.bash_command)
            assert program == "pitwall"
            arguments = [str(ROOT) if each == "/srv/laps" else each for each in arguments]
            with command.commands[name].make_context(name, arguments):  # type: ignore[attr-defined]
                pass


def test_airflow_is_locked_with_hashes_and_one_version_everywhere() -> None:
    lock = (ROOT / "compose" / "dags" / "requirements.lock").read_text()
    pinned = [
        line for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))
    ]
    assert any(line.startswith("apache-airflow==") for line in pinned)
    assert lock.count("--hash=sha256:") >= len(pinned) and "://" not in lock
