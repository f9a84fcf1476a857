"""Runs the features job. `python -m pitwall.flink.run` holds a local cluster in this process until it is told to stop;
`python -m pitwall.flink.run --cluster` submits to the standalone cluster at `flink_url` and ends.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any

from pitwall.features import load
from pitwall.flink.checkpoints import forget_old
from pitwall.flink.cluster import cluster_options, job_options, write_configuration
from pitwall.flink.jobs import plan, render
from pitwall.settings import Settings
from pitwall.topics import publish_schema


def attach(tables: Any, plan: str) -> None:
    """Hang the feature operator behind the table `telemetry` of this PyFlink table environment."""
    from pyflink.java_gateway import get_gateway

    get_gateway().jvm.pitwall.Attach.attach(tables._j_tenv, "telemetry", plan)


def configuration(settings: Settings, remote: bool) -> dict[str, str]:
    """All options of a submission: to a cluster of its own in this process, or to the standalone one."""
    if remote:
        target = {"rest.address": settings.flink_host, "rest.port": str(settings.flink_port)}
        return {**target, "execution.target": "remote", "execution.attached": "false", **job_options(settings)}
    return {**cluster_options(settings), **job_options(settings)}


def submit(options: dict[str, str], settings: Settings, topic: str | None = None, sinks: tuple[str, ...] = ()) -> Any:
    """Submit the job under these options; gives PyFlink's `TableResult`.

    With `topic` it reads what that topic holds now, and ends; with `sinks` only these tables are written.
    """
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    (features,) = load(settings.feature_repo)
    config = Configuration()
    for key, value in options.items():
        config.set_string(key, value)
    environment = StreamExecutionEnvironment.get_execution_environment(config)
    tables = StreamTableEnvironment.create(environment)
    publish_schema(settings, features)
    before, after = render(settings, features, topic=topic)
    for statement in before:
        tables.execute_sql(statement)
    attach(tables, plan(settings, features))
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
    result = submit(configuration(settings, remote), settings)
    print("submitted", flush=True)
    if not remote:
        result.wait()
        print("the job ended", flush=True)


if __name__ == "__main__":
    main()
