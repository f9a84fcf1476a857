"""`bench` with several names, and how it prints a figure that it cannot give."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pitwall.cli.main import app
from pitwall.errors import StackError
from pitwall.lab.bench import all as every
from pitwall.lab.bench.result import Load, Result
from pitwall.lab.progress import Step


def fine(load: Load, step: Step) -> Result:
    conditions = {"p50_ms": 1.5, "p99.9_ms": None}
    return Result("fine", 2.0, "rows/s", "the peer", 1.0, 2.0, 10, 0.1, conditions)


def lacking(load: Load, step: Step) -> Result:
    raise StackError("no Chromium on PATH")


def test_one_that_cannot_be_run_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every, "BENCHMARKS", {"lacking": lacking, "fine": fine})
    done = CliRunner().invoke(app, ["bench", "all", "--json"])
    assert done.exit_code == 1 and "lacking: no Chromium on PATH" in done.stderr
    (result,) = json.loads(done.stdout)["benchmarks"]
    assert (result["name"], result["ratio"]) == ("fine", 2.0)
    assert result["conditions"] == {"p50_ms": 1.5, "p99.9_ms": None}
    shown = CliRunner().invoke(app, ["bench", "lacking", "fine"])
    assert shown.exit_code == 1 and "rows/s; peer: the peer" in shown.stdout
    alone = CliRunner().invoke(app, ["bench", "lacking"])
    assert isinstance(alone.exception, StackError)


def test_a_percentile_of_too_few_samples_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every, "BENCHMARKS", {"fine": fine})
    shown = CliRunner().invoke(app, ["bench", "fine"])
    assert shown.exit_code == 0
    assert "p50 ms" in shown.stdout and "1.5" in shown.stdout
    assert "p99.9 ms" in shown.stdout and "fewer than 1,000 samples" in shown.stdout
