"""The training process: `python -m pitwall.training.run [TASK…]`.

It prints one JSON line on standard output for each model, and its steps on standard error.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from pitwall.errors import PitwallError
from pitwall.models.circuit import asked
from pitwall.settings import Settings
from pitwall.training.tasks import tasks


def _print_step(text: str) -> None:
    print(f"step {text}", file=sys.stderr, flush=True)


def _answer(name: str, work: Callable[[], dict[str, Any]]) -> None:
    """Print what the work gives, or its error, as a JSON line."""
    try:
        answer = work()
    except PitwallError as failed:
        answer = {"error": str(failed)}
    except Exception as fault:
        traceback.print_exc()
        answer = {"error": f"{type(fault).__name__}: {fault}"}
    print(json.dumps({name: answer}), flush=True)


def train_tasks(
    names: Annotated[
        list[str] | None, typer.Argument(help="Tasks of training/tasks; default: all.")
    ] = None,
    sessions: Annotated[
        Path | None, typer.Option(help="A JSON file with a list of session ids to learn from.")
    ] = None,
    promote: Annotated[bool, typer.Option(help="Promote each version past the gate.")] = False,
    again: Annotated[
        bool, typer.Option("--retrain", help="Train only where there are new laps, and promote.")
    ] = False,
    circuit: Annotated[
        str | None, typer.Option(help="Circuit to learn from: a name or a length in metres.")
    ] = None,
    tune: Annotated[int | None, typer.Option(help="Candidates of a search.")] = None,
    run: Annotated[
        str | None, typer.Option("--reproduce", help="Make the model of this run again.")
    ] = None,
) -> None:
    """Train tasks one after the other."""
    from pitwall.training.reproduce import reproduce
    from pitwall.training.train import retrain, train

    settings = Settings()
    if run:
        _answer(run, lambda: reproduce(settings, run))
        return
    chosen = json.loads(sessions.read_text()) if sessions else None
    named = None if circuit is None else asked(circuit)
    for name in names or tasks(settings):
        if again:
            _answer(name, lambda name=name: retrain(settings, name, _print_step, named))  # type: ignore[misc]
        else:
            _answer(
                name,
                lambda name=name: train(  # type: ignore[misc]
                    settings,
                    name,
                    chosen,
                    circuit=named,
                    promoted=promote,
                    tune=tune,
                    step=_print_step,
                ),
            )


def main() -> None:
    """Run the process's command line."""
    typer.run(train_tasks)


if __name__ == "__main__":
    main()
