"""Sessions to Cassandra, as `feature_store.yaml` says; what it leaves out comes from the `PITWALL_` settings."""

from __future__ import annotations

import os
import ssl
import time
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from pitwall.errors import StoreError, UsageError
from pitwall.settings import Settings

SHORT = "short"
"""The execution profile of requests that are sent again when no answer comes."""
LONG_S = 20.0
"""Patience with all others: a busy node takes seconds to change a schema."""
Consistency = Literal[
    "ONE", "TWO", "THREE", "QUORUM", "ALL", "LOCAL_QUORUM", "EACH_QUORUM", "LOCAL_ONE"
]


class Tls(BaseModel):
    """Certificates as PEM files; paths are taken from the working directory, which for Feast is the feature repository."""

    model_config = ConfigDict(extra="forbid")

    ca: Path | None = None
    """Who is trusted to sign the servers' certificates; default: the system's authorities."""
    certificate: Path | None = None
    key: Path | None = None
    """What this client shows, where the cluster asks for it."""
    verify_host: bool = True
    """Whether a server's certificate must name the host that was connected to."""


class Login(BaseModel):
    """A role of Cassandra's and its password, best given as `${NAME}` of the environment."""

    model_config = ConfigDict(extra="forbid")

    username: str
    password: SecretStr


Role = Literal["job", "reader"]
"""The job writes rows and reads none; readers (endpoint, page, reports) change none. All else is done by the tables' owner."""


class Connection(BaseModel):
    """The options of `online_store` in `feature_store.yaml`. Nothing is opened by making one."""

    model_config = ConfigDict(extra="forbid")

    hosts: list[str] | None = None
    port: int | None = None
    keyspace: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]{0,47}$")
    username: str | None = None
    password: SecretStr | None = None
    """Best given as `${NAME}` of the environment; default: the local stack's own."""
    job: Login | None = None
    reader: Login | None = None
    """Whom the job and readers log in as; default: `username`, in the local stack a role of their own."""
    tls: Tls | None = None
    data_center: str | None = None
    """Only nodes of this data centre are asked, the one that has the row first; default: the named hosts alone."""
    replication: dict[str, str | int] | None = None
    """Of a keyspace that `feast apply` has to make, for instance {class: NetworkTopologyStrategy, dc1: 3}."""
    read_consistency: Consistency = "LOCAL_ONE"
    write_consistency: Consistency = "LOCAL_ONE"
    request_timeout_s: float = Field(default=1.0, gt=0, le=60)
    """A read or write without an answer for this long is sent again."""
    retries: int = Field(default=2, ge=0, le=10)
    """How often. Both may be repeated: a write carries its event time, so that twice is once."""


def configured(settings: Settings) -> Connection:
    """What `feature_store.yaml` says. Raises `UsageError` naming the option that is wrong."""
    import yaml

    path = settings.feature_repo / "feature_store.yaml"
    if not path.exists():
        return Connection()
    section = (yaml.safe_load(os.path.expandvars(path.read_text())) or {}).get("online_store") or {}
    if not str(section.get("type", "")).startswith("pitwall."):
        return Connection()
    try:
        return Connection(**{key: value for key, value in section.items() if key != "type"})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("online_store", *first["loc"])))
        raise UsageError(f"{path}: {where} is {first['input']!r}: {first['msg']}") from None


def keyspace_of(settings: Settings, options: Connection | None = None) -> str:
    """Where the tables are."""
    return (options or configured(settings)).keyspace or settings.keyspace


def login(settings: Settings, options: Connection, role: Role | None = None) -> Login:
    """Whom to log in as."""
    given = getattr(options, role) if role else None
    if given is not None:
        return Login.model_validate(given)
    if role and _own(settings, options):
        return Login(
            username=f"{settings.keyspace}_{role}", password=settings.secret(f"cassandra_{role}")
        )
    return Login(
        username=options.username or settings.cassandra_user,
        password=options.password or settings.secret("cassandra"),
    )


def _own(settings: Settings, options: Connection) -> bool:
    """Whether that is the local stack's Cassandra, whose roles `prepare_cluster` makes."""
    return (
        not options.username
        and not options.hosts
        and settings.cassandra_user == Settings.model_fields["cassandra_user"].default
    )


def tls(settings: Settings, options: Connection) -> Tls | None:
    """How servers are known, or None for a connection in clear."""
    return options.tls or (Tls(ca=settings.authority) if settings.tls else None)


