"""The SQL of the features job: `flink_jobs/features.sql` with its placeholders filled in."""

from __future__ import annotations

import re
import string

from pitwall.features import FeatureSet
from pitwall.features.plan import plan
from pitwall.kafka.clients import java_client_config
from pitwall.settings import Settings
from pitwall.stores.cassandra.options import configured, keyspace_of, login, tls
from pitwall.stores.names import online_table

ATTACH = "-- ATTACH telemetry"
"""The line at which the feature operators are attached to the source table."""
EACH_VIEW = re.compile(r"-- EACH VIEW\n(.*?)-- END\n", re.DOTALL)
"""The part of the template that is rendered once for each feature view."""
LIVE = (
    "'scan.startup.mode' = 'group-offsets', 'properties.auto.offset.reset' = 'earliest', "
    "'topic-pattern' = '{}'"
)
"""Options of a source that reads all topics of a pattern, without end."""
BOUNDED = (
    "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = '{}'"
)
"""Options of a source that reads what one topic holds now, and ends."""


def render(
    settings: Settings, sets: list[FeatureSet], project: str = "pitwall", topic: str | None = None
) -> tuple[list[str], list[str]]:
    """The job's statements before and after the feature operators are attached.

    `project` is Feast's, which names the online tables. With `topic` the job reads what that topic
    holds now, and ends.
    """
    template = (settings.repository / "flink_jobs" / "features.sql").read_text()
    scan = BOUNDED.format(topic) if topic else LIVE.format(settings.telemetry_pattern)
    kafka = {f"properties.{key}": value for key, value in java_client_config(settings).items()}
    common = {
        "plan": _quoted(plan(settings, sets[-1])),
        "idle_ms": round(settings.idle_timeout_s * 1000),
        "kafka": _options(kafka),
        "scan": scan,
        "features_topic": settings.features_topic,
        "dead_letters_topic": settings.dead_letters_topic,
        "cassandra": _options(_cassandra(settings)),
    }

    def for_each_view(block: re.Match[str]) -> str:
        return "".join(
            string.Template(block[1]).safe_substitute(
                view=features.name,
                schema=features.schema,
                columns=",\n    ".join(f"`{name}` DOUBLE" for name in features.names),
                online_table=online_table(project, features.name),
                offline_path=_offline_path(settings, features.name),
            )
            for features in sets
        )

    text = string.Template(EACH_VIEW.sub(for_each_view, template)).substitute(common)
    before, after = text.split(ATTACH)
    return _statements(before), _statements(after)


def _offline_path(settings: Settings, view: str) -> str:
    path = settings.offline(view)
    return path if settings.offline_url else f"file://{path}"


def _cassandra(settings: Settings) -> dict[str, str]:
    """The sink's options: those of `feature_store.yaml`, and the local stack's for all others."""
    configuration = configured(settings)
    account, secured = login(settings, configuration, "job"), tls(settings, configuration)
    port = configuration.port or settings.cassandra_port
    options = {
        "hosts": ",".join(f"{host}:{port}" for host in configuration.hosts or [settings.host]),
        "user": account.username,
        "password-file": str(settings.secret_file("cassandra_job", account.password)),
        "keyspace": keyspace_of(settings, configuration),
        "consistency": configuration.write_consistency,
    }
    if configuration.data_center:
        options["datacenter"] = configuration.data_center
    if secured is not None:
        files = {
            "tls-ca": secured.ca,
            "tls-certificate": secured.certificate,
            "tls-key": secured.key,
        }
        # Their paths are relative to the feature repository, as Feast takes them.
        options |= {key: str(settings.feature_repo / file) for key, file in files.items() if file}
        options |= {"tls": "true", "tls-verify-host": str(secured.verify_host).lower()}
    return options


def _options(values: dict[str, str]) -> str:
    """The options as they are written in the WITH clause of a CREATE TABLE."""
    return ",\n    ".join(f"'{key}' = '{_quoted(value)}'" for key, value in values.items())


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";\n") if statement.strip()]
