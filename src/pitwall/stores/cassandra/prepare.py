"""Prepares a Cassandra cluster for the stack: keyspace, telemetry history and roles."""

from __future__ import annotations

import logging
import time
from typing import Any

from pitwall.errors import StoreError
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import (
    Connection,
    Role,
    configured,
    has_local_roles,
    keyspace_of,
    login,
)
from pitwall.stores.names import HISTORY_TABLE, cql_map, cql_name, cql_text

HISTORY_COLUMNS = (
    "vehicle text, session text, bucket int, start_us bigint, digest bigint, "
    "event_timestamp timestamp, times_us blob, channels frozen<map<text, blob>>, "
    "PRIMARY KEY ((vehicle, session, bucket), start_us, digest)"
)
RIGHTS: dict[Role, str] = {"job": "MODIFY", "reader": "SELECT"}


def prepare_cluster(settings: Settings, patience_s: float = 30.0) -> None:
    """Create the keyspace and the table of the telemetry history where they are missing.

    In the local stack also give the superuser the stack's password and create the roles of
    `Role`. Where `feature_store.yaml` names hosts, roles and rights belong to the operator of that
    cluster. Raises `StoreError` when Cassandra does not answer within `patience_s` seconds.
    """
    logging.getLogger("cassandra").setLevel(logging.CRITICAL)
    options = configured(settings)
    if options.hosts:
        session = connect(settings, options)
    else:
        session = _connect_as_superuser(settings, patience_s)
    try:
        keyspace = keyspace_of(settings, options)
        replication = (
            settings.replication if options.replication is None else cql_map(options.replication)
        )
        session.execute(
            f"CREATE KEYSPACE IF NOT EXISTS {keyspace} "
            f"WITH replication = {replication} AND durable_writes = true"
        )
        session.execute(
            f"CREATE TABLE IF NOT EXISTS {keyspace}.{HISTORY_TABLE} ({HISTORY_COLUMNS}) "
            "WITH CLUSTERING ORDER BY (start_us DESC, digest ASC)"
        )
        if not options.hosts and has_local_roles(settings, Connection()):
            for role, right in RIGHTS.items():
                _create_role(session, settings, keyspace, role, right)
    finally:
        session.cluster.shutdown()


def _create_role(session: Any, settings: Settings, keyspace: str, role: Role, right: str) -> None:
    user = login(settings, Connection(), role)
    name, password = cql_name(user.username), cql_text(user.password.get_secret_value())
    session.execute(f"CREATE ROLE IF NOT EXISTS {name} WITH PASSWORD = {password} AND LOGIN = true")
    session.execute(f"GRANT {right} ON KEYSPACE {keyspace} TO {name}")


def _connect_as_superuser(settings: Settings, patience_s: float) -> Any:
    """A session of the local superuser, whose first password is replaced by the stack's own."""
    from cassandra import OperationTimedOut

    deadline = time.monotonic() + patience_s
    password = cql_text(settings.secret("cassandra").get_secret_value())
    local = Connection()
    changed = False
    while True:
        try:
            return connect(settings, local)
        except StoreError as refused:
            # After the change Cassandra may still check the old password for two seconds.
            if not changed:
                try:
                    first = connect(settings, local, password="cassandra")
                    first.execute(
                        f"ALTER ROLE {cql_name(settings.cassandra_user)} WITH PASSWORD = {password}"
                    )
                    first.cluster.shutdown()
                    changed = True
                except (StoreError, OperationTimedOut):
                    pass
            if time.monotonic() > deadline:
                raise refused from None
            time.sleep(0.3)
