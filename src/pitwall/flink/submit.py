"""Submits the features job.

`python -m pitwall.flink.submit` runs it in a cluster inside this process, until SIGTERM.
`python -m pitwall.flink.submit --cluster` submits it to the standalone cluster at `flink_url`, and
ends.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any

from pitwall.features import FeatureSet, load
from pitwall.features.plan import plan
from pitwall.features.topic import publish_schema
from pitwall.flink.checkpoints import forget_old
from pitwall.flink.cluster import cluster_options, job_options, write_configuration
from pitwall.flink.sql import render
from pitwall.settings import Settings


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
    before, after = render(settings, sets, topic=topic)
    for statement in before:
        tables.execute_sql(statement)
    attach(tables, [plan(settings, features) for features in sets])
    inserts = tables.create_statement_set()
    wanted = tuple(f"INSERT INTO {sink}" for sink in sinks or ("",))
    for statement in after:
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


def main() -> None:
    """Submit the job, and wait for its end where it runs in this process. SIGTERM ends both."""

    def stop(number: int, frame: FrameType | None) -> None:
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    os.environ.setdefault("_python_worker_execution_mode", "process")
    settings = Settings()
    remote = sys.argv[1:] == ["--cluster"]
    write_configuration(settings)
    if not remote:
        forget_old(settings)
    options = (
        job_options(settings) if remote else {**cluster_options(settings), **job_options(settings)}
    )
    job = submit(environment(options, settings, remote), settings)
    print("submitted", flush=True)
    if not remote:
        wait(job)
        print("the job ended", flush=True)


if __name__ == "__main__":
    main()
