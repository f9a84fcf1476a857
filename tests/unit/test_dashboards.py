"""The operations dashboard asks only for what the job's metrics are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from pitwall.settings import Settings

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "compose" / "grafana"
METRIC = re.compile(r"flink_taskmanager_job_task_operator_pitwall_(\w+)")


def test_each_query_names_a_metric_that_the_job_registers() -> None:
    registered = set()
    for source in (ROOT / "flink_jobs" / "jvm" / "src" / "pitwall").glob("*.java"):
        registered |= set(re.findall(r'\.(?:counter|histogram|gauge)\("(\w+)"', source.read_text()))
    (provided,) = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())["datasources"]
    board = json.loads((GRAFANA / "dashboards" / "operations.json").read_text())
    asked = set()
    for panel in board["panels"]:
        assert panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"] == {"type": "prometheus", "uid": provided["uid"]}
        for target in panel["targets"]:
            found = METRIC.findall(target["expr"])
            assert found, target["expr"]
            asked |= set(found)
    assert asked <= registered and {"late", "dead_letters", "freshness_ms"} <= asked


def test_prometheus_scrapes_the_jobs_port() -> None:
    (job,) = yaml.safe_load((GRAFANA / "prometheus.yml").read_text())["scrape_configs"]
    port = Settings.model_fields["flink_metrics_port"].default
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{port}"]}]
