"""What every command shares: the two consoles, JSON output, the progress line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

OUT = Console()
ERR = Console(stderr=True)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def progress() -> tuple[Callable[[str, float | None], None], Callable[[], None]]:
    """`step(text, share)` and `stop()` of a progress line on a terminal; silent where standard error is none."""
    if not ERR.is_terminal:
        return (lambda text, share: None), (lambda: None)
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


def emit(answer: Any) -> None:
    """One JSON object on standard output."""
    print(json.dumps(answer, default=str))
