"""Feast's feature server (`feast serve`) with roles: features by HTTP.

Feast's own knows of users only by an OIDC provider. This one asks for a token of `machine.roles`
instead; a Feast client sends it with `auth: {type: oidc, token: …}`. Only what the table of roles
names is served. Wrong input is answered with 404 or 422 and the reason, a store that does not
answer with 503; Feast's own answers both with 500.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pitwall.errors import StoreError
from pitwall.machine import certificates
from pitwall.machine.roles import RULES, Role, Tokens, needed
from pitwall.serving.limits import ONE_QUESTION, Bounds
from pitwall.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from feast import FeatureStore

LONG_PATHS = ("/materialize", "/materialize-incremental")
LONG_S = 3600.0
"""Time that the paths of `LONG_PATHS` may take."""


def create_app(settings: Settings, store: FeatureStore) -> ASGIApp:
    """Feast's application on `store`, with roles, limits of size and time, and codes of errors."""
    from feast.feature_server import get_app

    app = get_app(store)
    served = {rule.path for rule in RULES if rule.server == "features"}
    app.router.routes = [
        route for route in app.router.routes if getattr(route, "path", "") in served
    ]
    _name_errors(app)
    # `Bounds` gives a body that is no batch an eighth of the limit; here every body may be a batch.
    most_bytes = ONE_QUESTION * settings.max_body_bytes
    quick = Bounds(app, most_bytes, settings.request_timeout_s)
    return Guard(quick, Bounds(app, most_bytes, LONG_S), settings)


class Guard:
    """ASGI application that passes on what the caller's role may do."""

    def __init__(self, quick: ASGIApp, long: ASGIApp, settings: Settings) -> None:
        self._quick, self._long = quick, long
        self._tokens = Tokens(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection: HTTP by role, the lifespan untouched, a websocket not at all."""
        if scope["type"] == "lifespan":
            await self._quick(scope, receive, send)
            return
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 4404})
            return
        path = scope["path"]
        least = needed("features", scope["method"], path)
        role = self._tokens.bearer(HTTPConnection(scope).headers.get("authorization", ""))
        if role >= least:
            await (self._long if path in LONG_PATHS else self._quick)(scope, receive, send)
            return
        await _refusal(role, least)(scope, receive, send)


def _refusal(role: Role, least: Role) -> Response:
    if role == Role.ANYONE:
        text = "send `Authorization: Bearer <token>`; the tokens are in .pitwall/secrets"
        return JSONResponse({"detail": text}, 401, {"WWW-Authenticate": "Bearer"})
    text = f"this needs the role {least.name.lower()}, your token has the role {role.name.lower()}"
    return JSONResponse({"detail": text}, 403)


def _name_errors(app: FastAPI) -> None:
    """Answer wrong input with the status of wrong input; Feast's server answers it with 500."""
    from feast.errors import FeastError

    async def wrong(request: Request, error: Exception) -> Response:
        return JSONResponse({"detail": _text(error)}, 422)

    async def of_feast(request: Request, error: Exception) -> Response:
        assert isinstance(error, FeastError)
        status = error.http_status_code()
        return JSONResponse({"detail": _text(error)}, 422 if status >= 500 else status)

    async def of_store(request: Request, error: Exception) -> Response:
        is_wrong = isinstance(error.__cause__, TypeError | ValueError)
        return JSONResponse({"detail": _text(error)}, 422 if is_wrong else 503)

    # Feast asserts some of what it is given.
    for kind in (ValueError, TypeError, LookupError, AttributeError, AssertionError):
        app.add_exception_handler(kind, wrong)
    app.add_exception_handler(FeastError, of_feast)
    app.add_exception_handler(StoreError, of_store)


def _text(error: Exception) -> str:
    """The first line of an error's message, without the quotes of a `KeyError`."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return (text.splitlines() or [type(error).__name__])[0][:500]


def serve(settings: Settings) -> None:
    """Serve features by HTTP at the host and `features_port` of the settings, until the end."""
    import uvicorn

    from pitwall.stores.repository import applied_store

    tls: dict[str, Any] = {}
    if settings.tls:
        shown = certificates.server_certificate(settings)
        tls = {"ssl_certfile": shown.certificate, "ssl_keyfile": shown.key}
    uvicorn.run(
        create_app(settings, applied_store(settings)),
        host=settings.host,
        port=settings.features_port,
        timeout_keep_alive=settings.keep_alive_s,
        log_level="warning",
        **tls,
    )
