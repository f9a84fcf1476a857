"""`bench` with several names."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pitwall.cli.main import app
from pitwall.errors import StackError
from pitwall.lab.bench import all as every
from pitwall.lab.bench.result import Load, Result, Step


def fine(load: Load, step: Step) -> Result:
    return Result("fine", 2.0, "rows/s", "the peer", 1.0, 2.0, 10, 0.1)


def lacking(load: Load, step: Step) -> Result:
    raise StackError("no Chromium on PATH")


def test_one_that_cannot_be_run_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every, "BENCHMARKS", {"lacking": lacking, "fine": fine})
    done = CliRunner().invoke(app, ["bench", "all", "--json"])
    assert done.exit_code == 1 and "lacking: no Chromium on PATH" in done.stderr
    (result,) = json.loads(done.stdout)["benchmarks"]
    assert (result["name"], result["ratio"]) == ("fine", 2.0)
    shown = CliRunner().invoke(app, ["bench", "lacking", "fine"])
    assert shown.exit_code == 1 and "rows/s; peer: the peer" in shown.stdout
    alone = CliRunner().invoke(app, ["bench", "lacking"])
    assert isinstance(alone.exception, StackError)
