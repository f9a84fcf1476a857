"""The command `chaos`: faults on real servers, and what each did to the outputs of the chain."""

from __future__ import annotations

import random
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pitwall.cli.terminal import OUT, AsJson, emit, given_stdout, progress, table
from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.lab.chaos.verdict import Outcome


def chaos(
    faults: Annotated[
        list[str] | None,
        typer.Argument(
            help="Faults: kill-SERVER, pause-SERVER, cut-SERVER, far-SERVER, drop-SERVER, "
            "mute-SERVER, fill-disk, slow-disk, skew-SERVER-ahead, skew-SERVER-behind; "
            "default: all."
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=1, max=1440, help="Draw faults and pairs of them for so long, instead of each once."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="With --minutes: repeats the faults of that seed.")
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(help="File for all that happened, JSON lines; default: in .pitwall/chaos."),
    ] = None,
    write_docs: Annotated[
        bool, typer.Option("--write-docs", help="Write the tables of docs/how-to/chaos.md.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Cause faults during live sessions, on servers of their own.

    Rows, predictions and answers are compared with those of the same session undisturbed.
    """
    from pitwall.lab.chaos.experiment import fetch_jars, try_each, try_many
    from pitwall.lab.chaos.faults import FAULTS
    from pitwall.lab.chaos.isolation import isolate
    from pitwall.lab.chaos.page import write

    if write_docs and minutes:
        raise UsageError("--write-docs tries faults one by one; leave --minutes out")
    names = faults or list(FAULTS)
    settings = Settings()
    path = history or settings.home_dir / "chaos" / f"{datetime.now():%Y%m%d-%H%M%S}.jsonl"
    drawn = random.randrange(1_000_000) if seed is None else seed
    not_isolated = ""
    with progress() as step:
        fetch_jars(step)
        if any(FAULTS[name].needs == "namespaces" for name in names if name in FAULTS):
            with given_stdout():
                not_isolated = isolate()
        outcomes = (
            try_each(names, not_isolated, path, step)
            if minutes is None
            else [try_many(names, minutes, drawn, not_isolated, path, step)]
        )
    failed = [outcome for outcome in outcomes if not outcome.ok]
    if write_docs:
        write(settings.repository, outcomes)
    if as_json:
        about = {} if minutes is None else {"seed": drawn, "minutes": minutes}
        drives = [outcome.as_json() for outcome in outcomes]
        emit({"ok": not failed, **about, "history": str(path), "drives": drives})
    else:
        _print(outcomes, path)
    if failed:
        again = f"--minutes {minutes:g} --seed {drawn}" if minutes else failed[0].fault
        what = "; ".join(f"{one.fault}: {', '.join(one.failures)}" for one in failed)
        raise PitwallError(f"{what}; see {path}, and try again: ./pitwall chaos {again}")


def _print(outcomes: list[Outcome], history: Path) -> None:
    from pitwall.lab.chaos.page import HEADS, figures

    rows = table(*HEADS)
    for outcome in outcomes:
        rows.add_row(outcome.fault, *figures(outcome))
    OUT.print(rows)
    OUT.print("Rows, predictions and answers: the longest silence of each.")
    OUT.print(f"All that happened: {history}", soft_wrap=True, highlight=False)
