"""The command `quality` on a store of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from stored_sessions import drive, store
from typer.testing import CliRunner

from pitwall.cli.main import app
from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings


@pytest.fixture(autouse=True)
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITWALL_HOME", str(tmp_path))
    store(Settings(), "a", [drive(80), drive(81)])
    store(Settings(), "b", [drive(82)])


def test_a_view_is_shown_as_a_table_and_as_json() -> None:
    done = CliRunner().invoke(app, ["quality", "--session", "a"])
    line = next(line for line in done.stdout.splitlines() if line.startswith("speed "))
    assert line.split() == ["speed", "1,610", "0", "%", "0.59", "49.5", "98.5"], done.stdout
    done = CliRunner().invoke(app, ["quality", "--json"])
    speed = json.loads(done.stdout)["features"]["speed"]["stored"]
    assert (speed["rows"], speed["null_share"]) == (2430, 0.0)
    assert sum(speed["histogram"]) == 2430


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (["--at-least", "50"], PitwallError, r"below 50 %: .* has a value in 0.0% of the rows"),
        (["--session", "none"], PitwallError, "no rows of session 'none' are stored"),
        (["--view", "none"], UsageError, "there is no view 'none'; there are car_state"),
        (["lap_time", "--session", "a"], UsageError, "quality of a model takes no --view"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], error: type[Exception], says: str) -> None:
    done = CliRunner().invoke(app, ["quality", *arguments])
    assert isinstance(done.exception, error)
    with pytest.raises(error, match=says):
        raise done.exception
