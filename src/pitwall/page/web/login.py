"""The login: a person enters a token, and a signed cookie stands for the token from then on.

Programs send the token itself: `Authorization: Bearer <token>`, and so does a proxy that logs
persons in at an OIDC issuer. Which role a path needs stands in
`machine.roles`.

The page answers only under its own host names; `/health` answers under any, since a probe names the
address of a pod.
"""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs, urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pitwall.machine.roles import Role, Tokens, needed
from pitwall.page.web.theme import CSS_ROOT
from pitwall.settings import Settings

COOKIE = "pitwall_page"
COOKIE_S = 30 * 86400
"""A viewer logs in again after so many seconds: 30 days."""
BODY_BYTES = 10_000
"""A login form of more bytes is refused, and its rest is not read."""
SOCKET_REFUSED = 4401
"""The code with which a websocket without login is closed."""
POLICY = (
    b"content-security-policy",
    b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; "
    b"base-uri 'self'; frame-ancestors 'none'",
)
"""The browser loads nothing from another server, and no other page shows this one in a frame.

NiceGUI's templates need inline scripts and eval.
"""
FORM = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>pitwall: log in</title><link rel="icon" href="data:,"><style>{css}
main{{max-width:26rem;margin:18vh auto;padding:0 1rem}}
input,button{{font:inherit;width:100%;padding:.7rem;margin-top:.6rem;
background:var(--panel);color:var(--text);border:1px solid var(--edge)}}
button{{background:var(--accent);color:#06121a;font-weight:600}}
</style></head><body><main><h1>pitwall</h1><form method="post" action="/login">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" autofocus required>
<input type="hidden" name="next" value="{next}"><button>Log in</button></form>
<p role="alert">{message}</p>
<p>The tokens are in <code>.pitwall/secrets</code> of the checkout: <code>viewer_token</code>,
<code>token</code> (engineer) and <code>admin_token</code>.</p>
</main></body></html>"""


def _own_path(target: str) -> str:
    """The target if it is a path of this page, else `/`, so that a login never leads elsewhere."""
    is_path = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_path and not urlsplit(target).netloc else "/"


class Login:
    """ASGI middleware in front of everything: pages, assets and websockets."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._tokens = Tokens(settings)
        self._hosts = {
            settings.host,
            "localhost",
            "127.0.0.1",
            *filter(None, settings.page_names.split(",")),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to the page, or answer it with a refusal or the login form."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), POLICY]
            await send(message)

        connection = HTTPConnection(scope)
        path, host = connection.url.path, connection.headers.get("host", "")
        origin = connection.headers.get("origin")
        # No page of another site can send a token or leave out its origin, so any name will do.
        is_program = origin is None and self._bearer(connection) > Role.ANYONE
        is_probe = origin is None and path == "/health"
        if not (is_probe or is_program or self._is_own(host, origin)):
            refusal: Response = PlainTextResponse(
                "This page answers only under its own host names; "
                "PITWALL_PAGE_NAMES holds further ones.",
                403,
            )
            await self._refuse(scope, receive, send_with_policy, refusal)
        elif path == "/login":
            response = await self._login(Request(scope, receive))
            await response(scope, receive, send_with_policy)
        elif (role := self._role(connection)) >= (least := self._needed(scope, path)):
            await self._app(scope, receive, send_with_policy)
        elif role > Role.ANYONE:
            text = f"This needs the role {least.name.lower()}; you are {role.name.lower()}."
            await self._refuse(scope, receive, send_with_policy, PlainTextResponse(text, 403))
        else:
            query = f"?{connection.url.query}" if connection.url.query else ""
            wants_page = "text/html" in connection.headers.get("accept", "")
            refusal = (
                HTMLResponse(self._form(path + query), 401)
                if wants_page
                else PlainTextResponse("Log in first.", 401)
            )
            await self._refuse(scope, receive, send_with_policy, refusal)

    def _role(self, connection: HTTPConnection) -> Role:
        by_cookie = self._tokens.cookie_role(connection.cookies.get(COOKIE, ""))
        return max(by_cookie, self._bearer(connection))

    def _bearer(self, connection: HTTPConnection) -> Role:
        return self._tokens.bearer(connection.headers.get("authorization", ""))

    @staticmethod
    def _needed(scope: Scope, path: str) -> Role:
        return needed("page", "WS" if scope["type"] == "websocket" else scope["method"], path)

    def _is_own(self, host: str, origin: str | None) -> bool:
        """Whether the request is to a name of this page, and not from another site's page."""
        named = (urlsplit(f"//{host}").hostname or "") in self._hosts
        return named and (origin is None or urlsplit(origin).netloc == host)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, refusal: Response) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": SOCKET_REFUSED})
        else:
            await refusal(scope, receive, send)

    async def _login(self, request: Request) -> Response:
        """The login form; the cookie and the view asked for after the right token."""
        if request.method != "POST":
            return HTMLResponse(self._form(request.query_params.get("next", "/")))
        content = b""
        async for piece in request.stream():
            content += piece
            if len(content) > BODY_BYTES:
                message = f"The form has more than {BODY_BYTES} bytes."
                headers = {"connection": "close"}
                return HTMLResponse(self._form("/", message), 413, headers)
        body = content.decode(errors="replace")
        form = {key: values[0] for key, values in parse_qs(body).items()}
        token = form.get("token", "").strip()
        if self._tokens.role(token) == Role.ANYONE:
            return HTMLResponse(self._form(form.get("next", "/"), "That is not the token."), 401)
        response = RedirectResponse(_own_path(form.get("next", "/")), 303)
        response.set_cookie(
            COOKIE,
            self._tokens.cookie(token),
            max_age=COOKIE_S,
            httponly=True,
            samesite="strict",
            secure=self._settings.tls,
        )
        return response

    def _form(self, target: str, message: str = "") -> str:
        """The login form as HTML. `target` is the path that the viewer wanted to see."""
        return FORM.format(
            css=CSS_ROOT, next=escape(_own_path(target), quote=True), message=escape(message)
        )
