"""The command line. Heavy libraries are imported inside the commands that need them."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from pitwall.cli import bench as cli_bench
from pitwall.cli import models as cli_models
from pitwall.cli import store as cli_store
from pitwall.cli.archive import archive
from pitwall.cli.dead_letters import letters, need_kafka
from pitwall.cli.jobs import jobs
from pitwall.cli.serving import need_server, serving
from pitwall.cli.terminal import ERR, OUT, AsJson
from pitwall.cli.terminal import emit as _emit
from pitwall.cli.terminal import progress as _progress
from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings, lay_out

if TYPE_CHECKING:
    from pitwall.lab.demo import Report

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Real-time feature store and model serving for race-car telemetry.",
)


def _speed(text: str) -> float | None:
    """`max` as None, else a positive number."""
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e6:
        raise UsageError(f"--speed is {text!r}; give a number above 0 (times real time) or max")
    return value


@app.command(epilog="Example: ./pitwall demo --laps ../shared/data/laps --speed max")
def demo(
    laps: Annotated[
        list[Path] | None,
        typer.Option("--laps", help="Lap files or folders instead of simulated laps."),
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(hidden=True)] = None,
    speed: Annotated[
        str, typer.Option(help="Speed of the live lap, times real time, or max.")
    ] = "10",
    serve: Annotated[
        bool, typer.Option("--serve", help="Keep everything up with the page open until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The main job, end to end, on this machine."""
    from pitwall.lab import demo as main_job
    from pitwall.recordings.laps import read_all

    live_speed = _speed(speed)
    if more and not laps:
        raise UsageError(f"demo does not take {str(more[0])!r}; give lap files after --laps")
    sessions = read_all([*(laps or []), *(more or [])]) if laps else main_job.default_sessions()
    step, stop = _progress()

    def keep(report: Report) -> None:
        stop()
        _emit(asdict(report)) if as_json else _summary(report)
        ERR.print(f"serving; open {report.page} (Ctrl-C ends everything)")
        while True:
            time.sleep(1)

    try:
        report = main_job.run(Settings(), sessions, live_speed, step, keep if serve else None)
    finally:
        stop()
    _emit(asdict(report)) if as_json else _summary(report)
    if not report.ok:
        raise PitwallError(
            f"the run is not clean: {report.ticks_sent} ticks sent, {report.ticks_out} out, {report.dead_letters} dead "
            f"letters, parity {report.parity}, {report.predictions} predictions"
        )


def _summary(report: Report) -> None:
    def ms(value: dict[str, float | None]) -> str:
        return (
            f"p50 {value['p50']} ms   p99 {value['p99']} ms"
            if value.get("p50") is not None
            else "–"
        )

    OUT.print(f"\n[bold]{'✔' if report.ok else '✘'} pitwall demo[/bold]  {report.seconds:.0f} s\n")
    grid = Table.grid(padding=(0, 3))
    grid.add_row("Car → Kafka", f"{report.sessions} sessions, {report.ticks_sent:,} ticks")
    grid.add_row(
        "Flink features", f"{report.ticks_out:,} rows, {report.dead_letters:,} dead letters"
    )
    grid.add_row("Online store", f"{report.online_rows:,} rows; fresh in {ms(report.freshness_ms)}")
    grid.add_row("Offline store", f"{report.offline_rows:,} rows")
    grid.add_row(
        "Parity",
        f"{report.parity['match']:,} equal, {report.parity['mismatch']} different, {report.parity['missing']} missing",
    )
    grid.add_row(
        "Predictions", f"{report.predictions:,} on the topic; endpoint {ms(report.prediction_ms)}"
    )
    OUT.print(grid)
    table = Table(
        "Model",
        "Version",
        "Error (MAE)",
        "Baseline",
        "Champion",
        box=None,
        header_style="dim",
        padding=(0, 3, 0, 0),
    )
    for name, model in report.models.items():
        if "error" in model:
            table.add_row(name, "–", model["error"], "", "")
        else:
            table.add_row(
                name,
                str(model["version"]),
                f"{model['mae']:.3f} {model['unit']}",
                f"{model['baseline_mae']:.3f} {model['unit']}",
                model["champion"],
            )
    OUT.print()
    OUT.print(table)
    for answer in report.examples:
        OUT.print(
            f"\nlive: {answer['model']} = [bold]{answer['value']:.2f} {answer['unit']}[/bold] at {answer['event_time']}",
            end="",
        )
    OUT.print("\n")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Example: ./pitwall test --fast -k wire",
)
def test(
    context: typer.Context,
    fast: Annotated[bool, typer.Option("--fast", help="Only what needs no server.")] = False,
) -> None:
    """The test suite; further arguments go to pytest."""
    settings = Settings()
    if not (settings.repository / "tests").exists():
        raise UsageError(f"there are no tests in {settings.repository}; run this in a checkout")
    command = [
        sys.executable,
        "-m",
        "pytest",
        *(["-m", "not integration"] if fast else []),
        *context.args,
    ]
    raise typer.Exit(subprocess.run(command, cwd=settings.repository).returncode)


