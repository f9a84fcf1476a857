"""Runs the features job in Flink's local cluster until it is told to stop. `python -m pitwall.flink.run`."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from types import FrameType
from typing import Any

from pitwall.features import load
from pitwall.flink.compile import job_jar, libraries
from pitwall.flink.jobs import latest_checkpoint, plan, render
from pitwall.settings import Settings
from pitwall.topics import publish_schema


def configuration(settings: Settings) -> dict[str, str]:
    """Flink's configuration for the local stack.

    The newest checkpoint is restored, also one of other feature definitions: what both know goes on, what is new begins.
    """
    folder = settings.data_dir / "flink" / "checkpoints"
    values = {
        "pipeline.name": "features",
        "pipeline.jars": ";".join(f"file://{path}" for path in [job_jar(settings), *libraries(settings)]),
        "pipeline.object-reuse": "true",
        "parallelism.default": str(settings.parallelism),
        "rest.port": str(settings.flink_port),
        "rest.address": settings.host,
        "rest.bind-address": settings.host,
        "taskmanager.numberOfTaskSlots": str(settings.parallelism),
        "taskmanager.memory.network.max": "128mb",
        "execution.buffer-timeout.interval": "2 ms",
        "pipeline.auto-watermark-interval": "10 ms",
        "execution.checkpointing.interval": f"{round(settings.checkpoint_interval_s * 1000)} ms",
        "execution.checkpointing.dir": f"file://{folder}",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.num-retained": "2",
        "execution.checkpointing.timeout": "5 min",
        "state.backend.type": "hashmap",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "500 ms",
        "restart-strategy.exponential-delay.max-backoff": "10 s",
        "table.local-time-zone": "UTC",
    }
    checkpoint = latest_checkpoint(folder)
    if checkpoint is not None:
        values["execution.state-recovery.path"] = f"file://{checkpoint}"
        for old in folder.iterdir():
            if old != checkpoint.parent:
                shutil.rmtree(old, ignore_errors=True)
    return values


def attach(tables: Any, plans: list[str]) -> None:
    """Hang the feature operators, one a plan, behind the table `telemetry` of this PyFlink table environment."""
    from pyflink.java_gateway import get_gateway
    from pyflink.util.java_utils import to_jarray

    gateway = get_gateway()
    gateway.jvm.pitwall.Attach.attach(tables._j_tenv, "telemetry", to_jarray(gateway.jvm.String, plans))


def submit(settings: Settings) -> Any:
    """Submit the job; gives PyFlink's `TableResult`."""
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    sets = load(settings.feature_repo)
    config = Configuration()
    for key, value in configuration(settings).items():
        config.set_string(key, value)
    environment = StreamExecutionEnvironment.get_execution_environment(config)
    tables = StreamTableEnvironment.create(environment)
    for each in sets:
        publish_schema(settings, each)
    before, after = render(settings, sets)
    for statement in before:
        tables.execute_sql(statement)
    attach(tables, [plan(settings, each) for each in sets])
    inserts = tables.create_statement_set()
    for statement in after:
        if statement.startswith("INSERT"):
            inserts.add_insert_sql(statement)
        else:
            tables.execute_sql(statement)
    return inserts.execute()


def main() -> None:
    """Submit and wait. SIGTERM ends the process, and with it the local cluster."""

    def stop(number: int, frame: FrameType | None) -> None:
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    os.environ.setdefault("_python_worker_execution_mode", "process")
    result = submit(Settings())
    print("submitted", flush=True)
    result.wait()
    sys.exit("the job ended")


if __name__ == "__main__":
    main()
