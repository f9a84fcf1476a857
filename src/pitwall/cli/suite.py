"""The command `test`: the suite, as a user and as CI run it."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from pitwall.errors import UsageError
from pitwall.settings import Settings

PROCESSES = 2
"""Each runs whole stacks of servers one after the other: about 4 GiB and one core at a time."""


def test(
    context: typer.Context,
    fast: Annotated[bool, typer.Option("--fast", help="Run only what needs no server.")] = False,
) -> None:
    """Run the test suite in two processes and print its slowest tests.

    Further arguments go to pytest, which then runs in one process.
    """
    settings = Settings()
    if not (settings.repository / "tests").exists():
        raise UsageError(f"there are no tests in {settings.repository}; run this in a checkout")
    command = [sys.executable, "-m", "pytest"]
    if fast:
        command += ["-m", "not integration"]
    if context.args:
        command += context.args
    else:
        command += ["-n", str(PROCESSES), "--dist", "loadgroup", "--no-loadscope-reorder"]
        command += ["--durations", "20"]
    raise typer.Exit(subprocess.run(command, cwd=settings.repository).returncode)
