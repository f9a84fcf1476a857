"""How the jobs on Flink are."""

from __future__ import annotations

import time
from typing import Any

from pitwall.errors import JobError
from pitwall.flink.rest import get, jobs
from pitwall.machine.ports import port_open
from pitwall.settings import Settings


def describe(settings: Settings) -> list[dict[str, Any]]:
    """Each job that has not ended, as `./pitwall jobs list --json` shows it.

    `name`, `id`, `state`, `waits_for` (servers that do not answer), `since_ms` (since the epoch),
    `restarts`, `checkpoint_age_s` and `checkpoint_mb` of its newest checkpoint (None without one).
    Raises `JobError` when Flink does not answer.
    """
    ports = {"kafka": settings.kafka_port, "cassandra": settings.cassandra_port}
    waits_for = [name for name, port in ports.items() if not port_open(settings.host, port)]
    rows = []
    for job in jobs(settings):
        if job["state"] in ("FINISHED", "CANCELED", "FAILED"):
            continue
        id = job["jid"]
        latest = (get(settings, f"/jobs/{id}/checkpoints").get("latest") or {}).get("completed")
        restarts = get(settings, f"/jobs/{id}/metrics?get=numRestarts")
        age_s = mb = None
        if latest is not None:
            age_s = round(time.time() - latest["latest_ack_timestamp"] / 1000, 1)
            mb = round(latest["state_size"] / 1e6, 1)
        rows.append(
            {
                "name": job["name"],
                "id": id,
                "state": _state(job),
                "waits_for": waits_for,
                "since_ms": job["start-time"],
                "restarts": int(restarts[0]["value"]) if restarts else 0,
                "checkpoint_age_s": age_s,
                "checkpoint_mb": mb,
            }
        )
    return rows


def features_job_state(settings: Settings) -> str | None:
    """State of the features job; None when Flink does not answer or has no such job."""
    try:
        for job in jobs(settings):
            if job["name"] == "features" and job["state"] not in ("FINISHED", "CANCELED"):
                return _state(job)
    except JobError:
        pass
    return None


def _state(job: dict[str, Any]) -> str:
    """Flink's state of the job, but `STARTING` as long as not all its tasks run."""
    if job["state"] == "RUNNING" and job["tasks"]["running"] < job["tasks"]["total"]:
        return "STARTING"
    return str(job["state"])
