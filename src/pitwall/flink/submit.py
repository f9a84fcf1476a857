"""Submits the features job.

`python -m pitwall.flink.submit` runs it in a cluster inside this process, until SIGTERM.
`python -m pitwall.flink.submit --cluster` submits it to the standalone cluster at `flink_url`, and
ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType
from typing import Any

from pitwall.errors import JobError
from pitwall.features import FeatureSet, load
from pitwall.features.plan import plan
from pitwall.features.topic import publish_schema
from pitwall.flink.checkpoints import forget_old
from pitwall.flink.cluster import cluster_options, job_options, write_configuration
from pitwall.flink.sql import render
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment


def create_source(
    tables: Any, settings: Settings, sets: list[FeatureSet], topic: str | None = None
) -> list[str]:
    """Create the job's source, the table `telemetry`, in a PyFlink table environment.

    With `topic` it reads what that topic holds now, and ends. Returns the job's statements that
    need the feature operators, in their order.
    """
    before, after = render(settings, sets, topic=topic)
    for statement in before:
        tables.execute_sql(statement)
    return after


def attach(tables: Any, plans: list[str]) -> None:
    """Attach the feature operators to the table `telemetry` of a PyFlink table environment.

    There is one operator for each plan. They add the views that the job's INSERT statements read.
    """
    from pyflink.java_gateway import get_gateway
    from pyflink.util.java_utils import to_jarray

    gateway = get_gateway()
    gateway.jvm.pitwall.job.Attach.attach(
        tables._j_tenv, "telemetry", to_jarray(gateway.jvm.String, plans)
    )


def environment(options: dict[str, str], settings: Settings, remote: bool) -> Any:
    """A PyFlink stream environment.

    It is a cluster in this process, or with `remote` the standalone one at `flink_url`.
    """
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.java_gateway import get_gateway

    # The job runs no Python, so PyFlink need not start its server of Python workers.
    os.environ.setdefault("_python_worker_execution_mode", "process")
    config = Configuration()
    for key, value in options.items():
        config.set_string(key, value)
    gateway = get_gateway()
    if not remote:
        # Flink's own processes tell their file systems the configuration when they start. A cluster
        # in this process does not, and without it S3 would be Amazon's.
        gateway.jvm.org.apache.flink.core.fs.FileSystem.initialize(config._j_configuration, None)
        return StreamExecutionEnvironment.get_execution_environment(config)
    jars = gateway.new_array(gateway.jvm.String, 0)
    java = gateway.jvm.org.apache.flink.streaming.api.environment.RemoteStreamEnvironment
    return StreamExecutionEnvironment(
        java(settings.flink_host, settings.flink_port, config._j_configuration, jars, None)
    )


def local_environment(settings: Settings, more_options: dict[str, str] | None = None) -> Any:
    """A PyFlink stream environment with a cluster in this process.

    Writes the files that Flink reads. `more_options` are Flink's, and go before those that the
    settings give.
    """
    write_configuration(settings)
    options = {**cluster_options(settings), **job_options(settings), **(more_options or {})}
    return environment(options, settings, remote=False)


def build(
    environment: Any,
    settings: Settings,
    sets: list[FeatureSet],
    topic: str | None = None,
    sinks: tuple[str, ...] = (),
) -> None:
    """Add the job's operators to this environment, each with an id of its own. Start nothing.

    An operator finds its state again by its id, which depends on the name of its view or table
    alone (`OperatorIds.java`). With `topic` the job reads what that topic holds now, and ends. With
    `sinks` it writes only the tables whose names begin with one of them.
    """
    from pyflink.java_gateway import get_gateway
    from pyflink.table import StreamTableEnvironment

    tables = StreamTableEnvironment.create(environment)
    statements = create_source(tables, settings, sets, topic)
    attach(tables, [plan(settings, features) for features in sets])
    inserts = tables.create_statement_set()
    wanted = tuple(f"INSERT INTO {sink}" for sink in sinks or ("",))
    for statement in statements:
        if not statement.startswith("INSERT"):
            tables.execute_sql(statement)
        elif statement.startswith(wanted):
            inserts.add_insert_sql(statement)
    inserts.attach_as_datastream()
    get_gateway().jvm.pitwall.job.OperatorIds.set(environment._j_stream_execution_environment)


def submit(
    environment: Any, settings: Settings, topic: str | None = None, sinks: tuple[str, ...] = ()
) -> Any:
    """Publish the schemas of all views, start the job, and return PyFlink's `JobClient`.

    `topic` and `sinks` are those of `build`.
    """
    sets = load(settings.feature_repo)
    for features in sets:
        publish_schema(settings, features)
    build(environment, settings, sets, topic, sinks)
    # Without a name the job has that of the option pipeline.name.
    return environment.execute_async(None)


def wait(job: Any) -> None:
    """Wait for the end of a job, given as PyFlink's `JobClient`. Raises if the job failed."""
    job.get_job_execution_result().result()


def submit_from_child(settings: Settings) -> None:
    """Submit the job to the standalone cluster at `flink_url`, by this program in a child process.

    Returns once the job is submitted. Raises `JobError` with the last error that the child printed.
    """
    result = subprocess.run(
        [sys.executable, "-m", "pitwall.flink.submit", "--cluster"],
        env={
            **child_environment(settings),
            "PITWALL_FLINK_HOST": settings.flink_host,
            "PITWALL_FLINK_PORT": str(settings.flink_port),
        },
        cwd=settings.repository,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        lines = (result.stdout + result.stderr).strip().splitlines()
        errors = [line.strip() for line in lines if "rror" in line or "xception" in line]
        raise JobError(f"job features was not submitted: {(errors or lines or ['no message'])[-1]}")


def main() -> None:
    """Submit the job, and wait for its end where it runs in this process. SIGTERM ends both."""

    def stop(number: int, frame: FrameType | None) -> None:
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    settings = Settings()
    remote = sys.argv[1:] == ["--cluster"]
    if remote:
        write_configuration(settings)
        stream = environment(job_options(settings), settings, remote=True)
    else:
        forget_old(settings)
        stream = local_environment(settings)
    job = submit(stream, settings)
    print("submitted", flush=True)
    if not remote:
        wait(job)
        print("the job ended", flush=True)


if __name__ == "__main__":
    main()
