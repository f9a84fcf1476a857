"""The commands on jobs: `features` on Flink, `history` on Spark."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlparse

import typer

from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress, table
from pitwall.errors import JobError, UsageError
from pitwall.lab.progress import Step
from pitwall.settings import Settings

NAMES = ("features", "history")
jobs = typer.Typer(no_args_is_help=True, help="Jobs on Flink and Spark: run, stop, list.")
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="URL",
        help="REST address of a Flink cluster; default: the local stack.",
    ),
]
Name = Annotated[
    str, typer.Argument(help="features (on Flink), or history (the telemetry history, on Spark).")
]


def _settings(cluster: str | None) -> Settings:
    """The settings, with the Flink of `--cluster` where it is given. Raises `UsageError`."""
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
    """Raise `UsageError` for an unknown job, and for `history` with a Flink cluster."""
    if name not in NAMES:
        raise UsageError(f"there is no job {name!r}; there are {', '.join(NAMES)}")
    if name == "history" and cluster is not None:
        raise UsageError(
            f"--cluster is {cluster!r}, but job history runs on Spark, not on a Flink cluster; "
            "leave --cluster out"
        )


@jobs.command(epilog="Example: ./pitwall jobs run features --cluster http://127.0.0.1:18081")
def run(name: Name, cluster: Cluster = None) -> None:
    """Run a job from its newest checkpoint or savepoint.

    `feast apply` comes first, so that new features have columns.
    """
    _check(name, cluster)
    settings = _settings(cluster)
    with progress() as step:
        if cluster is None:
            _run_locally(settings, name, step)
            return
        _submit(settings, name, step)
    ERR.print(f"job {name} runs on {settings.flink_url}")


def _run_locally(settings: Settings, name: str, step: Step) -> None:
    """Start the job and the servers that it needs on the local stack. Raises `JobError`."""
    from pitwall.local.stack import Stack
    from pitwall.machine import jars, processes
    from pitwall.spark.cluster import check_installed
    from pitwall.stores.repository import apply

    server = "spark" if name == "history" else "flink"
    if name == "history":
        check_installed()
    jars.fetch(settings.cache_dir / "m2", step, [server])
    if processes.find(settings.run_dir, server) is not None:
        where = "" if name == "history" else f" on {settings.flink_url}"
        raise JobError(f"job {name} runs already{where}; stop it: ./pitwall jobs stop {name}")
    with Stack(settings, lambda started, state: step(f"{started} {state}", None)) as stack:
        stack.start(["kafka", "cassandra"])
        if name == "features":
            step("feast apply", None)
            apply(settings)
        stack.start([server])
        stack.detach()


def _submit(settings: Settings, name: str, step: Step) -> None:
    """Submit the job to the standalone cluster of the settings. Raises `JobError`."""
    from pitwall.flink.rest import jobs as jobs_of
    from pitwall.flink.submit import submit_from_child
    from pitwall.machine import jars
    from pitwall.stores.repository import apply

    jars.fetch(settings.cache_dir / "m2", step, ["flink"])
    for job in jobs_of(settings):
        if job["name"] == name and job["state"] in ("RUNNING", "RESTARTING"):
            raise JobError(
                f"job {name} runs already on {settings.flink_url} ({job['jid']}); "
                f"stop it: ./pitwall jobs stop {name} --cluster …"
            )
    step("feast apply", None)
    apply(settings)
    step("submitting", None)
    submit_from_child(settings)


@jobs.command(epilog="Example: ./pitwall jobs stop features")
def stop(name: Name, cluster: Cluster = None, as_json: AsJson = False) -> None:
    """Stop a job, on Flink with a savepoint. The next run goes on from there."""
    from pitwall.flink import control
    from pitwall.machine import processes

    _check(name, cluster)
    if name == "history":
        process = processes.find(Settings().run_dir, "spark")
        if process is None:
            raise JobError("job 'history' does not run; start it: ./pitwall jobs run history")
        processes.end([process.pid])
        emit({"job": name}) if as_json else OUT.print(f"{name} stopped")
        return
    savepoint = control.stop(_settings(cluster), name)
    if as_json:
        emit({"job": name, "savepoint": savepoint})
    else:
        OUT.print(f"{name} stopped; savepoint {savepoint}")


@jobs.command("list", epilog="Example: ./pitwall jobs list --json")
def list_jobs(cluster: Cluster = None, as_json: AsJson = False) -> None:
    """List the jobs with their state, restarts and newest checkpoint."""
    from pitwall.flink.status import describe
    from pitwall.spark.job import describe as describe_history

    settings = _settings(cluster)
    on_spark = describe_history(settings) if cluster is None else None
    rows = [on_spark] if on_spark is not None else []
    try:
        rows = [*describe(settings), *rows]
    except JobError:
        if not rows:
            raise
    if as_json:
        emit({"jobs": rows})
        return
    lines = table("Job", "State", "Since", "Restarts", "Checkpoint")
    for row in rows:
        since = datetime.fromtimestamp(row["since_ms"] / 1000, UTC)
        absent = f", waits for {' and '.join(row['waits_for'])}" if row["waits_for"] else ""
        age = row["checkpoint_age_s"]
        size = "" if row["checkpoint_mb"] is None else f", {row['checkpoint_mb']:.1f} MB"
        lines.add_row(
            row["name"],
            f"{row['state']}{absent}",
            f"{since:%Y-%m-%dT%H:%M:%SZ}",
            str(row["restarts"]),
            "–" if age is None else f"{age:.0f} s ago{size}",
        )
    OUT.print(lines if rows else f"no job on {settings.flink_url}")
