"""What every command shares: two consoles, tables, JSON output and the progress line."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.table import Table

OUT = Console()
ERR = Console(stderr=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Step = Callable[[str, float | None], None]
"""`step(text, share)`: what is being done, and how much of it is done (0 to 1, None: unknown)."""
SAME_STEP_S = 5.0
"""Seconds between two lines of one step, where standard error is no terminal."""


@contextmanager
def progress() -> Iterator[Step]:
    """A progress bar on standard error while the block runs; a line a step where it is no terminal.

    A step is its text without numbers: `jars 3 of 570` and `jars 4 of 570` are one step.
    """
    if not ERR.is_terminal:
        yield _line_a_step()
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        SpinnerColumn(),
        TimeElapsedColumn(),
        BarColumn(),
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


def _line_a_step() -> Step:
    """Prints a step at its first text, at its end, and every `SAME_STEP_S` in between."""
    printed_s: dict[str, float] = {}

    def step(text: str, share: float | None) -> None:
        name, now = re.sub(r"[\d.,]+", "", text), time.monotonic()
        if share == 1 or now - printed_s.get(name, -SAME_STEP_S) >= SAME_STEP_S:
            printed_s[name] = now
            print(text, file=sys.stderr, flush=True)

    return step


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


_json_out: list[TextIO] = []
"""Where `emit` writes once standard output is reserved for it."""


def reserve_stdout() -> None:
    """Keep standard output for `emit` alone.

    What libraries and child processes print there from now on goes to standard error.
    """
    sys.stdout.flush()
    _json_out.append(os.fdopen(os.dup(1), "w"))
    os.dup2(2, 1)


def emit(answer: Any) -> None:
    """Print one JSON object on standard output; what JSON does not know is written as text."""
    out = _json_out[-1] if _json_out else sys.stdout
    print(json.dumps(answer, default=str), file=out, flush=True)
