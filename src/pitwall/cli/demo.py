"""The command `demo`: the main job, end to end, and its summary."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pitwall.cli.checks import replay_speed
from pitwall.cli.reading import (
    LapLength,
    LineOption,
    RateHz,
    Vehicle,
    options_of,
    read_recordings,
    summary,
)
from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress, table
from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.lab.demo.report import Report


def demo(
    laps: Annotated[
        list[Path] | None,
        typer.Option("--laps", help="Lap files or folders, instead of simulated laps."),
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(hidden=True)] = None,
    speed: Annotated[
        str, typer.Option(help="Speed of the live lap: times real time, or max.")
    ] = "10",
    serve: Annotated[
        bool,
        typer.Option(
            "--serve", help="Keep everything up, with the page open, until Ctrl-C or down."
        ),
    ] = False,
    vehicle: Vehicle = None,
    rate_hz: RateHz = None,
    lap_length: LapLength = None,
    line: LineOption = None,
    as_json: AsJson = False,
) -> None:
    """Run the main job, end to end, on this machine.

    It streams laps through Flink, trains and serves models, streams one more lap live, and prints
    the figures.
    """
    from pitwall.lab.demo import chain
    from pitwall.local.state import running

    live_speed = replay_speed(speed)
    if more and not laps:
        raise UsageError(f"demo does not take {str(more[0])!r}; give lap files after --laps")
    if laps:
        options = options_of(lap_length=lap_length, line=line, rate_hz=rate_hz, vehicle=vehicle)
        readings = read_recordings([*laps, *(more or [])], options)
        sessions = chain.recorded_sessions(readings)
        if not as_json:
            OUT.print(summary(readings), markup=False, highlight=False, soft_wrap=True)
    else:
        sessions = chain.default_sessions()

    def show(report: Report) -> None:
        emit(asdict(report)) if as_json else _print_summary(report)

    settings = Settings()
    with progress() as step:

        def serve_until_interrupted(report: Report) -> None:
            step("serving", None)
            show(report)
            ERR.print(f"the page is at {report.page}; Ctrl-C ends everything")
            while running(settings):
                time.sleep(1)
            ERR.print("the servers were stopped by another command")

        report = chain.run(
            settings, sessions, live_speed, step, serve_until_interrupted if serve else None
        )
    show(report)
    if not report.ok:
        raise PitwallError(
            f"the run is not clean: {report.ticks_sent} ticks were sent, {report.ticks_out} came "
            f"out, {report.dead_letters} are dead letters; parity {report.parity}; "
            f"{report.predictions} predictions"
        )


def _print_summary(report: Report) -> None:
    mark = "✔" if report.ok else "✘"
    OUT.print(f"\n[bold]{mark} pitwall demo[/bold]  {report.seconds:.0f} s\n")
    parity = report.parity
    grid = Table.grid(padding=(0, 3))
    grid.add_row("Car → Kafka", f"{report.sessions} sessions, {report.ticks_sent:,} ticks")
    grid.add_row(
        "Flink features", f"{report.ticks_out:,} rows, {report.dead_letters:,} dead letters"
    )
    grid.add_row(
        "Online store",
        f"{report.online_rows:,} rows; fresh in {_percentiles(report.freshness_ms)}",
    )
    grid.add_row("Offline store", f"{report.offline_rows:,} rows")
    grid.add_row(
        "Parity",
        f"{parity['match']:,} equal, {parity['mismatch']} different, {parity['missing']} missing",
    )
    grid.add_row(
        "Predictions",
        f"{report.predictions:,} on the topic; endpoint {_percentiles(report.prediction_ms)}",
    )
    OUT.print(grid)
    models = table("Model", "Version", "Error (MAE)", "Baseline", "Champion")
    for name, model in report.models.items():
        if "error" in model:
            models.add_row(name, "–", model["error"], "", "")
            continue
        models.add_row(
            name,
            str(model["version"]),
            f"{model['mae']:.3f} {model['unit']}",
            f"{model['baseline_mae']:.3f} {model['unit']}",
            model["champion"],
        )
    OUT.print()
    OUT.print(models)
    for answer in report.examples:
        OUT.print(
            f"\nlive: {answer['model']} = [bold]{answer['value']:.2f} {answer['unit']}[/bold] "
            f"at {answer['event_time']}",
            end="",
        )
    OUT.print("\n")


def _percentiles(milliseconds: dict[str, float | None]) -> str:
    if milliseconds.get("p50") is None:
        return "–"
    return f"p50 {milliseconds['p50']} ms   p99 {milliseconds['p99']} ms"
