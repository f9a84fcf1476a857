"""Opens sessions to Cassandra."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakSet

from pitwall.errors import StoreError, UsageError
from pitwall.settings import Settings
from pitwall.stores.cassandra.options import (
    Connection,
    Role,
    Tls,
    configured,
    keyspace_of,
    login,
    tls,
)
from pitwall.stores.names import Statement

SHORT = "short"
"""Execution profile of requests that are sent again when no answer comes in time."""
LONG_S = 20.0
"""Timeout of all other requests: a busy node takes seconds to change a schema."""


def connect(
    settings: Settings,
    options: Connection | None = None,
    *,
    password: str | None = None,
    keyspace: str | None = None,
    role: Role | None = None,
) -> Any:
    """Open a `cassandra.cluster.Session` that gives rows as tuples.

    The caller closes it with `session.cluster.shutdown()`. Without `options` those of
    `feature_store.yaml` count; `password` replaces the password of the login. Raises `StoreError`
    when no node answers or the login is refused, `UsageError` for a wrong certificate file.
    """
    from cassandra.auth import PlainTextAuthProvider
    from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
    from cassandra.policies import (
        DCAwareRoundRobinPolicy,
        TokenAwarePolicy,
        WhiteListRoundRobinPolicy,
    )
    from cassandra.query import tuple_factory

    options = configured(settings) if options is None else options
    hosts, port = options.hosts or [settings.host], options.port or settings.cassandra_port
    user, certificates = login(settings, options, role), tls(settings, options)
    node_choice = (
        TokenAwarePolicy(DCAwareRoundRobinPolicy(options.data_center))
        if options.data_center
        else WhiteListRoundRobinPolicy(hosts)
    )
    cluster = Cluster(
        hosts,
        port=port,
        protocol_version=5,
        auth_provider=PlainTextAuthProvider(
            user.username, password or user.password.get_secret_value()
        ),
        execution_profiles={
            profile: ExecutionProfile(
                load_balancing_policy=node_choice,
                row_factory=tuple_factory,
                request_timeout=timeout_s,
            )
            for profile, timeout_s in (
                (EXEC_PROFILE_DEFAULT, LONG_S),
                (SHORT, options.request_timeout_s),
            )
        },
        ssl_context=_ssl_context(certificates) if certificates else None,
        connect_timeout=5,
        control_connection_timeout=10,
    )
    close_at_exit(cluster)
    try:
        session = cluster.connect()
        if keyspace:
            session.set_keyspace(keyspace)
        return session
    except NoHostAvailable as error:
        cluster.shutdown()
        reason = next(iter(error.errors.values()), error)
        raise StoreError(
            f"Cassandra at {', '.join(hosts)}:{port} does not answer ({reason}); "
            "is it up? See `./pitwall status`"
        ) from error


def close_at_exit(cluster: Any) -> None:
    """Shut the cluster down when the process ends, if it is open by then.

    The driver does so itself, but after Python has ended all pools of threads. Its scheduler, which
    still runs by then, prints `cannot schedule new futures after shutdown`.
    """
    _open_clusters().add(cluster)


@cache
def _open_clusters() -> WeakSet[Any]:
    import concurrent.futures.thread  # noqa: F401, it registers what is to run after this

    clusters: WeakSet[Any] = WeakSet()

    def close() -> None:
        for cluster in list(clusters):
            cluster.shutdown()

    # `atexit` is too late: it runs after the pools have ended.
    threading._register_atexit(close)  # type: ignore[attr-defined]
    return clusters


def running(settings: Settings, statements: list[Statement]) -> Callable[[], None]:
    """A function that executes these statements in the keyspace, on a connection of its own.

    It raises `StoreError` where Cassandra does not answer.
    """

    def run() -> None:
        session = connect(settings, keyspace=keyspace_of(settings))
        try:
            for statement, values in statements:
                session.execute(statement, values)
        except Exception as error:
            raise StoreError(f"Cassandra did not answer: {error}") from error
        finally:
            session.cluster.shutdown()

    return run


def _ssl_context(certificates: Tls) -> ssl.SSLContext:
    for name in ("ca", "certificate", "key"):
        path = getattr(certificates, name)
        if path is not None and not path.is_file():
            raise UsageError(
                f"online_store.tls.{name} is {str(path)!r}, and {Path.cwd()} has no such file"
            )
    try:
        context = ssl.create_default_context(cafile=certificates.ca)
        context.check_hostname = certificates.verify_host
        if certificates.certificate:
            context.load_cert_chain(certificates.certificate, certificates.key)
    except ssl.SSLError as error:
        raise UsageError(
            f"a file of online_store.tls is not a certificate or key in PEM form: {error}"
        ) from error
    return context
