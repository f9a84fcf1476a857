"""The output that all commands share: two consoles, tables, JSON, and the progress line."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.table import Table

from pitwall.lab.progress import Step

OUT = Console()
ERR = Console(stderr=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
SAME_STEP_S = 5.0
"""Where standard error is no terminal: time between two lines of the same step."""
_COUNTED = re.compile(r"\b(\d+) of ([1-9]\d*)\)?$")


@contextmanager
def progress() -> Iterator[Step]:
    """A progress bar on standard error while the block runs; lines where that is no terminal.

    Where the share of a step is known, the time left stands beside the bar. Each step has its own
    line. Texts that differ only in their numbers are the same step: `jars 3 of 570` and `jars 4 of
    570`.
    """
    if not ERR.is_terminal:
        yield _lines()
        return
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        SpinnerColumn(),
        TimeElapsedColumn(),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=ERR,
        transient=True,
    )
    with bar:
        task = bar.add_task("starting", total=None)

        def step(text: str, share: float | None) -> None:
            total = None if share is None else 1.0
            bar.update(task, description=text, total=total, completed=share or 0)

        yield step


def _lines() -> Step:
    """Prints a step's first text, its last one, and one every `SAME_STEP_S` in between."""
    printed_s: dict[str, float] = {}

    def step(text: str, share: float | None) -> None:
        name, now = re.sub(r"[\d.,]+", "", text), time.monotonic()
        if share == 1 or now - printed_s.get(name, -SAME_STEP_S) >= SAME_STEP_S:
            printed_s[name] = now
            print(text, file=sys.stderr, flush=True)

    return step


def steps_of_child(lines: Iterable[str], step: Step) -> list[str]:
    """Show the steps of a child process as its standard error comes; gives its lines of errors.

    Lines that begin with `step ` are steps, all others errors. A step that ends with `3 of 8` is
    done by that share.
    """
    errors = []
    for line in lines:
        if line.startswith("step "):
            text = line[5:].strip()
            counted = _COUNTED.search(text)
            step(text, int(counted[1]) / int(counted[2]) if counted else None)
        elif line.strip():
            errors.append(line.strip())
    return errors


def table(*columns: str, gap: int = 3, title: str | None = None) -> Table:
    """An empty table without lines, with these column heads and `gap` blanks between columns."""
    return Table(
        *columns,
        title=title,
        title_justify="left",
        box=None,
        header_style="dim",
        padding=(0, gap, 0, 0),
    )


_reserved: list[TextIO] = []
"""The file to which `emit` writes, once standard output is reserved for it."""


def reserve_stdout() -> None:
    """Keep standard output for `emit` alone.

    From now on, text that libraries and child processes print there goes to standard error.
    """
    sys.stdout.flush()
    _reserved.append(os.fdopen(os.dup(1), "w"))
    os.dup2(2, 1)


@contextmanager
def given_stdout() -> Iterator[None]:
    """Undo `reserve_stdout` while the block runs, for a program that takes this one's place."""
    if not _reserved:
        yield
        return
    aside = os.dup(1)
    os.dup2(_reserved[-1].fileno(), 1)
    try:
        yield
    finally:
        os.dup2(aside, 1)
        os.close(aside)


def emit(answer: Any) -> None:
    """Print one JSON object on standard output; values of types that JSON lacks become text."""
    out = _reserved[-1] if _reserved else sys.stdout
    print(json.dumps(answer, default=str), file=out, flush=True)
