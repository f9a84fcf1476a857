"""Parity: the online rows against the offline store at the same instants."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from pitwall.features import FeatureSet, load
from pitwall.flink.jobs import online_table
from pitwall.settings import Settings
from pitwall.store.connection import connect
from pitwall.store.offline import files


@dataclass
class Parity:
    """Feature values compared: equal, different, and without a row in the offline store."""

    match: int = 0
    mismatch: int = 0
    missing: int = 0
    worst: list[str] = field(default_factory=list)


def compare(settings: Settings, sessions: list[str]) -> Parity:
    """Compare every feature of the named sessions' online rows in all views, exactly (bit for bit; null equals null)."""
    found = Parity()
    session = connect(settings)
    try:
        for features in load(settings.feature_repo):
            _compare(settings, session, features, sessions, found)
    finally:
        session.cluster.shutdown()
    return found


def _compare(settings: Settings, session: Any, features: FeatureSet, sessions: list[str], found: Parity) -> None:
    columns = ", ".join(f'"{name}"' for name in features.names)
    table = f'{settings.keyspace}."{online_table("pitwall", features.name)}"'
    rows = [
        row
        for row in session.execute(f"SELECT vehicle, session, event_timestamp, {columns} FROM {table}")
        if row[1] in sessions
    ]
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    paths = files(Path(settings.offline_dir / features.name))
    for vehicle, name, event, *online in rows:
        offline = con.execute(
            f"SELECT {columns} FROM read_parquet(?, union_by_name = true, hive_partitioning = false) "
            "WHERE vehicle = ? AND session = ? AND date_trunc('millisecond', event_timestamp) = ?::TIMESTAMPTZ "
            "ORDER BY created_timestamp DESC LIMIT 1",
            [paths, vehicle, name, event.isoformat() + "+00:00"],
        ).fetchone() if paths else None  # fmt: skip
        if offline is None:
            found.missing += len(online)
            continue
        for feature, a, b in zip(features.names, online, offline, strict=True):
            if a == b:
                found.match += 1
            else:
                found.mismatch += 1
                found.worst.append(f"{name} {feature}: online {a}, offline {b}")
