"""The command `test`: the suite, as a user and as CI run it."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from pitwall.errors import UsageError
from pitwall.settings import Settings


def test(
    context: typer.Context,
    fast: Annotated[bool, typer.Option("--fast", help="Run only what needs no server.")] = False,
) -> None:
    """Run the test suite; further arguments go to pytest."""
    settings = Settings()
    if not (settings.repository / "tests").exists():
        raise UsageError(f"there are no tests in {settings.repository}; run this in a checkout")
    chosen = ["-m", "not integration"] if fast else []
    command = [sys.executable, "-m", "pytest", *chosen, *context.args]
    raise typer.Exit(subprocess.run(command, cwd=settings.repository).returncode)
