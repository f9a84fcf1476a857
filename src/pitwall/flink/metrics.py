"""The features job's own metrics, as Flink gives them to Prometheus."""

from __future__ import annotations

import math
import re
import urllib.request

from pitwall.settings import Settings

METRIC = re.compile(r"^(\w*pitwall_\w+)\{([^}]*)\}\s+(\S+)")
"""A line of Prometheus' text format with a metric of the job: name, labels and value."""
TIMEOUT_S = 3.0


def job_metrics(settings: Settings) -> dict[str, float]:
    """The job's metrics now, as `read_metrics` gives them; empty while Flink does not answer."""
    url = f"http://{settings.host}:{settings.flink_metrics_port}/metrics"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
            return read_metrics(response.read().decode())
    except OSError:
        return {}


def read_metrics(text: str) -> dict[str, float]:
    """The job's own metrics from Prometheus' text format, by name without prefix, such as `late`.

    A counter is summed over the tasks. A histogram, such as `freshness_ms`, gives the greatest p99
    of any task, and a metric whose name ends in `_max_ms` the greatest value. NaN, which says that
    a task has no value, is left out.
    """
    metrics: dict[str, float] = {}
    for line in text.splitlines():
        match = METRIC.match(line)
        if match is None:
            continue
        name, labels, value = match[1].split("pitwall_", 1)[1], match[2], float(match[3])
        is_quantile = 'quantile="' in labels
        if math.isnan(value) or (is_quantile and 'quantile="0.99"' not in labels):
            continue
        if is_quantile or name.endswith("_max_ms"):
            metrics[name] = max(metrics.get(name, value), value)
        else:
            metrics[name] = metrics.get(name, 0.0) + value
    return metrics
