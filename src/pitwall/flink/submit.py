"""Runs the features job. `python -m pitwall.flink.submit` holds a local cluster in this process until it is told to stop;
`python -m pitwall.flink.submit --cluster` submits to the standalone cluster at `flink_url` and ends.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any

from pitwall.features import load
from pitwall.features.plan import plan
from pitwall.features.topic import publish_schema
from pitwall.flink.checkpoints import forget_old
from pitwall.flink.cluster import cluster_options, job_options, write_configuration
from pitwall.flink.rest import render
from pitwall.settings import Settings


def attach(tables: Any, plans: list[str]) -> None:
    """Hang the feature operators, one a plan, behind the table `telemetry` of this PyFlink table environment."""
    from pyflink.java_gateway import get_gateway
    from pyflink.util.java_utils import to_jarray

    gateway = get_gateway()
    gateway.jvm.pitwall.job.Attach.attach(
        tables._j_tenv, "telemetry", to_jarray(gateway.jvm.String, plans)
    )


def environment(options: dict[str, str], settings: Settings, remote: bool) -> Any:
    """A PyFlink stream environment: a cluster in this process, or the standalone one at `flink_url`."""
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.java_gateway import get_gateway

    config = Configuration()
    for key, value in options.items():
        config.set_string(key, value)
    gateway = get_gateway()
    if not remote:
        # Flink's own processes do so when they start; where one lives in this process, nobody does: S3 would be Amazon's.
        gateway.jvm.org.apache.flink.core.fs.FileSystem.initialize(config._j_configuration, None)
        return StreamExecutionEnvironment.get_execution_environment(config)
    jars = gateway.new_array(gateway.jvm.String, 0)
    java = gateway.jvm.org.apache.flink.streaming.api.environment.RemoteStreamEnvironment
    return StreamExecutionEnvironment(
        java(settings.flink_host, settings.flink_port, config._j_configuration, jars, None)
    )


def submit(
    environment: Any, settings: Settings, topic: str | None = None, sinks: tuple[str, ...] = ()
) -> Any:
    """Submit the job to this environment; gives PyFlink's `TableResult`.

    With `topic` it reads what that topic holds now, and ends; with `sinks` only these tables are written.
    """
    from pyflink.table import StreamTableEnvironment

    sets = load(settings.feature_repo)
    tables = StreamTableEnvironment.create(environment)
    for each in sets:
        publish_schema(settings, each)
    before, after = render(settings, sets, topic=topic)
    for statement in before:
        tables.execute_sql(statement)
    attach(tables, [plan(settings, each) for each in sets])
    inserts = tables.create_statement_set()
    for statement in after:
        if statement.startswith("INSERT"):
            if sinks and not statement.startswith(tuple(f"INSERT INTO {sink}" for sink in sinks)):
                continue
            inserts.add_insert_sql(statement)
        else:
            tables.execute_sql(statement)
    return inserts.execute()


def main() -> None:
    """Submit, and wait unless it runs elsewhere. SIGTERM ends the process, and with it the local cluster."""

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
    result = submit(environment(options, settings, remote), settings)
    print("submitted", flush=True)
    if not remote:
        result.wait()
        print("the job ended", flush=True)


if __name__ == "__main__":
    main()
