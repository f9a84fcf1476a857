"""Health: of a session's data, and of every service, with its link."""

from __future__ import annotations

import re
import threading
import urllib.request
from dataclasses import dataclass

import numpy as np
from confluent_kafka import KafkaException

from pitwall.errors import PitwallError
from pitwall.kafka.topics import end_offsets
from pitwall.page.data.session import LiveSession
from pitwall.page.data.text import NBSP, Cell
from pitwall.settings import Settings

METRIC = re.compile(r"^(\w*pitwall_\w+)\{([^}]*)\}\s+(\S+)")


class Health:
    """Asks Flink's metrics and the dead-letter topic every five seconds, in a thread of its own,
    for all viewers.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.metrics: dict[str, float] = {}
        """The job's own metrics: counters summed over its tasks, such as `late`.

        `freshness_ms` is the p99 of the last minute's writes, and `freshness_max_ms` the longest
        delay, also of rows that still wait; each of the task where it is greatest.
        """
        self.dead_letters: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="health")
        self._thread.start()

    def close(self) -> None:
        """Stop asking."""
        self._stop.set()
        self._thread.join(15)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with urllib.request.urlopen(
                    f"http://{self._settings.host}:{self._settings.flink_metrics_port}/metrics",
                    timeout=3,
                ) as answer:
                    self.metrics = read_metrics(answer.read().decode())
            except OSError:
                self.metrics = {}
            try:
                self.dead_letters = sum(
                    end_offsets(self._settings, self._settings.dead_letters_topic).values()
                )
            except (PitwallError, KafkaException):
                self.dead_letters = None
            self._stop.wait(5)

    def rows(self, session: LiveSession) -> list[list[str]]:
        """The health table's rows."""
        delays = list(session.delays_ms)
        p50, p99 = (
            np.percentile(delays, (50, 99)) if delays and session.running else (np.nan, np.nan)
        )
        rate, gaps = session.value("ticks_1s"), session.value("gaps_30s")
        stored = self.metrics.get("freshness_ms", np.nan)
        longest = self.metrics.get("freshness_max_ms", np.nan)
        late = self.metrics.get("late")
        return [
            [Cell("Rate", "text"), _shown(rate if session.running else 0.0, "Hz", 0)],
            [
                Cell(f"Gaps above 0.1{NBSP}s in the last 30{NBSP}s", "text"),
                Cell(_shown(gaps, "", 0), "warn" if gaps > 0 else ""),
            ],
            [
                Cell("Delay to this page, p50 / p99", "text"),
                f"{_number(p50)} / {_shown(p99, 'ms', 0)}",
            ],
            [
                Cell("Delay to the online store, p99 / longest", "text"),
                f"{_number(stored)} / {_shown(longest, 'ms', 0)}",
            ],
            [
                Cell("Late ticks of all cars", "text"),
                Cell("unknown" if late is None else f"{late:,.0f}", "warn" if late else ""),
            ],
            [
                Cell("Dead letters of all cars", "text"),
                Cell(
                    "unknown" if self.dead_letters is None else f"{self.dead_letters:,}",
                    "warn" if self.dead_letters else "",
                ),
            ],
        ]


def read_metrics(text: str) -> dict[str, float]:
    """The job's own metrics out of Prometheus' text, over all tasks.

    Counters are summed. Of histograms the 0.99 quantile counts, and of it and of metrics whose name
    ends in `_max_ms` the greatest. NaN, which says that a task has no value, is left out.
    """
    found: dict[str, float] = {}
    for line in text.splitlines():
        match = METRIC.match(line)
        if match is None:
            continue
        name, labels, value = match[1].split("pitwall_", 1)[1], match[2], float(match[3])
        if value != value or ('quantile="' in labels and 'quantile="0.99"' not in labels):
            continue
        if 'quantile="' in labels or name.endswith("_max_ms"):
            found[name] = max(found.get(name, value), value)
        else:
            found[name] = found.get(name, 0.0) + value
    return found


def _number(value: float) -> str:
    return "–" if value != value else f"{value:,.0f}"


def _shown(value: float, unit: str, digits: int) -> str:
    return "–" if value != value else f"{value:,.{digits}f} {unit}".strip()


@dataclass(frozen=True)
class Service:
    """One service: what it is for, where it is, whether it answers."""

    name: str
    what: str
    url: str
    link: str
    """What a browser opens; empty where there is nothing to see."""
    version: str
    state: str
    """`up`, `starting` or `off`."""
    remedy: str
    """The command that starts it."""


ABOUT = {
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
PAGES = {"mlflow", "flink", "jobmanager", "serving", "page"}
"""Those with a page to open."""


def services(settings: Settings) -> list[Service]:
    """Every service of the local stack and those that may run beside it, with its state."""
    from pitwall.local.servers.table import SERVERS
    from pitwall.machine.ports import port_open
    from pitwall.machine.processes import find

    found = []
    for name, server in SERVERS.items():
        running = find(settings.run_dir, name) is not None
        if not server.by_default and not running:
            continue
        try:
            ready = server.ready(settings)
        except PitwallError:
            ready = False
        url = server.url(settings)
        state = "up" if ready else "starting" if running else "off"
        found.append(
            Service(
                name,
                ABOUT.get(name, ""),
                url,
                url if name in PAGES else "",
                server.version,
                state,
                f"./pitwall up {name}",
            )
        )
    for name, what, port in (
        ("prometheus", "Collects metrics", settings.prometheus_port),
        ("grafana", "Shows dashboards for operations", settings.grafana_port),
    ):
        url = f"http://{settings.host}:{port}"
        state = "up" if port_open(settings.host, port) else "off"
        found.append(
            Service(
                name,
                what,
                url,
                url,
                "",
                state,
                "docker compose --profile monitor up (see docs/containers.md)",
            )
        )
    return found
