"""How long each store keeps sessions: what is over its time, and deleting it.

A session's age counts from when a row of it was last written here (created time), not from when it was driven: a lap of
2019 that was replayed yesterday is a day old. Kafka deletes by itself; there the topics are told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from pitwall.errors import StackError
from pitwall.features import load
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import keyspace_of
from pitwall.stores.names import online_table
from pitwall.stores.offline.columns import SESSION_COLUMNS
from pitwall.stores.offline.compact import drop
from pitwall.stores.offline.files import recorded
from pitwall.stores.offline.scan import Scan

DAY_S = 86_400
Key = tuple[str, str]


@dataclass(frozen=True)
class Due:
    """What one store would lose, or (a topic) be told."""

    store: str
    what: str
    rows: int | None
    last_written: datetime | None
    delete: Callable[[], None] = field(repr=False, compare=False)


def due(settings: Settings, now: float | None = None) -> list[Due]:
    """Everything over its store's time, store by store. Only stores with a setting are looked at; nothing is deleted."""
    now = time.time() if now is None else now
    found: list[Due] = []
    if settings.retention_offline_days is not None:
        found += _offline(settings, now - settings.retention_offline_days * DAY_S)
    if settings.retention_online_days is not None or settings.retention_history_days is not None:
        session = connect(settings, keyspace=keyspace_of(settings))
        try:
            found += _cassandra(settings, session, now)
        finally:
            session.cluster.shutdown()
    if settings.retention_topics_days is not None:
        found += _topics(settings, settings.retention_topics_days)
    return found


def _offline(settings: Settings, limit: float) -> Iterator[Due]:
    for features in load(settings.feature_repo):
        folder = recorded(settings, features.name)
        parts = []
        for table, _ in Scan(folder).batches(
            ["vehicle", "session", "created_timestamp"], "event_timestamp", None, None
        ):
            frame = pl.DataFrame(pl.from_arrow(table))
            parts.append(
                frame.group_by("vehicle", "session").agg(
                    rows=pl.len(), last=pl.col("created_timestamp").max()
                )
            )
        if not parts:
            continue
        sessions = (
            pl.concat(parts)
            .group_by("vehicle", "session")
            .agg(pl.col("rows").sum(), pl.col("last").max())
            .sort("session", "vehicle")
        )
        old = sessions.filter(pl.col("last") < datetime.fromtimestamp(limit, UTC))
        for vehicle, session, rows, last in old.iter_rows():

            def delete(key: Key = (vehicle, session), folder: Any = folder) -> None:
                drop(folder, SESSION_COLUMNS, [key])

            yield Due("offline", f"{features.name}: {vehicle} / {session}", rows, last, delete)


def _cassandra(settings: Settings, session: Any, now: float) -> Iterator[Due]:
    written: dict[Key, datetime] = {}
    tables = session.cluster.metadata.keyspaces[keyspace_of(settings)].tables
    for features in load(settings.feature_repo):
        table = online_table("pitwall", features.name)
        if table not in tables:
            continue
        query = f'SELECT vehicle, session, event_timestamp, created_timestamp, writetime("{features.names[0]}") FROM "{table}"'
        for vehicle, name, event, created, stamp in session.execute(query):
            last = (created or event).replace(tzinfo=UTC)
            written[vehicle, name] = max(last, written.get((vehicle, name), last))
            if _over(last, settings.retention_online_days, now):
                # A deletion by the wall clock would hide every later row of the session: rows are written by event time.
                micros = (
                    stamp
                    if stamp is not None
                    else int(event.replace(tzinfo=UTC).timestamp() * 1_000_000) + 999
                )
                statement = f'DELETE FROM "{table}" USING TIMESTAMP {micros} WHERE vehicle = %s AND session = %s'
                yield Due(
                    "online",
                    f"{features.name}: {vehicle} / {name}",
                    1,
                    last,
                    _later(settings, statement, (vehicle, name)),
                )
    if settings.retention_history_days is not None and "telemetry_history" in tables:
        yield from _history(settings, session, now, written)


def _history(
    settings: Settings, session: Any, now: float, written: dict[Key, datetime]
) -> Iterator[Due]:
    minutes: dict[Key, list[tuple[int, int, int]]] = {}
    for vehicle, name, bucket in session.execute(
        "SELECT DISTINCT vehicle, session, bucket FROM telemetry_history"
    ):
        where = "WHERE vehicle = %s AND session = %s AND bucket = %s"
        counted = session.execute(
            f"SELECT count(*), max(writetime(times_us)) FROM telemetry_history {where}",
            (vehicle, name, bucket),
        )
        rows, stamp = counted.one()
        if rows and stamp is not None:
            minutes.setdefault((vehicle, name), []).append((bucket, rows, stamp))
    for (vehicle, name), buckets in sorted(minutes.items()):
        # Where the online row is gone, the time driven is the best that is known.
        driven = datetime.fromtimestamp(max(stamp for _, _, stamp in buckets) / 1e6, UTC)
        last = written.get((vehicle, name), driven)
        if _over(last, settings.retention_history_days, now):
            statements = [
                (
                    f"DELETE FROM telemetry_history USING TIMESTAMP {stamp} WHERE vehicle = %s AND session = %s AND bucket = %s",
                    (vehicle, name, bucket),
                )
                for bucket, _, stamp in buckets
            ]

            def delete(statements: list[tuple[str, tuple[Any, ...]]] = statements) -> None:
                for statement, values in statements:
                    _later(settings, statement, values)()

            yield Due(
                "history", f"{vehicle} / {name}", sum(rows for _, rows, _ in buckets), last, delete
            )


def _over(last: datetime, days: float | None, now: float) -> bool:
    return days is not None and last.timestamp() < now - days * DAY_S


def _later(settings: Settings, statement: str, values: tuple[Any, ...]) -> Callable[[], None]:
    def delete() -> None:
        session = connect(settings, keyspace=keyspace_of(settings))
        try:
            session.execute(statement, values)
        finally:
            session.cluster.shutdown()

    return delete


def _topics(settings: Settings, days: float) -> Iterator[Due]:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

    from pitwall.kafka.clients import admin

    client = admin(settings)
    wanted = str(round(days * DAY_S * 1000))
    names = (
        settings.telemetry_topic,
        settings.features_topic,
        settings.predictions_topic,
        settings.dead_letters_topic,
    )
    try:
        present = set(client.list_topics(timeout=10).topics)
        asked = client.describe_configs(
            [ConfigResource(ResourceType.TOPIC, name) for name in names if name in present]
        )
        now = {
            resource.name: future.result(10)["retention.ms"].value
            for resource, future in asked.items()
        }
    except KafkaException as error:
        raise StackError(
            f"Kafka at {settings.bootstrap_servers} does not answer ({error}); start it: ./pitwall up kafka"
        ) from error
    for name, value in now.items():
        if value != wanted:

            def tell(name: str = name) -> None:
                entry = ConfigEntry(
                    "retention.ms", wanted, incremental_operation=AlterConfigOpType.SET
                )
                change = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])
                for future in client.incremental_alter_configs([change]).values():
                    future.result(10)

            before = "for ever" if value == "-1" else f"{int(value) / 1000 / DAY_S:g} days"
            yield Due("topics", f"{name}: kept {before}, would be {days:g} days", None, None, tell)
