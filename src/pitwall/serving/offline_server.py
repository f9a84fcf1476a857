"""Feast's server of offline stores (`feast serve_offline`) with roles, by Arrow Flight.

A Feast client sends its token with `auth: {type: oidc, token: …}`. Which call needs which role
stands in `machine.roles`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from pitwall.machine import certificates
from pitwall.machine.roles import Role, Tokens, needed
from pitwall.settings import Settings

if TYPE_CHECKING:
    from feast import FeatureStore


def serve(settings: Settings) -> None:
    """Serve the offline store at the host and `offline_port` of the settings, until the end."""
    from pitwall.stores.repository import applied_store

    offline_server(settings, applied_store(settings), settings.offline_port).serve()


def offline_server(settings: Settings, store: FeatureStore, port: int) -> Any:
    """Feast's server of offline stores at this port of the settings' host, with roles.

    A call without a known token raises `FlightUnauthenticatedError` at the client, and one whose
    role does not suffice `FlightUnauthorizedError`.
    """
    import pyarrow.flight as flight
    from feast.offline_server import OfflineServer

    tokens = Tokens(settings)

    class Caller(flight.ServerMiddleware):
        """Holds the role of a caller while the call is answered."""

        def __init__(self, role: Role) -> None:
            self.role = role

    class Callers(flight.ServerMiddlewareFactory):
        def start_call(self, info: Any, headers: dict[str, list[str]]) -> Caller:
            lines = {name.lower(): values for name, values in headers.items()}
            role = tokens.bearer(str((lines.get("authorization") or [""])[0]))
            if role == Role.ANYONE:
                raise flight.FlightUnauthenticatedError(
                    "send the header authorization: Bearer <token>; the tokens are in "
                    ".pitwall/secrets"
                )
            return Caller(role)

    def check(context: Any, command: bytes | None = None) -> None:
        """Raise unless the caller may make this call; without a command, an engineer may."""
        least = Role.ENGINEER
        if command is not None:
            try:
                api = str(orjson.loads(command)["api"])
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                raise flight.FlightServerError("the command is no JSON object with api") from error
            least = needed("offline", "CALL", api)
        role = context.get_middleware("roles").role
        if role < least:
            raise flight.FlightUnauthorizedError(
                f"this needs the role {least.name.lower()}, your token has the role "
                f"{role.name.lower()}"
            )

    class Server(OfflineServer):
        """Checks the role before each call."""

        def arrow_flight_auth_middleware(self, auth_type: Any) -> dict[str, Any]:
            return {"roles": Callers()}

        def list_flights(self, context: Any, criteria: bytes) -> Any:
            check(context)
            return super().list_flights(context, criteria)

        def list_actions(self, context: Any) -> Any:
            check(context)
            return super().list_actions(context)

        def get_flight_info(self, context: Any, descriptor: Any) -> Any:
            check(context)
            return super().get_flight_info(context, descriptor)

        def do_get(self, context: Any, ticket: Any) -> Any:
            check(context)
            return super().do_get(context, ticket)

        def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> Any:
            check(context, descriptor.command or b"")
            return super().do_put(context, descriptor, reader, writer)

        def do_exchange(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> Any:
            check(context, descriptor.command or b"")
            return super().do_exchange(context, descriptor, reader, writer)

    certificate: list[tuple[bytes, bytes]] = []
    if settings.tls:
        shown = certificates.server_certificate(settings)
        certificate = [(shown.certificate.read_bytes(), shown.key.read_bytes())]
    scheme = "grpc+tls" if certificate else "grpc+tcp"
    location = f"{scheme}://{settings.host}:{port}"
    return Server(store, location=location, host=settings.host, tls_certificates=certificate)
