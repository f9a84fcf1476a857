"""The commands bench and chaos."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.columns import Columns
from rich.table import Table

from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress
from pitwall.errors import PitwallError, UsageError


def bench(
    names: Annotated[
        list[str],
        typer.Argument(
            help="parse, features, ingest, history, freshness, page, online-write, online-read, online-race, offline, model-row, predict, score, record-to-prediction, soak; or all (without soak)."
        ),
    ],
    cars: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Cars side by side; default 20.")
    ] = None,
    channels: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Channels a car; default 13.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=1, max=1440, help="How long soak runs; default 15.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A short run; the figures are less certain.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Benchmarks on servers of their own; each figure beside its peer's in the same run."""
    from pitwall.lab.bench import Load
    from pitwall.lab.bench.all import BENCHMARKS

    chosen = [name for name in BENCHMARKS if name != "soak"] if names == ["all"] else names
    for name in chosen:
        if name not in BENCHMARKS:
            raise UsageError(
                f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}, all"
            )
    results, failed = [], []
    step, stop = progress()
    try:
        for name in chosen:
            try:
                results.append(BENCHMARKS[name](Load(cars, channels, minutes, quick), step))
            except PitwallError as error:
                if len(chosen) == 1:
                    raise
                failed.append(f"{name}: {error}")  # the others are not lost with it
    finally:
        stop()
    for each in failed:
        ERR.print(each, style="red", markup=False)
    if as_json:
        emit([asdict(result) for result in results] if len(chosen) > 1 else asdict(results[0]))
        if failed:
            raise typer.Exit(1)
        return
    table = Table(
        "Benchmark",
        "Value",
        "Peer",
        "Ratio",
        "Unit, and the peer",
        box=None,
        header_style="dim",
        padding=(0, 3, 0, 0),
    )
    for result in results:
        peer = "–" if result.peer_value is None else _figure(result.peer_value)
        ratio = "–" if result.ratio is None else f"{result.ratio:.2f}"
        table.add_row(
            result.name,
            _figure(result.value),
            peer,
            ratio,
            result.unit + (f"; peer: {result.peer}" if result.peer else ""),
        )
    OUT.print(table)
    for result in results:
        OUT.print(f"\n{result.name}: {result.n:,} in {result.seconds:g} s")
        width = max(map(len, result.conditions), default=0)
        OUT.print(
            Columns(
                [
                    f"[dim]{key.replace('_', ' '):{width}}[/dim]  {value}"
                    for key, value in result.conditions.items()
                ],
                column_first=True,
            )
        )
    if failed:
        raise typer.Exit(1)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def chaos(
    faults: Annotated[
        list[str] | None,
        typer.Argument(
            help="kill-…, pause-…, cut-… of a server, fill-disk, skew-car-…; default all."
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=15, max=600, help="Length of each drive.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Faults over a live session on servers of its own, compared with the same drive undisturbed."""
    from pitwall.lab.chaos import run
    from pitwall.lab.faults import FAULTS

    step, stop = progress()
    try:
        outcomes = run(faults or list(FAULTS), seconds, step)
    finally:
        stop()
    if as_json:
        emit({"ok": all(o.ok for o in outcomes), "faults": [asdict(o) for o in outcomes]})
    else:
        table = Table(
            "Fault",
            "Ticks",
            "Silence",
            "Lost",
            "Wrong",
            "Doubled",
            "Restarts",
            "Offline lost",
            "Online",
            box=None,
            header_style="dim",
            padding=(0, 3, 0, 0),
        )
        for o in outcomes:
            if o.refused:
                table.add_row(o.fault, f"not here: {o.refused}")
                continue
            table.add_row(
                o.fault,
                str(o.ticks),
                f"{o.silence_s} s",
                str(o.lost),
                str(o.wrong),
                str(o.doubled),
                str(o.restarts),
                str(o.offline_lost),
                "right" if o.online_right else "wrong",
            )
        OUT.print(table)
    if bad := [o.fault for o in outcomes if not o.ok]:
        raise PitwallError(
            f"rows are lost or wrong after {', '.join(bad)}; run it alone to look closer: ./pitwall chaos {bad[0]}"
        )
