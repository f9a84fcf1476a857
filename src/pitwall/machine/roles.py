"""Who may do what at the HTTP and Flight servers: three roles, each with a token, and one table.

A token is a secret of ours, or one of the OIDC issuer that `PITWALL_OIDC` names (`machine.oidc`).
A role may do all that the roles below it may. `docs/security.md` holds the table as `document`
writes it. What the table does not name, only an admin may ask for, so that a new route is closed
until it has its row.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import IntEnum

from pitwall.machine import oidc
from pitwall.settings import Settings


class Role(IntEnum):
    """The roles, each above the one before."""

    ANYONE = 0
    VIEWER = 1
    ENGINEER = 2
    ADMIN = 3


SECRETS = {Role.ADMIN: "admin_token", Role.ENGINEER: "token", Role.VIEWER: "viewer_token"}
"""The secret that holds the token of a role, the highest role first."""


@dataclass(frozen=True)
class Rule:
    """The role that a route needs. A path that ends with `*` stands for all that begin so."""

    server: str
    """`page`, `endpoint`, `scorer`, `features` (HTTP) or `offline` (Arrow Flight)."""
    method: str
    """An HTTP method, `WS` for a websocket, `CALL` for a call by Flight."""
    path: str
    role: Role
    what: str

    def names(self, method: str, path: str) -> bool:
        """Whether the rule is that of this request. HEAD counts as GET."""
        if method.replace("HEAD", "GET") != self.method:
            return False
        if self.path.endswith("*"):
            return path.startswith(self.path[:-1])
        return path == self.path


def _rules(server: str, *rows: tuple[str, str, Role, str]) -> tuple[Rule, ...]:
    return tuple(Rule(server, *row) for row in rows)


RULES = (
    *_rules(
        "page",
        ("GET", "/", Role.VIEWER, "live view"),
        ("GET", "/analysis", Role.VIEWER, "recorded laps"),
        ("GET", "/models", Role.VIEWER, "models"),
        ("GET", "/services", Role.VIEWER, "state of the servers"),
        ("WS", "/stream", Role.VIEWER, "values of channels and features"),
        ("GET", "/export", Role.ENGINEER, "laps as a file"),
        ("GET", "/assets/*", Role.VIEWER, "scripts and styles"),
        ("GET", "/_nicegui/*", Role.VIEWER, "scripts and styles of NiceGUI"),
        ("POST", "/_nicegui/*", Role.VIEWER, "controls of a view"),
        ("GET", "/_nicegui_ws/*", Role.VIEWER, "controls of a view"),
        ("POST", "/_nicegui_ws/*", Role.VIEWER, "controls of a view"),
        ("WS", "/_nicegui_ws/*", Role.VIEWER, "controls of a view"),
        ("GET", "/login", Role.ANYONE, "login form"),
        ("POST", "/login", Role.ANYONE, "login"),
        ("GET", "/health", Role.ANYONE, "health"),
        ("GET", "/metrics", Role.ANYONE, "Prometheus"),
    ),
    *_rules(
        "endpoint",
        ("POST", "/predict", Role.ENGINEER, "one prediction, which is published"),
        ("POST", "/predict/batch", Role.ENGINEER, "up to 1,000 predictions"),
        ("GET", "/models", Role.VIEWER, "champions in use"),
        ("POST", "/refresh", Role.ADMIN, "look into the registry now"),
        ("GET", "/ready", Role.ANYONE, "readiness"),
        ("GET", "/livez", Role.ANYONE, "liveness, of BentoML"),
        ("GET", "/readyz", Role.ANYONE, "readiness, of BentoML"),
        ("GET", "/healthz", Role.ANYONE, "health, of BentoML"),
        ("GET", "/predict-metrics", Role.ANYONE, "Prometheus"),
        ("GET", "/metrics", Role.ANYONE, "Prometheus, of BentoML"),
        ("GET", "/docs", Role.ANYONE, "description of the routes"),
        ("GET", "/docs-files*", Role.ANYONE, "scripts and styles of `/docs`"),
        ("GET", "/openapi.json", Role.ANYONE, "description of the routes"),
        ("GET", "/docs.json", Role.ANYONE, "description, of BentoML"),
        ("GET", "/schema.json", Role.ANYONE, "description, of BentoML"),
        ("GET", "/static_content*", Role.ANYONE, "scripts and styles, of BentoML"),
        ("GET", "/", Role.ANYONE, "leads to `/docs`"),
    ),
    *_rules(
        "scorer",
        ("GET", "/health", Role.ANYONE, "health"),
        ("GET", "/metrics", Role.ANYONE, "Prometheus"),
    ),
    *_rules(
        "features",
        ("GET", "/health", Role.ANYONE, "health"),
        ("POST", "/get-online-features", Role.VIEWER, "newest features"),
        ("POST", "/push", Role.ENGINEER, "write rows of a push source"),
        ("POST", "/write-to-online-store", Role.ENGINEER, "write rows of a view"),
        ("POST", "/materialize", Role.ADMIN, "fill the online store"),
        ("POST", "/materialize-incremental", Role.ADMIN, "fill the online store"),
    ),
    *_rules(
        "offline",
        ("CALL", "get_historical_features", Role.ENGINEER, "rows of features"),
        ("CALL", "pull_all_from_table_or_query", Role.ENGINEER, "rows of a source"),
        ("CALL", "pull_latest_from_table_or_query", Role.ENGINEER, "newest rows of a source"),
        ("CALL", "offline_write_batch", Role.ENGINEER, "add rows to a view's source"),
        ("CALL", "write_logged_features", Role.ENGINEER, "add logged features"),
        ("CALL", "persist", Role.ADMIN, "write a result over a source"),
        ("CALL", "validate_data_source", Role.ADMIN, "look at a source that the caller names"),
        (
            "CALL",
            "get_table_column_names_and_types_from_data_source",
            Role.ADMIN,
            "look at a source that the caller names",
        ),
    ),
)


def needed(server: str, method: str, path: str) -> Role:
    """The role that this request needs: that of its row in the table, else an admin."""
    for rule in RULES:
        if rule.server == server and rule.names(method, path):
            return rule.role
    return Role.ADMIN


class Tokens:
    """The tokens of the roles. Reads them once, and makes those that are missing."""

    def __init__(self, settings: Settings) -> None:
        self._tokens = {
            role: settings.secret(name).get_secret_value().encode()
            for role, name in SECRETS.items()
        }
        self._issuer = oidc.issuer(settings)

    def role(self, token: str) -> Role:
        """The highest role of this token; anyone for an unknown or an empty one."""
        return max(self._first(token.encode(errors="replace"), self._tokens), self._issued(token))

    def _issued(self, token: str) -> Role:
        """The highest role that the OIDC issuer gave whoever has this token."""
        if self._issuer is None:
            return Role.ANYONE
        names = self._issuer.roles(token)
        return max((Role[name.upper()] for name in names), default=Role.ANYONE)

    def bearer(self, authorization: str) -> Role:
        """The role of a header `Authorization: Bearer <token>`."""
        scheme, _, token = authorization.partition(" ")
        return self.role(token.strip()) if scheme.lower() == "bearer" else Role.ANYONE

    def cookie(self, token: str) -> str:
        """What a browser keeps of a known token.

        It stands for a token of ours and changes with it. An issuer's token is kept itself, so
        that it ends when the issuer says.
        """
        ours = self._first(token.encode(errors="replace"), self._tokens)
        return token if ours == Role.ANYONE else _signature(self._tokens[ours])

    def cookie_role(self, cookie: str) -> Role:
        """The role that this cookie stands for."""
        values = {role: _signature(token).encode() for role, token in self._tokens.items()}
        ours = self._first(cookie.encode(errors="replace"), values)
        return max(ours, self._issued(cookie))

    @staticmethod
    def _first(given: bytes, values: dict[Role, bytes]) -> Role:
        if given:
            for role, value in values.items():
                if secrets.compare_digest(given, value):
                    return role
        return Role.ANYONE


def _signature(token: bytes) -> str:
    return hmac.new(token, b"pitwall page", hashlib.sha256).hexdigest()


def document() -> str:
    """The table as Markdown, as it stands in `docs/security.md`."""
    rows = [
        f"| {rule.server} | `{rule.method} {rule.path}` | {rule.role.name.lower()} | {rule.what} |"
        for rule in RULES
    ]
    return "\n".join(["| server | request | role | what |", "| --- | --- | --- | --- |", *rows])
