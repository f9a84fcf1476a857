"""The command `test`: the test suite as users and CI run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from pitwall.errors import UsageError
from pitwall.settings import Settings

SLOWEST = ["--durations", "20"]
WITHOUT_SERVERS, WITH_SERVERS = ["-m", "not integration"], ["-m", "integration"]
IN_TWO_PROCESSES = ["-n", "2", "--dist", "loadgroup"]


def test(
    context: typer.Context,
    fast: Annotated[
        bool, typer.Option("--fast", help="Run only the tests that need no server.")
    ] = False,
) -> None:
    """Run the test suite and print its slowest tests.

    The tests that need no server run first, in two processes. Those with servers follow one after
    the other, because real servers would be too slow beside other tests. Further arguments go to
    pytest, which then runs once, in one process.
    """
    settings = Settings()
    if not (settings.repository / "tests").exists():
        raise UsageError(f"there are no tests in {settings.repository}; run this in a checkout")
    pytest = [sys.executable, "-m", "pytest"]
    if context.args:
        chosen = WITHOUT_SERVERS if fast else []
        command = [*pytest, *chosen, *context.args]
        raise typer.Exit(subprocess.run(command, cwd=settings.repository).returncode)
    parts = [[*pytest, *WITHOUT_SERVERS, *IN_TWO_PROCESSES, *SLOWEST]]
    if not fast:
        parts.append([*pytest, *WITH_SERVERS, *SLOWEST])
    status, counts = 0, Counter[str]()
    for command in parts:
        exit_status, output = _run_and_show(command, settings.repository)
        status = max(status, exit_status)
        counts += _counts(output)
    failed = counts["failed"] + counts["error"]
    print(f"\n{counts['passed']} passed, {failed} failed, {counts['skipped']} skipped")
    raise typer.Exit(status)


def _run_and_show(command: list[str], folder: Path) -> tuple[int, str]:
    """Run a command and show its output as it comes; returns its exit status and the output."""
    output = bytearray()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        while piece := os.read(process.stdout.fileno(), 1 << 16):
            output += piece
            sys.stdout.buffer.write(piece)
            sys.stdout.flush()
    return process.returncode, output.decode(errors="replace")


def _counts(output: str) -> Counter[str]:
    """Number of tests by how they ended, from the last line of pytest's output with numbers."""
    counts: Counter[str] = Counter()
    for line in reversed(output.splitlines()):
        if re.search(r"\d+ (passed|failed|errors?|skipped).* in [\d.]+s", line):
            for number, outcome in re.findall(r"(\d+) ([a-z]+)", line):
                counts[outcome.rstrip("s") if outcome == "errors" else outcome] += int(number)
            break
    return counts
