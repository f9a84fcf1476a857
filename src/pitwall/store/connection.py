"""Sessions to Cassandra."""

from __future__ import annotations

import time
from typing import Any

from pitwall.errors import StoreError
from pitwall.settings import Settings


def connect(settings: Settings, *, password: str | None = None, keyspace: str | None = None) -> Any:
    """A `cassandra.cluster.Session` for the local or configured cluster. The caller shuts `session.cluster` down.

    Raises `StoreError` when no node answers or the login is refused.
    """
    from cassandra.auth import PlainTextAuthProvider
    from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
    from cassandra.policies import WhiteListRoundRobinPolicy
    from cassandra.query import tuple_factory

    secret = password if password is not None else settings.secret("cassandra").get_secret_value()
    cluster = Cluster(
        [settings.host],
        port=settings.cassandra_port,
        protocol_version=5,
        auth_provider=PlainTextAuthProvider(settings.cassandra_user, secret),
        execution_profiles={
            EXEC_PROFILE_DEFAULT: ExecutionProfile(
                load_balancing_policy=WhiteListRoundRobinPolicy([settings.host]),
                row_factory=tuple_factory,
                request_timeout=5,
            )
        },
        connect_timeout=5,
        control_connection_timeout=10,
    )
    try:
        session = cluster.connect()
        if keyspace:
            session.set_keyspace(keyspace)
        return session
    except NoHostAvailable as error:
        cluster.shutdown()
        reason = next(iter(error.errors.values()), error)
        raise StoreError(
            f"Cassandra at {settings.host}:{settings.cassandra_port} does not answer ({reason}); "
            "is it up? See `./pitwall status`"
        ) from error


def prepare_cluster(settings: Settings, patience_s: float = 30.0) -> None:
    """Give the superuser the stack's own password (once), create the keyspace and the telemetry history's table."""
    import logging

    logging.getLogger("cassandra").setLevel(logging.CRITICAL)
    limit = time.monotonic() + patience_s
    secret = settings.secret("cassandra").get_secret_value()
    while True:
        try:
            session = connect(settings)
            break
        except StoreError as refused:
            try:
                session = connect(settings, password="cassandra")
                session.execute(f"ALTER ROLE {settings.cassandra_user} WITH PASSWORD = '{secret}'")
                break
            except StoreError:
                if time.monotonic() > limit:
                    raise refused from None
                time.sleep(0.3)
    try:
        session.execute(
            f"CREATE KEYSPACE IF NOT EXISTS {settings.keyspace} WITH replication = {settings.replication} "
            "AND durable_writes = true"
        )
        session.execute(
            f"CREATE TABLE IF NOT EXISTS {settings.keyspace}.telemetry_history (vehicle text, session text, bucket int, start_us bigint, "
            "digest bigint, event_timestamp timestamp, times_us blob, channels frozen<map<text, blob>>, "
            "PRIMARY KEY ((vehicle, session, bucket), start_us, digest)) WITH CLUSTERING ORDER BY (start_us DESC, digest ASC)"
        )
    finally:
        session.cluster.shutdown()
