"""The application: every command by its name, errors as one line, and the exit status."""

from __future__ import annotations

import sys

import typer

from pitwall.cli import bench, demo, features, models, offline, recordings, serving, stack, suite
from pitwall.cli.archive import archive
from pitwall.cli.bridge import bridge
from pitwall.cli.chaos import chaos
from pitwall.cli.dead_letters import letters
from pitwall.cli.export import export
from pitwall.cli.inspect import inspect
from pitwall.cli.jobs import jobs
from pitwall.cli.plan import plan
from pitwall.cli.quality import quality
from pitwall.cli.report import report
from pitwall.cli.sessions import sessions
from pitwall.cli.simulation import simulate_faults
from pitwall.cli.terminal import ERR, reserve_stdout
from pitwall.errors import PitwallError, UsageError
from pitwall.settings import lay_out

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Real-time feature store and model serving for race-car telemetry.",
)

ANY_ARGUMENT = {"allow_extra_args": True, "ignore_unknown_options": True}

app.command(epilog="Example: ./pitwall demo --laps ../shared/data/laps --speed max")(demo.demo)
app.command(context_settings=ANY_ARGUMENT, epilog="Example: ./pitwall test --fast -k wire")(
    suite.test
)
app.command(epilog="Example: ./pitwall up kafka cassandra")(stack.up)
app.command(epilog="Example: ./pitwall down")(stack.down)
app.command(epilog="Example: ./pitwall restart serving")(stack.restart)
app.command(epilog="Example: ./pitwall status --json")(stack.status)
app.command(epilog="Example: ./pitwall replay ../shared/data/laps --speed max")(recordings.replay)
app.command(epilog="Example: ./pitwall simulate --cars 2 --laps 3 --seed 7 --out laps/")(
    recordings.simulate
)
app.command(epilog="Example: ./pitwall inspect outing.csv --start 2026-03-04T14:05:06Z")(inspect)
app.command(epilog="Example: ./pitwall bench parse ingest --quick")(bench.bench)
app.command(epilog="Example: ./pitwall chaos --minutes 30")(chaos)
app.command(epilog="Example: ./pitwall simulate-faults --seed 1 --seeds 20")(simulate_faults)
app.command(epilog="Example: ./pitwall train lap_time")(models.train)
app.command(epilog="Example: ./pitwall retrain lap_time speed_sensor")(models.retrain)
app.command(epilog="Example: ./pitwall models --json")(models.models)
app.command(epilog='Example: ./pitwall promote lap_time 3 --force "the new car"')(models.promote)
app.command(epilog="Example: ./pitwall serve")(serving.serve)
app.command("serve-features", epilog="Example: ./pitwall serve-features --offline")(
    serving.serve_features
)
app.command(epilog="Example: ./pitwall score --worker 2")(serving.score)
app.command(
    epilog='Example: ./pitwall predict lap_time --vehicle "PERRINN 424" '
    "--session 20260101-000400-simulation --explain"
)(serving.predict)
app.command(epilog="Example: ./pitwall features")(features.features)
app.command(epilog="Example: ./pitwall parity --at-least 99.9")(features.parity)
app.command(epilog="Example: ./pitwall plan --json")(plan)
app.command(epilog="Example: ./pitwall quality lap_time --at-least 95")(quality)
app.command(
    epilog="Example: ./pitwall export 20260101-000400-simulation 2 --format motec --out lap2.ld"
)(export)
app.add_typer(report, name="report")
app.add_typer(bridge, name="bridge")
app.add_typer(jobs, name="jobs")
app.add_typer(sessions, name="sessions")
app.add_typer(archive, name="archive")
app.add_typer(letters, name="dead-letters")
app.command(epilog="Example: ./pitwall compact")(offline.compact)
app.command(epilog="Example: PITWALL_RETENTION_OFFLINE_DAYS=30 ./pitwall retention")(
    offline.retention
)
app.command(
    epilog='Example: ./pitwall sql "SELECT lap_number, MIN(lap_time) FROM car_state '
    'GROUP BY lap_number"'
)(offline.sql)
app.command(epilog="Example: ./pitwall backfill ../shared/data/laps")(recordings.backfill)
app.command(
    epilog='Example: ./pitwall history 20260101-000400-simulation Speed --vehicle "PERRINN 424" '
    "--last 2"
)(features.history)
app.command(
    "reference-lap",
    epilog="Example: ./pitwall reference-lap pole ../shared/data/laps/20220217-214226.parquet",
)(recordings.reference_lap)


def main() -> None:
    """Run a command. An error is one line and a status of 1, or 2 where the usage was wrong.

    With `--debug` errors keep their traceback.
    """
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    if "--json" in sys.argv:
        reserve_stdout()
    try:
        lay_out()
        app()
    except PitwallError as error:
        if debug:
            raise
        _print_error(str(error))
        sys.exit(2 if type(error) is UsageError else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        _print_error(f"{type(error).__name__}: {error} (--debug shows where)")
        sys.exit(1)


def _print_error(text: str) -> None:
    ERR.print(f"pitwall: {text}", style="red", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
