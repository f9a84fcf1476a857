"""Renders the SQL of a job and asks Flink how it does."""

from __future__ import annotations

import json
import re
import string
import urllib.request
from pathlib import Path
from typing import Any

from pitwall.errors import JobError
from pitwall.features import FeatureSet
from pitwall.settings import Settings

ATTACH = "-- ATTACH telemetry"
"""Where in the SQL the feature operators are hung behind the source table."""
EACH_VIEW = re.compile(r"-- EACH VIEW\n(.*?)-- END\n", re.DOTALL)
"""What is there once for each feature view."""


def online_table(project: str, view: str) -> str:
    """Name of a feature view's table in Cassandra."""
    return f"{project}_{view}"


def plan(settings: Settings, features: FeatureSet) -> str:
    """The operator's plan under these settings."""
    return features.plan(settings.idle_timeout_s, settings.reorder_s)


def render(settings: Settings, sets: list[FeatureSet], project: str = "pitwall") -> tuple[list[str], list[str]]:
    """The statements of `flink_jobs/features.sql` before and after the operators, placeholders filled in."""
    template = (settings.repository / "flink_jobs" / "features.sql").read_text()
    settings.secret("cassandra")
    common = {
        "plan": plan(settings, sets[-1]).replace("'", "''"),
        "idle_ms": round(settings.idle_timeout_s * 1000),
        "bootstrap_servers": settings.bootstrap_servers,
        "telemetry_pattern": settings.telemetry_pattern,
        "features_topic": settings.features_topic,
        "dead_letters_topic": settings.dead_letters_topic,
        "cassandra_host": settings.host,
        "cassandra_port": settings.cassandra_port,
        "cassandra_user": settings.cassandra_user,
        "cassandra_password_file": settings.home_dir / "secrets" / "cassandra",
        "keyspace": settings.keyspace,
    }

    def each_view(block: re.Match[str]) -> str:
        return "".join(
            string.Template(block[1]).safe_substitute(
                view=each.name,
                schema=each.schema,
                columns=",\n    ".join(f"`{name}` DOUBLE" for name in each.names),
                online_table=online_table(project, each.name),
                offline_path=f"file://{settings.offline_dir / each.name}",
            )
            for each in sets
        )

    text = string.Template(EACH_VIEW.sub(each_view, template)).substitute(common)
    before, after = text.split(ATTACH)
    return _statements(before), _statements(after)


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";\n") if statement.strip()]


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint below `folder`, or None."""
    complete = [path.parent for path in folder.glob("*/chk-*/_metadata")]
    return max(complete, key=lambda path: (path / "_metadata").stat().st_mtime, default=None)


def get(settings: Settings, path: str) -> Any:
    """An answer of Flink's REST interface. Raises `JobError` when Flink does not answer."""
    try:
        with urllib.request.urlopen(f"http://{settings.host}:{settings.flink_port}{path}", timeout=3) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise JobError(f"Flink at {settings.host}:{settings.flink_port} does not answer: {error}") from error


def checkpoint(settings: Settings, job: str) -> None:
    """Ask for a checkpoint of this job id now. Raises `JobError` when Flink does not take it."""
    url = f"http://{settings.host}:{settings.flink_port}/jobs/{job}/checkpoints"
    request = urllib.request.Request(url, b"{}", {"Content-Type": "application/json"}, method="POST")
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except OSError as error:
        raise JobError(f"Flink at {settings.host}:{settings.flink_port} takes no checkpoint: {error}") from error


def jobs(settings: Settings) -> list[dict[str, Any]]:
    """All jobs Flink knows: id, name, state, start time (ms since the epoch)."""
    found: list[dict[str, Any]] = get(settings, "/jobs/overview")["jobs"]
    return found


def features_job_state(settings: Settings) -> str | None:
    """State of the features job: `RUNNING` once all its tasks run; None when Flink is not reachable or has none."""
    try:
        for job in jobs(settings):
            if job["name"] == "features":
                if job["state"] == "RUNNING" and job["tasks"]["running"] < job["tasks"]["total"]:
                    return "STARTING"
                return str(job["state"])
    except JobError:
        pass
    return None
