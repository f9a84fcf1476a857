"""Flink: the features job in a cluster of its own process, or a standalone cluster for jobs."""

from __future__ import annotations

from collections.abc import Callable

from pitwall.local.servers.server import Server, http_address, python_module
from pitwall.machine.ports import http_ok
from pitwall.settings import Settings


def _script(name: str, metrics_port: str) -> Callable[[Settings], list[str]]:
    """The command of a script in Flink's `bin`; `metrics_port` is a settings field."""

    def command(settings: Settings) -> list[str]:
        from pitwall.flink import cluster
        from pitwall.machine.compile import flink_home

        cluster.write_configuration(settings)
        return [
            *(str(flink_home() / "bin" / name), "start-foreground"),
            *("-D", f"metrics.reporter.prom.port={getattr(settings, metrics_port)}"),
        ]

    return command


def _features_job_runs(settings: Settings) -> bool:
    from pitwall.flink.status import features_job_state

    return features_job_state(settings) == "RUNNING"


def _has_taskmanager(settings: Settings) -> bool:
    from pitwall.errors import JobError
    from pitwall.flink.rest import get

    try:
        return bool(get(settings, "/overview")["taskmanagers"])
    except JobError:
        return False


FLINK = Server(
    "flink",
    python_module("pitwall.flink.submit"),
    _features_job_runs,
    setting="flink_port",
    more_ports=("flink_metrics_port",),
    address=http_address("flink_port"),
    needs=("kafka", "cassandra"),
    package="apache-flink",
)
JOBMANAGER = Server(
    "jobmanager",
    _script("jobmanager.sh", "flink_jobmanager_metrics_port"),
    lambda settings: http_ok(f"{settings.flink_url}/overview"),
    setting="flink_port",
    more_ports=("flink_rpc_port", "flink_jobmanager_metrics_port"),
    address=http_address("flink_port"),
    by_default=False,
    package="apache-flink",
)
TASKMANAGER = Server(
    "taskmanager",
    _script("taskmanager.sh", "flink_metrics_port"),
    _has_taskmanager,
    more_ports=("flink_metrics_port",),
    needs=("jobmanager",),
    by_default=False,
    package="apache-flink",
)
