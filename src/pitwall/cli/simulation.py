"""The command `simulate-faults`: the features job in virtual time, under everything at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pitwall.cli.terminal import OUT, AsJson, emit, progress, table
from pitwall.errors import PitwallError
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.lab.simulation.faults import Fault
    from pitwall.lab.simulation.run import Report

KNOWN = Path("tests/lab/simulation_seeds.txt")
"""Known faults and worlds that ever failed, in a checkout."""


def simulate_faults(
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 100,
    hours: Annotated[
        float | None,
        typer.Option(min=0.1, help="Take seeds until so many logical hours are simulated."),
    ] = None,
    world: Annotated[
        str | None, typer.Option(help='One world: a seed, or "SEED only NAME=NUMBER …".')
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="An ingredient that no world has.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Worlds side by side.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Simulate the job by seed, and show the smallest world for each promise that it broke."""
    from pitwall.lab.simulation.faults import read_known
    from pitwall.lab.simulation.run import run, run_world
    from pitwall.lab.simulation.worker import Worker

    settings = Settings()
    path = settings.repository / KNOWN
    known = read_known(path)[0] if path.exists() else []
    with progress() as step:
        step("starting the simulation", None)
        with Worker(settings, threads, without or ()) as worker:
            report = (
                run_world(worker, world, known)
                if world is not None
                else run(worker, seed, seeds, hours, known, step)
            )
    if as_json:
        emit(_as_json(report))
    else:
        _print(report)
    if not report.ok:
        broken = sorted({fault.promise for fault in report.faults})
        what = f"promises are broken: {', '.join(broken)}" if broken else "the oracle disagrees"
        raise PitwallError(f"{what}; run a world alone to look closer: --world WORLD")


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "worlds": report.worlds,
        "logical_hours": round(report.logical_hours, 2),
        "driven_hours": round(report.driven_hours, 2),
        "rows": report.rows,
        "seconds": round(report.seconds, 1),
        "oracle_sessions": report.oracle_sessions,
        "oracle_differences": report.oracle_differences,
        "faults": [_fault(fault) for fault in report.faults],
    }


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "name": fault.name,
        "promise": fault.promise,
        "ingredients": sorted(fault.smallest.ingredients),
        "worlds": len(fault.worlds),
        "first": fault.worlds[0] if fault.worlds else fault.smallest.world,
        "found_after_s": round(fault.found_after_s, 1),
        "detail": fault.smallest.breaches[0].detail,
        "smallest": fault.smallest.choices,
        "story": fault.smallest.story,
    }


def _print(report: Report) -> None:
    OUT.print(
        f"{report.worlds:,} worlds, {report.logical_hours:.1f} logical hours, "
        f"{report.driven_hours:.1f} hours driven, {report.rows:,} rows in {report.seconds:.0f} s; "
        f"{report.oracle_sessions} sessions beside the oracle"
    )
    for difference in report.oracle_differences:
        OUT.print(difference, style="red", markup=False)
    if not report.faults:
        OUT.print("Every promise was kept.")
        return
    rows = table("Fault", "Promise", "What it takes", "Worlds", "First", "After")
    for fault in report.faults:
        line = _fault(fault)
        rows.add_row(
            fault.name or "new",
            fault.promise,
            ", ".join(line["ingredients"]) or "nothing",
            str(line["worlds"]),
            str(line["first"]),
            f"{fault.found_after_s:.1f} s",
        )
    OUT.print(rows)
    for fault in report.faults:
        OUT.print(f"\n{fault.promise}: {fault.smallest.breaches[0].detail}", markup=False)
        for text in fault.smallest.story:
            OUT.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)
        OUT.print(f"  --world '{fault.smallest.choices}'", markup=False, soft_wrap=True)
