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

MOST_SENT = 512 << 20
"""Bytes that one call may send, in memory; 100,000 entity rows take a few MB."""
MOST_KEPT = 1 << 30
"""Bytes that wait in memory for a client to fetch its answer; the oldest are given up."""


def serve(settings: Settings) -> None:
    """Serve the offline store at the host and `offline_port` of the settings, until the end."""
    from pitwall.stores.repository import applied_store

    offline_server(settings, applied_store(settings), settings.offline_port).serve()


def offline_server(settings: Settings, store: FeatureStore, port: int) -> Any:
    """Feast's server of offline stores at this port of the settings' host, with roles.

    A call without a known token raises `FlightUnauthenticatedError` at the client, and one whose
    role does not suffice `FlightUnauthorizedError`.
    """
    import pyarrow as pa
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

    class Bounded:
        """A reader of what a client sends that stops at `MOST_SENT`."""

        def __init__(self, reader: Any) -> None:
            self._reader = reader

        def read_all(self) -> Any:
            batches, size = [], 0
            for chunk in self._reader:
                size += chunk.data.nbytes
                if size > MOST_SENT:
                    raise flight.FlightServerError(
                        f"more than {MOST_SENT >> 20} MiB were sent in one call; send fewer rows "
                        "at a time"
                    )
                batches.append(chunk.data)
            return pa.Table.from_batches(batches, self._reader.schema)

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
            answer = super().do_put(context, descriptor, Bounded(reader), writer)
            _give_up_oldest(self.flights)
            return answer

        def do_exchange(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> Any:
            check(context, descriptor.command or b"")
            return super().do_exchange(context, descriptor, Bounded(reader), writer)

    certificate: list[tuple[bytes, bytes]] = []
    if settings.tls:
        shown = certificates.server_certificate(settings)
        certificate = [(shown.certificate.read_bytes(), shown.key.read_bytes())]
    scheme = "grpc+tls" if certificate else "grpc+tcp"
    location = f"{scheme}://{settings.host}:{port}"
    return Server(store, location=location, host=settings.host, tls_certificates=certificate)


def _give_up_oldest(flights: dict[Any, Any]) -> None:
    """Leave at most `MOST_KEPT` bytes of tables that no client has fetched yet."""
    size = sum(table.nbytes for table in flights.values())
    for key in list(flights)[:-1]:
        if size <= MOST_KEPT:
            break
        size -= flights.pop(key).nbytes
