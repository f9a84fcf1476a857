"""Every service of the local stack and beside it: its purpose, its address and its state."""

from __future__ import annotations

from dataclasses import dataclass

from pitwall.errors import PitwallError
from pitwall.settings import Settings


@dataclass(frozen=True)
class Service:
    """One service, as a card of the services view shows it."""

    name: str
    purpose: str
    url: str
    """URL or `host:port`; empty for a service without a port."""
    page_url: str
    """What a browser opens; empty for a service without a page."""
    version: str
    """Product and version; empty where unknown."""
    state: str
    """`up`, `starting` or `off`; of the disk `up` or `low`."""
    start_command: str


PURPOSES = {
    "kafka": "Holds the topics: telemetry, features, predictions, dead letters",
    "cassandra": "Holds the online store and the telemetry history",
    "s3": "Holds model artifacts and Parquet files for S3 clients",
    "mlflow": "Keeps the experiments and the model registry",
    "flink": "Runs the feature job; its own page shows the job",
    "jobmanager": "Leads a standalone Flink cluster; its own page shows the jobs",
    "taskmanager": "Works for the standalone Flink cluster",
    "serving": "Answers prediction requests; its own page describes the API",
    "scorer": "Scores each feature row as it arrives",
    "page": "Shows this page",
    "spark": "Writes the telemetry history with Spark",
    "spark-master": "Leads the Spark cluster",
    "spark-worker": "Works for the Spark cluster",
    "namenode": "Holds the file names of HDFS",
    "datanode": "Holds the blocks of HDFS",
    "hbase": "Holds the online store in HBase",
    "hbase-thrift": "Gives access to HBase by Thrift",
}
"""What each server of the local stack is for."""
WITH_PAGE = {"mlflow", "flink", "jobmanager", "serving", "page"}
"""The servers that have a page to open."""
MONITOR_COMMAND = "docker compose --profile monitor up (see docs/containers.md)"
"""What starts Prometheus and Grafana."""


def services(settings: Settings) -> list[Service]:
    """The disk; the servers that `up` starts by default or that run now; Prometheus and Grafana.

    Blocks while each of them is asked whether it answers.
    """
    from pitwall.local.servers.table import SERVERS
    from pitwall.machine.ports import port_open
    from pitwall.machine.processes import find

    listed = [_disk(settings)]
    for name, server in SERVERS.items():
        running = find(settings.run_dir, name) is not None
        if not server.by_default and not running:
            continue
        try:
            ready = server.ready(settings)
        except PitwallError:
            ready = False
        url = server.url(settings)
        listed.append(
            Service(
                name=name,
                purpose=PURPOSES.get(name, ""),
                url=url,
                page_url=url if name in WITH_PAGE else "",
                version=server.version,
                state="up" if ready else "starting" if running else "off",
                start_command=f"./pitwall up {name}",
            )
        )
    for name, purpose, port in (
        ("prometheus", "Collects metrics", settings.prometheus_port),
        ("grafana", "Shows dashboards for operations", settings.grafana_port),
    ):
        url = f"http://{settings.host}:{port}"
        state = "up" if port_open(settings.host, port) else "off"
        listed.append(Service(name, purpose, url, url, "", state, MONITOR_COMMAND))
    return listed


def _disk(settings: Settings) -> Service:
    """The free space of the disk, as a card. To a tenth of a GB, so that it rarely changes."""
    from pitwall.machine.space import space

    disk = space(settings)
    state = "low" if disk.low else "up"
    remedy = "./pitwall compact, or ./pitwall retention --apply"
    return Service("disk", "Holds data, logs and checkpoints", str(disk), "", "", state, remedy)
