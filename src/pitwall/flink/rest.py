"""Renders the SQL of a job and asks Flink how it does."""

from __future__ import annotations

import json
import re
import string
import time
import urllib.request
from typing import Any

from pitwall.errors import JobError
from pitwall.features import FeatureSet
from pitwall.features.plan import plan
from pitwall.flink.checkpoints import newest
from pitwall.kafka.clients import java_client_config
from pitwall.machine.ports import port_open
from pitwall.settings import Settings
from pitwall.stores.cassandra.options import configured, keyspace_of, login, tls
from pitwall.stores.names import online_table

ATTACH = "-- ATTACH telemetry"
"""Where in the SQL the feature operators are hung behind the source table."""
EACH_VIEW = re.compile(r"-- EACH VIEW\n(.*?)-- END\n", re.DOTALL)
"""What is there once for each feature view."""


LIVE = "'scan.startup.mode' = 'group-offsets', 'properties.auto.offset.reset' = 'earliest', 'topic-pattern' = '{}'"
WHOLE = (
    "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = '{}'"
)


def render(
    settings: Settings, sets: list[FeatureSet], project: str = "pitwall", topic: str | None = None
) -> tuple[list[str], list[str]]:
    """The statements of `flink_jobs/features.sql` before and after the operators, placeholders filled in.

    With `topic` the job reads what that topic holds now, and ends.
    """
    template = (settings.repository / "flink_jobs" / "features.sql").read_text()
    common = {
        "plan": plan(settings, sets[-1]).replace("'", "''"),
        "idle_ms": round(settings.idle_timeout_s * 1000),
        "kafka": _options(
            {f"properties.{key}": value for key, value in java_client_config(settings).items()}
        ),
        "scan": LIVE.format(settings.telemetry_pattern) if topic is None else WHOLE.format(topic),
        "features_topic": settings.features_topic,
        "dead_letters_topic": settings.dead_letters_topic,
        "cassandra": _options(_cassandra(settings)),
    }

    def each_view(block: re.Match[str]) -> str:
        return "".join(
            string.Template(block[1]).safe_substitute(
                view=each.name,
                schema=each.schema,
                columns=",\n    ".join(f"`{name}` DOUBLE" for name in each.names),
                online_table=online_table(project, each.name),
                offline_path=settings.offline(each.name)
                if settings.offline_url
                else f"file://{settings.offline(each.name)}",
            )
            for each in sets
        )

    text = string.Template(EACH_VIEW.sub(each_view, template)).substitute(common)
    before, after = text.split(ATTACH)
    return _statements(before), _statements(after)


def _cassandra(settings: Settings) -> dict[str, str]:
    """Options of the sink: what `feature_store.yaml` says, and for the rest the local stack."""
    options = configured(settings)
    who, secured = login(settings, options, "job"), tls(settings, options)
    found = {
        "hosts": ",".join(
            f"{host}:{options.port or settings.cassandra_port}"
            for host in options.hosts or [settings.host]
        ),
        "user": who.username,
        "password-file": str(settings.secret_file("cassandra_job", who.password)),
        "keyspace": keyspace_of(settings, options),
        "consistency": options.write_consistency,
    }
    if options.data_center:
        found["datacenter"] = options.data_center
    if secured is not None:
        paths = {
            "tls-ca": secured.ca,
            "tls-certificate": secured.certificate,
            "tls-key": secured.key,
        }
        # Relative to the feature repository, as for Feast.
        found |= {
            key: str(settings.feature_repo / path)
            for key, path in paths.items()
            if path is not None
        }
        found |= {"tls": "true", "tls-verify-host": str(secured.verify_host).lower()}
    return found


def _options(values: dict[str, str]) -> str:
    """As they stand in a table's WITH."""
    quoted = {key: value.replace("'", "''") for key, value in values.items()}
    return ",\n    ".join(f"'{key}' = '{value}'" for key, value in quoted.items())


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";\n") if statement.strip()]


def get(settings: Settings, path: str) -> Any:
    """An answer of Flink's REST interface. Raises `JobError` when Flink does not answer."""
    return _ask(settings, path)


