"""The command that measures the whole, `bench`, and the table of its figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.columns import Columns

from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress, table
from pitwall.errors import PitwallError, UsageError

if TYPE_CHECKING:
    from pitwall.lab.bench.result import Result


def bench(
    names: Annotated[
        list[str],
        typer.Argument(
            help="Benchmarks: parse, features, ingest, history, freshness, page, online-write, "
            "online-read, online-race, offline, read, row, predict, score, "
            "live-cars, one-tick-sessions, record-to-prediction, soak; or all (without soak)."
        ),
    ],
    cars: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Cars side by side; default: 20.")
    ] = None,
    channels: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Channels of a car; default: 13.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=1, max=1440, help="How long soak runs; default: 15.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A short run; the figures are less certain.")
    ] = False,
    peers: Annotated[
        bool,
        typer.Option(
            "--peers",
            help="Beside them other software on the same work: for features Quix Streams and "
            "Flink SQL, for online-read Feast's Redis store.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run benchmarks on servers of their own.

    Each figure stands beside its peer's of the same run. Latencies are p50, p99 and p99.9; with
    fewer than 1,000 samples there is no p99.9 (null in the JSON).
    """
    from pitwall.lab.bench.all import BENCHMARKS
    from pitwall.lab.bench.result import Load

    chosen = [name for name in BENCHMARKS if name != "soak"] if names == ["all"] else names
    for name in chosen:
        if name not in BENCHMARKS:
            all_names = ", ".join(BENCHMARKS)
            raise UsageError(f"there is no benchmark {name!r}; there are {all_names}, all")
    load = Load(cars, channels, minutes, quick, peers)
    results: list[Result] = []
    failures: list[str] = []
    with progress() as step:
        for name in chosen:
            try:
                results.append(BENCHMARKS[name](load, step))
            except PitwallError as error:
                if len(chosen) == 1:
                    raise
                failures.append(f"{name}: {error}")
    for failure in failures:
        ERR.print(failure, style="red", markup=False)
    if as_json:
        rows = [asdict(result) for result in results]
        emit({"benchmarks": rows} if len(chosen) > 1 else rows[0])
    else:
        _print_results(results)
    if failures:
        raise typer.Exit(1)


def _print_results(results: list[Result]) -> None:
    rows = table("Benchmark", "Value", "Peer", "Ratio", "Unit, and the peer")
    for result in results:
        rows.add_row(
            result.name,
            _figure(result.value),
            "–" if result.peer_value is None else _figure(result.peer_value),
            "–" if result.ratio is None else f"{result.ratio:.2f}",
            result.unit + (f"; peer: {result.peer}" if result.peer else ""),
        )
    OUT.print(rows)
    for result in results:
        OUT.print(f"\n{result.name}: {result.n:,} in {result.seconds:g} s")
        width = max(map(len, result.conditions), default=0)
        lines = [
            f"[dim]{name.replace('_', ' '):{width}}[/dim]  {_condition(name, value)}"
            for name, value in result.conditions.items()
        ]
        OUT.print(Columns(lines, column_first=True))


def _condition(name: str, value: object) -> str:
    """The text of a condition. Without a value it is a dash, or for a p99.9 the reason."""
    from pitwall.lab.bench.latency import TOO_FEW

    if value is not None:
        return str(value)
    return TOO_FEW if "p99.9" in name else "–"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