def connect(
    settings: Settings,
    options: Connection | None = None,
    *,
    password: str | None = None,
    keyspace: str | None = None,
    role: Role | None = None,
) -> Any:
    """A `cassandra.cluster.Session` whose rows are tuples. The caller shuts `session.cluster` down.

    Without `options` those of `feature_store.yaml`. Raises `StoreError` when no node answers or the login is refused.
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
    who, secured = login(settings, options, role), tls(settings, options)
    near = (
        TokenAwarePolicy(DCAwareRoundRobinPolicy(options.data_center))
        if options.data_center
        else WhiteListRoundRobinPolicy(hosts)
    )
    cluster = Cluster(
        hosts,
        port=port,
        protocol_version=5,
        auth_provider=PlainTextAuthProvider(
            who.username, password or who.password.get_secret_value()
        ),
        execution_profiles={
            name: ExecutionProfile(
                load_balancing_policy=near, row_factory=tuple_factory, request_timeout=timeout_s
            )
            for name, timeout_s in (
                (EXEC_PROFILE_DEFAULT, LONG_S),
                (SHORT, options.request_timeout_s),
            )
        },
        ssl_context=_ssl_context(secured) if secured else None,
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
            f"Cassandra at {', '.join(hosts)}:{port} does not answer ({reason}); is it up? See `./pitwall status`"
        ) from error


def _ssl_context(tls: Tls) -> ssl.SSLContext:
    for name in ("ca", "certificate", "key"):
        path = getattr(tls, name)
        if path is not None and not path.is_file():
            raise UsageError(
                f"online_store.tls.{name} is {str(path)!r}, and there is no such file in {Path.cwd()}"
            )
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        context.check_hostname = tls.verify_host
        if tls.certificate:
            context.load_cert_chain(tls.certificate, tls.key)
    except ssl.SSLError as error:
        raise UsageError(
            f"online_store.tls holds what is no certificate or key in PEM form: {error}"
        ) from error
    return context


def prepare_cluster(settings: Settings, patience_s: float = 30.0) -> None:
    """Create the keyspace and the telemetry history's table; in the local stack also its roles, after giving the superuser a password.

    Elsewhere, that is where `feature_store.yaml` names hosts, roles and rights are a matter of who keeps that cluster.
    """
    import logging

    logging.getLogger("cassandra").setLevel(logging.CRITICAL)
    options = configured(settings)
    own = not options.hosts and _own(settings, Connection())
    session = connect(settings, options) if options.hosts else _taken_over(settings, patience_s)
    try:
        keyspace = keyspace_of(settings, options)
        replication = (
            settings.replication if options.replication is None else str(options.replication)
        )
        session.execute(
            f"CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = {replication} AND durable_writes = true"
        )
        session.execute(
            f"CREATE TABLE IF NOT EXISTS {keyspace}.telemetry_history (vehicle text, session text, bucket int, start_us bigint, "
            "digest bigint, event_timestamp timestamp, times_us blob, channels frozen<map<text, blob>>, "
            "PRIMARY KEY ((vehicle, session, bucket), start_us, digest)) WITH CLUSTERING ORDER BY (start_us DESC, digest ASC)"
        )
        rights: dict[Role, str] = {"job": "MODIFY", "reader": "SELECT"} if own else {}
        for role, right in rights.items():
            who = login(settings, Connection(), role)
            session.execute(
                f"CREATE ROLE IF NOT EXISTS {who.username} WITH PASSWORD = '{who.password.get_secret_value()}' AND LOGIN = true"
            )
            session.execute(f"GRANT {right} ON KEYSPACE {keyspace} TO {who.username}")
    finally:
        session.cluster.shutdown()


def _taken_over(settings: Settings, patience_s: float) -> Any:
    """A session of the local superuser, who gets the stack's own password at the first time."""
    from cassandra import OperationTimedOut

    limit = time.monotonic() + patience_s
    secret = settings.secret("cassandra").get_secret_value()
    local = Connection()
    changed = False
    while True:
        try:
            return connect(settings, local)
        except StoreError as refused:
            # Once changed, Cassandra may know the old password for two seconds more.
            if not changed:
                try:
                    first = connect(settings, local, password="cassandra")
                    first.execute(
                        f"ALTER ROLE {settings.cassandra_user} WITH PASSWORD = '{secret}'"
                    )
                    first.cluster.shutdown()
                    changed = True
                except (StoreError, OperationTimedOut):
                    pass
            if time.monotonic() > limit:
                raise refused from None
            time.sleep(0.3)