@app.command(epilog="Example: ./pitwall up kafka cassandra")
def up(
    names: Annotated[
        list[str] | None, typer.Argument(help="Servers; default all the main job needs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start what is missing of the local stack and let it run."""
    from pitwall.local.servers.table import SERVERS
    from pitwall.local.stack import CORE, Stack, with_needs
    from pitwall.machine import jars
    from pitwall.machine import processes as process
    from pitwall.stores.repository import apply

    settings = Settings()
    wanted = with_needs(names or [name for name, server in SERVERS.items() if server.by_default])
    step, stop = _progress()
    try:
        jars.fetch(
            settings.cache_dir / "m2",
            lambda done, total: step(f"jars {done}/{total}", done / total),
        )
        with Stack(settings, lambda name, state: step(f"{name} {state}", None)) as stack:
            stack.start([name for name in wanted if name in CORE])
            if "flink" in wanted and process.find(settings.run_dir, "flink") is None:
                step("feast apply", None)
                apply(settings)
            stack.start(wanted)
            stack.detach()
    finally:
        stop()
    _status(settings, as_json)


@app.command(epilog="Example: ./pitwall down")
def down(as_json: AsJson = False) -> None:
    """Stop the local stack. Data stays."""
    from pitwall.local.state import down as stop_all

    ended = stop_all(Settings())
    _emit({"stopped": ended}) if as_json else OUT.print(
        f"stopped {', '.join(ended)}" if ended else "nothing was running"
    )


@app.command(epilog="Example: ./pitwall status --json")
def status(as_json: AsJson = False) -> None:
    """State, ports, versions and memory of the local stack."""
    _status(Settings(), as_json)


def _status(settings: Settings, as_json: bool) -> None:
    from pitwall.local.servers.table import SERVERS
    from pitwall.local.state import running

    found = running(settings)
    rows: dict[str, dict[str, Any]] = {}
    for name, server in SERVERS.items():
        each = found.get(name)
        state = "down" if each is None else "up" if server.ready(settings) else "starting"
        away = [need for need in server.needs if rows[need]["state"] != "up"] if each else []
        if away:
            state = f"waits for {' and '.join(away)}"
        rows[name] = {
            "state": state,
            "port": server.port(settings),
            "url": server.url(settings),
            "version": server.version,
            "pid": each.pid if each else None,
            "memory_mb": round(each.memory_mb()) if each else None,
        }
    if as_json:
        _emit(rows)
        return
    table = Table(
        "Server",
        "State",
        "Address",
        "Version",
        "Pid",
        "MB",
        box=None,
        header_style="dim",
        padding=(0, 3, 0, 0),
    )
    for name, row in rows.items():
        if row["state"] == "down" and not SERVERS[name].by_default:
            continue
        colour = {"up": "green", "down": "dim"}.get(row["state"], "yellow")
        table.add_row(
            name,
            f"[{colour}]{row['state']}[/]",
            row["url"] or "–",
            row["version"],
            str(row["pid"] or "–"),
            str(row["memory_mb"] or "–"),
        )
    OUT.print(table)


@app.command(epilog="Example: ./pitwall replay ../shared/data/laps --speed max")
def replay(
    paths: Annotated[list[Path], typer.Argument(help="Lap files or folders.")],
    speed: Annotated[str, typer.Option(help="Times real time, or max.")] = "1",
    vehicle: Annotated[str | None, typer.Option(help="VehicleId to send.")] = None,
    topic: Annotated[str | None, typer.Option(help="Topic to send to.")] = None,
    rate_hz: Annotated[
        float | None, typer.Option("--rate-hz", help="Send at most that many ticks a second.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Produce recorded laps to Kafka in the car's wire format."""
    from pitwall.recordings.laps import read_all

    if rate_hz is not None and not rate_hz > 0:
        raise UsageError(f"--rate-hz is {rate_hz}; give a rate above 0")
    sessions = read_all(paths, vehicle)
    _send(
        [s.at_rate(rate_hz) for s in sessions] if rate_hz else sessions,
        _speed(speed),
        False,
        topic,
        as_json,
    )


@app.command(epilog="Example: ./pitwall simulate --cars 2 --laps 3 --seed 7 --out laps/")
def simulate(
    cars: Annotated[int, typer.Option(min=1, max=1000)] = 1,
    laps: Annotated[int, typer.Option(min=1, max=200)] = 1,
    hz: Annotated[float, typer.Option(min=1, max=1000)] = 50.0,
    seed: Annotated[int, typer.Option(min=0, max=500000)] = 0,
    speed: Annotated[str, typer.Option(help="Times real time, or max.")] = "1",
    out: Annotated[
        Path | None, typer.Option(help="Write Parquet into this folder instead.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Drive the built-in car, to Kafka or to Parquet."""
    from pitwall.car.simulator import simulate as drive

    pace = _speed(speed)
    sessions = [
        drive(
            laps=laps,
            seed=seed + car,
            hz=hz,
            vehicle="PERRINN 424" if cars == 1 else f"PERRINN 424 #{car + 1}",
        )
        for car in range(cars)
    ]
    if out is None:
        _send(sessions, pace, True, None, as_json)
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    out.mkdir(parents=True, exist_ok=True)
    written = []
    for session in sessions:
        columns = {
            "Timestamp": session.times_s,
            **dict(zip(session.names, session.values.T, strict=True)),
        }
        path = out / f"{session.session}.parquet"
        pq.write_table(pa.table(columns), path)
        written.append(str(path))
    _emit({"files": written}) if as_json else OUT.print("\n".join(written))


def _send(
    sessions: list[Any], speed: float | None, together: bool, topic: str | None, as_json: bool
) -> None:
    from pitwall.car.replay import produce

    settings = Settings()
    need_kafka(settings)
    step, stop = _progress()
    total, seen = sum(len(s.times_s) for s in sessions), [0]

    def on_ticks(count: int) -> None:
        seen[0] += count
        step(f"{seen[0]:,}/{total:,} ticks", seen[0] / total)

    try:
        sent = produce(
            settings, sessions, speed=speed, together=together, topic=topic, on_ticks=on_ticks
        )
    finally:
        stop()
    answer = {
        **asdict(sent),
        "sessions": [s.session for s in sessions],
        "skipped_rows": sum(s.skipped for s in sessions),
    }
    if as_json:
        _emit(answer)
    else:
        OUT.print(
            f"{sent.ticks:,} ticks of {len(sessions)} sessions in {sent.seconds:.1f} s ({sent.bytes / 1e6:.0f} MB)"
        )
        if answer["skipped_rows"]:
            OUT.print(f"{answer['skipped_rows']:,} rows were left out: their time did not rise")


app.command(epilog="Example: ./pitwall bench parse ingest --quick")(cli_bench.bench)
app.command(epilog="Example: ./pitwall chaos kill-kafka pause-cassandra")(cli_bench.chaos)
app.command(epilog="Example: ./pitwall train lap_time")(cli_models.train)
app.command(epilog="Example: ./pitwall retrain lap_time speed_sensor")(cli_models.retrain)
app.command(epilog="Example: ./pitwall models --json")(cli_models.models)
app.command(epilog='Example: ./pitwall promote lap_time 3 --force "the new car"')(
    cli_models.promote
)


app.add_typer(serving)


app.command(epilog="Example: ./pitwall features")(cli_store.features)
app.command(epilog="Example: ./pitwall parity --at-least 99.9")(cli_store.parity)
app.add_typer(jobs, name="jobs")
app.add_typer(archive, name="archive")
app.add_typer(letters, name="dead-letters")
app.command(epilog="Example: ./pitwall compact")(cli_store.compact)
app.command(epilog="Example: PITWALL_RETENTION_OFFLINE_DAYS=30 ./pitwall retention")(
    cli_store.retention
)
app.command(
    epilog='Example: ./pitwall sql "SELECT lap_number, MIN(lap_time) FROM car_state GROUP BY lap_number"'
)(cli_store.sql)


@app.command(epilog="Example: ./pitwall backfill ../shared/data/laps")
def backfill(
    paths: Annotated[list[Path], typer.Argument(help="Lap files or folders.")],
    vehicle: Annotated[str | None, typer.Option(help="VehicleId of the sessions.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the features job over recorded sessions into the offline store, as when a feature is new."""
    from pitwall.operations.backfill import run
    from pitwall.recordings.laps import read_all

    settings = Settings()
    sessions = read_all(paths, vehicle)
    need_kafka(settings)
    step, stop = _progress()
    try:
        done = run(settings, sessions, step)
    finally:
        stop()
    if as_json:
        _emit(asdict(done))
    else:
        OUT.print(
            f"{done.rows:,} rows of {done.sessions} sessions in the offline store, {done.seconds:.0f} s"
        )


@app.command(
    epilog='Example: ./pitwall history 20260101-000400-simulation Speed --vehicle "PERRINN 424" --last 2'
)
def history(
    session: Annotated[str, typer.Argument()],
    channel: Annotated[str, typer.Argument(help="A channel's name or id.")],
    vehicle: Annotated[str, typer.Option("--vehicle")],
    last: Annotated[
        float | None, typer.Option(min=0, help="The last so many seconds; default all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what one channel was, newest first: seconds since session start, and the value in the channel's unit."""
    from pitwall.channels.table import CHANNELS, channel_id
    from pitwall.stores.history import HistoryReader

    settings = Settings()
    need_server(settings, "cassandra")
    known = CHANNELS.get(channel_id(channel))
    name = known.id if known else channel
    with HistoryReader(settings) as reader:
        since = None
        if last is not None and len(
            newest := reader.read(vehicle, session, name, newest=1).times_s
        ):
            since = float(newest[0]) - last
        found = reader.read(vehicle, session, name, since_s=since)
    if not len(found.times_s):
        raise UsageError(f"the history knows no {name} of vehicle {vehicle!r}, session {session!r}")
    if as_json:
        _emit(
            {
                "vehicle": vehicle,
                "session": session,
                "channel": name,
                "unit": known.unit if known else None,
                "times_s": found.times_s.tolist(),
                "values": found.values.tolist(),
            }
        )
        return
    for time_s, value in zip(found.times_s.tolist(), found.values.tolist(), strict=True):
        print(f"{time_s:.6f}\t{value!r}")


@app.command(
    "reference-lap",
    epilog="Example: ./pitwall reference-lap pole ../shared/data/laps/20220217-214226.parquet",
)
def reference_lap(
    name: Annotated[str, typer.Argument(help='Its name; features.py then says delta_to("NAME").')],
    lapfile: Annotated[Path, typer.Argument(help="A lap file.")],
    lap: Annotated[
        int | None,
        typer.Option(min=1, help="Which lap of the file; default the fastest whole one."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Keep a lap as a named reference for delta features."""
    from pitwall.features import delta_to, reference_laps
    from pitwall.recordings import laps

    delta_to(name)
    (path, *more) = laps.find([lapfile])
    if more:
        raise UsageError(f"{lapfile} is a folder; name one lap file")
    found = {each.number: each for each in laps.split(laps.read(path))}
    if lap is not None and lap not in found:
        raise UsageError(
            f"{path}: lap {lap} was not seen from its start; there are {', '.join(map(str, found)) or 'none'}"
        )
    chosen = (
        found[lap]
        if lap
        else min(found.values(), key=lambda each: (not each.whole, each.duration_s), default=None)
    )
    grid = (
        reference_laps.grid(chosen.distance_m, chosen.times_s)
        if chosen and len(chosen.distance_m)
        else []
    )
    if chosen is None or len(grid) < 2:
        raise UsageError(
            f"{path}: no lap of {reference_laps.GRID_M:g} m or more was seen from its start"
        )
    target = Settings().feature_repo / reference_laps.FOLDER / f"{name}.csv"
    reference_laps.write(target, grid)
    answer = {
        "file": str(target),
        "lap": chosen.number,
        "whole": chosen.whole,
        "length_m": float(chosen.distance_m[-1]),
        "time_s": chosen.duration_s,
    }
    _emit(answer) if as_json else OUT.print(
        f"{target}: lap {chosen.number}{'' if chosen.whole else ' to the end of the file'}, "
        f"{answer['length_m']:,.0f} m in {answer['time_s']:.3f} s",
        soft_wrap=True,
    )


def main() -> None:
    """Run a command; one line for a `PitwallError`, no traceback unless `--debug`."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        lay_out()
        app()
    except PitwallError as error:
        if debug:
            raise
        ERR.print(f"pitwall: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, UsageError) and type(error) is UsageError else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        ERR.print(
            f"pitwall: {type(error).__name__}: {error} (--debug shows where)",
            style="red",
            markup=False,
            soft_wrap=True,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
