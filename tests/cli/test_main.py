"""The command line as a whole: what it imports, and how it says that the input is wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pitwall.cli.main import main


def test_the_command_line_starts_without_heavy_libraries() -> None:
    code = (
        "import sys, pitwall.cli.main; print([m for m in ('feast', "
        "'mlflow', 'pyflink', 'bentoml') if m in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["demo", "--laps", "/nowhere"], 1, "no such file"),
        (["demo", "--speed", "fast"], 2, "--speed is 'fast'"),
        (["train", "nothing"], 2, "model 'nothing' is unknown"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_wrong_input_is_one_line_and_a_status(
    arguments: list[str],
    status: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["pitwall", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    error = capfd.readouterr().err
    assert end.value.code == status
    assert says in error and "Traceback" not in error