def _ask(settings: Settings, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        settings.flink_url + path, data, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise JobError(
            f"Flink at {settings.flink_url} does not answer {path}: {error}; see `./pitwall status`"
        ) from error


def checkpoint(settings: Settings, job: str) -> None:
    """Ask for a checkpoint of this job id now. Raises `JobError` when Flink does not take it."""
    _ask(settings, f"/jobs/{job}/checkpoints", {})


def settle(settings: Settings, name: str, patience_s: float = 120.0) -> None:
    """Take a checkpoint and wait for it: what the job gave before is then readable in the offline store.

    Raises `JobError` when the job does not run or no checkpoint comes about.
    """
    job = running(settings, name)
    asked = time.time() * 1000
    checkpoint(settings, job)
    limit = time.monotonic() + patience_s
    while time.monotonic() < limit:
        latest = (get(settings, f"/jobs/{job}/checkpoints")["latest"] or {}).get("completed")
        if latest is not None and latest["trigger_timestamp"] >= asked:
            time.sleep(0.3)
            return
        time.sleep(0.2)
    raise JobError(
        f"no checkpoint of {name} in {patience_s:g} s; see {settings.log_dir / 'flink.log'}"
    )


def stop(settings: Settings, name: str, patience_s: float = 120.0) -> str:
    """Stop a running job with a savepoint; gives its URL. Raises `JobError` when there is none or it does not come about."""
    job = running(settings, name)
    trigger = _ask(
        settings,
        f"/jobs/{job}/stop",
        {"targetDirectory": f"{settings.flink_dir}/savepoints", "drain": False},
    )["request-id"]
    limit = time.monotonic() + patience_s
    while time.monotonic() < limit:
        try:
            answer = get(settings, f"/jobs/{job}/savepoints/{trigger}")
        except JobError:
            # A local cluster ends with its job.
            if (location := newest(settings)) is not None and "/savepoints/" in location:
                return location
            raise
        if answer["status"]["id"] == "COMPLETED":
            operation = answer["operation"]
            if "location" in operation:
                return str(operation["location"])
            raise JobError(
                f"no savepoint of {name}: {operation['failure-cause']['class']}; see the log of Flink"
            )
        time.sleep(0.1)
    raise JobError(f"no savepoint of {name} within {patience_s:.0f} s; see `./pitwall status`")


def running(settings: Settings, name: str) -> str:
    """Id of the running job of this name. Raises `JobError` when there is none."""
    for job in jobs(settings):
        if job["name"] == name and job["state"] in ("RUNNING", "RESTARTING"):
            return str(job["jid"])
    raise JobError(f"no job {name!r} runs on {settings.flink_url}; see `./pitwall jobs list`")


def jobs(settings: Settings) -> list[dict[str, Any]]:
    """All jobs Flink knows: id, name, state, start time (ms since the epoch)."""
    found: list[dict[str, Any]] = get(settings, "/jobs/overview")["jobs"]
    return found


def describe(settings: Settings) -> list[dict[str, Any]]:
    """Each job that has not ended: name, id, state, since_ms, restarts, age (s) and size (MB) of its newest checkpoint,
    and the servers it waits for because they do not answer.
    """
    rows = []
    away = [
        name
        for name, port in (("kafka", settings.kafka_port), ("cassandra", settings.cassandra_port))
        if not port_open(settings.host, port)
    ]
    for job in jobs(settings):
        if job["state"] in ("FINISHED", "CANCELED", "FAILED"):
            continue
        id = job["jid"]
        latest = (get(settings, f"/jobs/{id}/checkpoints").get("latest") or {}).get("completed")
        restarts = get(settings, f"/jobs/{id}/metrics?get=numRestarts")
        rows.append(
            {
                "name": job["name"],
                "id": id,
                "state": features_job_state(settings)
                if job["name"] == "features"
                else job["state"],
                "waits_for": away,
                "since_ms": job["start-time"],
                "restarts": int(restarts[0]["value"]) if restarts else 0,
                "checkpoint_age_s": None
                if latest is None
                else round(time.time() - latest["latest_ack_timestamp"] / 1000, 1),
                "checkpoint_mb": None if latest is None else round(latest["state_size"] / 1e6, 1),
            }
        )
    return rows


def features_job_state(settings: Settings) -> str | None:
    """State of the features job: `RUNNING` once all its tasks run; None when Flink is not reachable or has none."""
    try:
        for job in jobs(settings):
            if job["name"] == "features" and job["state"] not in ("FINISHED", "CANCELED"):
                if job["state"] == "RUNNING" and job["tasks"]["running"] < job["tasks"]["total"]:
                    return "STARTING"
                return str(job["state"])
    except JobError:
        pass
    return None
