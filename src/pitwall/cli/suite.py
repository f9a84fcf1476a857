"""The command `test`: the suite, as a user and as CI run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from typing import Annotated

import typer

from pitwall.errors import UsageError
from pitwall.settings import Settings

SLOWEST = ["--durations", "20"]
WITHOUT_SERVERS = ["-m", "not integration"]


def test(
    context: typer.Context,
    fast: Annotated[bool, typer.Option("--fast", help="Run only what needs no server.")] = False,
) -> None:
    """Run the test suite in two processes and print its slowest tests.

    The tests that need servers run beside those that need none. Further arguments go to pytest,
    which then runs in one process.
    """
    settings = Settings()
    if not (settings.repository / "tests").exists():
        raise UsageError(f"there are no tests in {settings.repository}; run this in a checkout")
    pytest = [sys.executable, "-m", "pytest"]
    root = settings.repository
    if context.args:
        chosen = WITHOUT_SERVERS if fast else []
        raise typer.Exit(subprocess.run([*pytest, *chosen, *context.args], cwd=root).returncode)
    if fast:
        halves = ["-n", "2", "--dist", "loadgroup"]
        command = [*pytest, *WITHOUT_SERVERS, *halves, *SLOWEST]
        raise typer.Exit(subprocess.run(command, cwd=root).returncode)
    with tempfile.TemporaryFile("w+") as output:
        beside = subprocess.Popen(
            [*pytest, *WITHOUT_SERVERS, *SLOWEST], cwd=root, stdout=output, stderr=output
        )
        with_servers = subprocess.Popen(
            [*pytest, "-m", "integration", *SLOWEST],
            cwd=root,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert with_servers.stdout is not None
        shown = bytearray()
        while piece := os.read(with_servers.stdout.fileno(), 1 << 16):
            shown += piece
            sys.stdout.buffer.write(piece)
            sys.stdout.flush()
        statuses = {with_servers.wait(), beside.wait()}
        output.seek(0)
        without_servers = output.read()
    print(f"\nThe tests that need no server, which ran beside these:\n\n{without_servers}")
    counts = _counts(shown.decode(errors="replace")) + _counts(without_servers)
    failed = counts["failed"] + counts["error"]
    skipped = counts["skipped"]
    print(f"{counts['passed'] + counts['xfailed']} passed, {failed} failed, {skipped} skipped")
    raise typer.Exit(max(statuses))


def _counts(output: str) -> Counter[str]:
    """How many tests ended how, by the last line of pytest's output that says so."""
    counts: Counter[str] = Counter()
    for line in reversed(output.splitlines()):
        if re.search(r"\d+ (passed|failed|errors?|skipped).* in [\d.]+s", line):
            for number, outcome in re.findall(r"(\d+) ([a-z]+)", line):
                counts[outcome.rstrip("s") if outcome == "errors" else outcome] += int(number)
            break
    return counts
