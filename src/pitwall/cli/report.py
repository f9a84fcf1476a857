"""The commands `report models` and `report drift`: every figure published there, made anew."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from pitwall.cli.models import AsCircuit
from pitwall.cli.terminal import OUT, AsJson, emit, progress, steps_of_child, table
from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings

report = typer.Typer(no_args_is_help=True, help="Figures that are published, made anew.")


@report.command(epilog="Example: ./pitwall report models --judge ../shared/data/laps --json")
def models(
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="More paths for --judge.")
    ] = None,
    judge: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Recordings to judge on, which no fit has seen."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A task of training/tasks; default: all of them."),
    ] = None,
    circuit: AsCircuit = None,
    as_json: AsJson = False,
) -> None:
    """Make every figure that is published beside a model anew: error, gain, coverage.

    Models and baselines are fitted to the stored sessions and judged on laps left out of the fit,
    or with --judge on recordings of others. It needs no server where the offline store is a folder,
    and registers nothing. A gain is the baseline's error minus the model's, with its standard
    error; laps that belong together count as one in it.
    """
    if more and not judge:
        raise UsageError(f"{more[0]}: paths are recordings to judge on; write --judge {more[0]}")
    named = ["--circuit", circuit] if circuit is not None else []
    for path in [*(judge or []), *(more or [])]:
        named += ["--judge", str(path.absolute())]
    rows = _made(Settings(), [*(model or []), *named])
    if as_json:
        emit(rows)
    else:
        _print(rows)


@report.command(epilog="Example: ./pitwall report drift --json")
def drift(as_json: AsJson = False) -> None:
    """Try the watch on drift: detection times of faults and false alarms, by channel.

    Each stored lap of the most usual circuit is held out in turn; the bands are made of the others.
    Faults begin at places drawn by a fixed seed. An excluded session is left out.
    """
    from pitwall.monitoring.drill import drill
    from pitwall.stores.offline.files import recorded
    from pitwall.stores.offline.marks import excluded

    settings = Settings()
    with progress() as step:
        place, out = recorded(settings, "car_state"), excluded(settings)
        made = drill(place, out, step=lambda text: step(text, None))
    if as_json:
        emit(made)
        return
    names = [fault["fault"] for fault in made["channels"][0]["faults"]]
    figures = table("Channel", "False", *names, gap=2)
    for channel in made["channels"]:
        figures.add_row(
            channel["channel"], str(channel["false_alarms"]), *map(_wait, channel["faults"])
        )
    OUT.print(figures)
    OUT.print(
        f"Median seconds until the alarm, and the faults found. False alarms: "
        f"{made['false_alarms']} in {made['hours']:.2f} h on {made['laps']} laps, "
        f"{made['false_alarms_per_h']:.2f} an hour.",
        soft_wrap=True,
        highlight=False,
    )


def _wait(fault: dict[str, Any]) -> str:
    seconds = "–" if fault["median_s"] is None else f"{fault['median_s']:.0f} s"
    return f"{seconds} {fault['found']}/{fault['injected']}"


def _made(settings: Settings, arguments: list[str]) -> list[dict[str, Any]]:
    """The figures, made in a process of its own. Raises `PitwallError` with what it says."""
    from pitwall.stores.environment import child_environment

    with progress() as step, tempfile.TemporaryDirectory(prefix="pitwall-report-") as folder:
        out = Path(folder) / "report.json"
        with subprocess.Popen(
            [sys.executable, "-m", "pitwall.training.report", str(out), *arguments],
            env=child_environment(settings),
            cwd=settings.repository,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stderr is not None
            errors = steps_of_child(child.stderr, step)
        if not out.exists():
            raise PitwallError(f"the report failed: {errors[-1] if errors else 'no message'}")
        answer = json.loads(out.read_text())
    if isinstance(answer, dict):
        raise PitwallError(answer["error"])
    return list(answer)


def _print(rows: list[dict[str, Any]]) -> None:
    heads = ("Model", "Laps", "Error", "Baseline", "Error", "Gain", "Held", "Least")
    figures = table(*heads, gap=2)
    for row in rows:
        holds = (_share(row["coverage"]), _share(row["coverage_by_lap_min"]))
        _add(figures, row["model"], row["unit"], row, holds)
        if row.get("walk_forward"):
            _add(figures, "  in date order", row["unit"], row["walk_forward"], ("", ""))
    OUT.print(figures)
    for row in rows:
        lines = [
            row["taken"],
            f"{row['laps']} laps in {row['clusters']} groups that belong together",
        ]
        if row["declined"]:
            lines.append(f"no answer on {row['declined']:.2%} of the rows, counted as errors")
        for line in filter(None, [*lines, row["note"]]):
            OUT.print(escape(f"{row['model']}: {line}"), soft_wrap=True, highlight=False)


def _add(figures: Table, name: str, unit: str, row: dict[str, Any], holds: tuple[str, str]) -> None:
    """Add a line for each baseline; the model's own figures stand in the first one."""
    first = [name, str(row["laps"]), f"{_number(row['error'])} {unit}"]
    for baseline, figure in row["baselines"].items():
        gain = f"{_number(figure['gain'])} ± {_number(figure['gain_se'])}"
        figures.add_row(*first, baseline, _number(figure["error"]), gain, *holds)
        first, holds = ["", "", ""], ("", "")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
