"""The options of `online_store` in `feature_store.yaml`, and which role logs in with them.

An option that the file leaves out comes from the `PITWALL_` settings.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from pitwall.errors import UsageError
from pitwall.settings import Settings

Consistency = Literal[
    "ONE", "TWO", "THREE", "QUORUM", "ALL", "LOCAL_QUORUM", "EACH_QUORUM", "LOCAL_ONE"
]
Role = Literal["job", "reader"]
"""`job` may only write rows; `reader` (endpoint, page, reports) may only read them.

Everything else is done by the owner of the tables."""


class Tls(BaseModel):
    """Certificates as PEM files.

    Relative paths start at the working directory, which for Feast is the feature repository.
    """

    model_config = ConfigDict(extra="forbid")

    ca: Path | None = None
    """The authority that signed the servers' certificates; default: the system's authorities."""
    certificate: Path | None = None
    """The client's own certificate, for a cluster that asks for one."""
    key: Path | None = None
    """The private key of `certificate`."""
    verify_host: bool = True
    """Whether a server's certificate must name the host that the client connected to."""


class Login(BaseModel):
    """A role of Cassandra and its password, best written as `${NAME}` of the environment."""

    model_config = ConfigDict(extra="forbid")

    username: str
    password: SecretStr


class Connection(BaseModel):
    """The options of `online_store` in `feature_store.yaml`. Making one opens no connection."""

    model_config = ConfigDict(extra="forbid")

    hosts: list[str] | None = None
    port: int | None = None
    keyspace: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]{0,47}$")
    username: str | None = None
    password: SecretStr | None = None
    """Best written as `${NAME}` of the environment; default: the password of the local stack."""
    job: Login | None = None
    """Login of the Flink and Spark jobs; default: `username`, in the local stack a role `job`."""
    reader: Login | None = None
    """Login of readers; default: `username`, in the local stack a role `reader`."""
    tls: Tls | None = None
    data_center: str | None = None
    """Requests go only to nodes of this data centre, first to the one that holds the row.

    Default: requests go only to `hosts`."""
    replication: dict[str, str | int] | None = None
    """Replication of a keyspace that `feast apply` creates.

    For instance `{class: NetworkTopologyStrategy, dc1: 3}`."""
    read_consistency: Consistency = "LOCAL_ONE"
    write_consistency: Consistency = "LOCAL_ONE"
    request_timeout_s: float = Field(default=1.0, gt=0, le=60)
    """A read or write that has no answer after this many seconds is sent again."""
    retries: int = Field(default=2, ge=0, le=10)
    """How often a request is sent again.

    Repeating is safe: a write carries its event time, so the same write twice changes nothing."""


def configured(settings: Settings) -> Connection:
    """The options in `feature_store.yaml`; the defaults where its online store is not Pitwall's.

    Raises `UsageError` naming the file, the option and its value when an option is not valid.
    """
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
        option = ".".join(map(str, ("online_store", *first["loc"])))
        raise UsageError(f"{path}: {option} is {first['input']!r}: {first['msg']}") from None


def keyspace_of(settings: Settings, options: Connection | None = None) -> str:
    """The keyspace of the tables. Without `options` those of `feature_store.yaml` count."""
    return (options or configured(settings)).keyspace or settings.keyspace


def login(settings: Settings, options: Connection, role: Role | None = None) -> Login:
    """The user and password to log in with; without `role` those of the tables' owner."""
    role_login = getattr(options, role) if role else None
    if role_login is not None:
        return Login.model_validate(role_login)
    if role and has_local_roles(settings, options):
        return Login(
            username=f"{settings.keyspace}_{role}", password=settings.secret(f"cassandra_{role}")
        )
    return Login(
        username=options.username or settings.cassandra_user,
        password=options.password or settings.secret("cassandra"),
    )


def has_local_roles(settings: Settings, options: Connection) -> bool:
    """Whether this is the local stack's Cassandra, in which `prepare_cluster` creates the roles."""
    return (
        not options.username
        and not options.hosts
        and settings.cassandra_user == Settings.model_fields["cassandra_user"].default
    )


def tls(settings: Settings, options: Connection) -> Tls | None:
    """How servers prove who they are, or None for a connection without encryption."""
    return options.tls or (Tls(ca=settings.authority) if settings.tls else None)
