"""The commands on jobs: `features` on Flink, `history` on Spark."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlparse

import typer
from rich.table import Table

from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress
from pitwall.errors import JobError, UsageError
from pitwall.settings import Settings

NAMES = ("features", "history")
jobs = typer.Typer(no_args_is_help=True, help="Jobs on Flink and Spark: run, stop, list.")
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="URL", help="A Flink cluster instead of the local stack's."),
]
Name = Annotated[
    str, typer.Argument(help="features (Flink), or history (Spark: the telemetry history alone)")
]


def _settings(cluster: str | None) -> Settings:
    settings = Settings()
    if cluster is None:
        return settings
    url = urlparse(cluster)
    if url.scheme != "http" or not url.hostname or not url.port:
        raise UsageError(
            f"--cluster is {cluster!r}; give its REST address, for instance http://127.0.0.1:8081"
        )
    return settings.model_copy(update={"flink_host": url.hostname, "flink_port": url.port})


def _check(name: str, cluster: str | None) -> None:
    if name not in NAMES:
        raise UsageError(f"there is no job {name!r}; there are {', '.join(NAMES)}")
    if name == "history" and cluster is not None:
        raise UsageError(
            f"--cluster is {cluster!r}, and history runs on Spark in a process of its own; leave it out"
        )


@jobs.command(epilog="Example: ./pitwall jobs run features --cluster http://127.0.0.1:18081")
def run(name: Name, cluster: Cluster = None) -> None:
    """Run a job, from its newest checkpoint or savepoint. `feast apply` comes first, so that new features have columns."""
    from pitwall.flink.rest import running
    from pitwall.local.stack import Stack
    from pitwall.machine import jars
    from pitwall.machine import processes as process
    from pitwall.spark.cluster import check_installed
    from pitwall.stores.environment import child_environment
    from pitwall.stores.repository import apply

    _check(name, cluster)
    settings = _settings(cluster)
    server = "spark" if name == "history" else "flink"
    if name == "history":
        check_installed()
    step, stop = progress()
    try:
        jars.fetch(settings.cache_dir / "m2", optional=[server])
        with Stack(settings, lambda each, state: step(f"{each} {state}", None)) as stack:
            if cluster is None:
                if process.find(settings.run_dir, server) is not None:
                    where = "" if name == "history" else f" on {settings.flink_url}"
                    raise JobError(
                        f"job {name} runs already{where}; stop it: ./pitwall jobs stop {name}"
                    )
                stack.start(["kafka", "cassandra"])
                if name == "features":
                    step("feast apply", None)
                    apply(settings)
                stack.start([server])
                stack.detach()
                return
        try:
            job = running(settings, name)
        except JobError as error:
            if "does not answer" in str(error):
                raise
        else:
            raise JobError(
                f"job {name} runs already on {settings.flink_url} ({job}); stop it: ./pitwall jobs stop {name} --cluster …"
            )
        step("feast apply", None)
        apply(settings)
        step("submitting", None)
        env = {
            **child_environment(settings),
            "PITWALL_FLINK_HOST": settings.flink_host,
            "PITWALL_FLINK_PORT": str(settings.flink_port),
        }
        result = subprocess.run(
            [sys.executable, "-m", "pitwall.flink.submit", "--cluster"],
            env=env,
            cwd=settings.repository,
            capture_output=True,
            text=True,
        )
        if result.returncode:
            lines = [
                line
                for line in (result.stdout + result.stderr).splitlines()
                if "rror" in line or "xception" in line
            ]
            raise JobError(
                f"job {name} was not submitted: {lines[-1].strip() if lines else 'no message'}"
            )
    finally:
        stop()
    ERR.print(f"job {name} runs on {settings.flink_url}")


@jobs.command(epilog="Example: ./pitwall jobs stop features")
def stop(name: Name, cluster: Cluster = None, as_json: AsJson = False) -> None:
    """Stop a job; the next run goes on where it was (on Flink: from a savepoint)."""
    from pitwall.flink import rest as flink
    from pitwall.machine import processes as process

    _check(name, cluster)
    if name == "history":
        found = process.find(Settings().run_dir, "spark")
        if found is None:
            raise JobError("job 'history' does not run; start it: ./pitwall jobs run history")
        process.end([found.pid])
        emit({"job": name}) if as_json else OUT.print(f"{name} stopped")
        return
    savepoint = flink.stop(_settings(cluster), name)
    emit({"job": name, "savepoint": savepoint}) if as_json else OUT.print(
        f"{name} stopped; savepoint {savepoint}"
    )


@jobs.command("list", epilog="Example: ./pitwall jobs list --json")
def list_jobs(cluster: Cluster = None, as_json: AsJson = False) -> None:
    """Jobs, their state, restarts and newest checkpoint."""
    from pitwall.flink.rest import describe
    from pitwall.spark.job import describe as of_spark

    settings = _settings(cluster)
    rows = [] if cluster is not None or (found := of_spark(settings)) is None else [found]
    try:
        rows = [*describe(settings), *rows]
    except JobError:
        if not rows:
            raise
    if as_json:
        emit({"jobs": rows})
        return
    table = Table(
        "Job",
        "State",
        "Since",
        "Restarts",
        "Checkpoint",
        box=None,
        header_style="dim",
        padding=(0, 3, 0, 0),
    )
    for row in rows:
        since = (
            datetime.fromtimestamp(row["since_ms"] / 1000, UTC)
            .isoformat(timespec="seconds")
            .replace("+00:00", "Z")
        )
        age = "–" if row["checkpoint_age_s"] is None else f"{row['checkpoint_age_s']:.0f} s ago"
        age += "" if row["checkpoint_mb"] is None else f", {row['checkpoint_mb']:.1f} MB"
        state = row["state"] + (
            f", waits for {' and '.join(row['waits_for'])}" if row["waits_for"] else ""
        )
        table.add_row(row["name"], state, since, str(row["restarts"]), age)
    OUT.print(table if rows else f"no job on {settings.flink_url}")
