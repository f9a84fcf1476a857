"""What every command shares: the two consoles, JSON output, the progress line."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

OUT = Console()
ERR = Console(stderr=True)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


SAME_STEP_S = 5.0
"""A step that only counts on is written again after so long, in s."""


def progress() -> tuple[Callable[[str, float | None], None], Callable[[], None]]:
    """`step(text, share)` and `stop()`: a bar on a terminal, else a line on standard error a step.

    A step is its text without numbers, so `jars 3 of 570` and `jars 4 of 570` are one step.
    """
    if not ERR.is_terminal:
        return _lines(), (lambda: None)
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        SpinnerColumn(),
        TimeElapsedColumn(),
        BarColumn(),
        TextColumn("{task.description}"),
        console=ERR,
        transient=True,
    )
    bar.start()
    task = bar.add_task("starting", total=None)

    def step(text: str, share: float | None) -> None:
        bar.update(
            task, description=text, total=None if share is None else 1.0, completed=share or 0
        )

    return step, bar.stop


def _lines() -> Callable[[str, float | None], None]:
    written_s: dict[str, float] = {}

    def step(text: str, share: float | None) -> None:
        name, now = re.sub(r"[\d.,]+", "", text), time.monotonic()
        if share == 1 or now - written_s.get(name, -SAME_STEP_S) >= SAME_STEP_S:
            written_s[name] = now
            print(text, file=sys.stderr, flush=True)

    return step


def emit(answer: Any) -> None:
    """One JSON object on standard output."""
    print(json.dumps(answer, default=str))
