"""Who may see the page: whoever has the token, which a signed cookie then stands for.

Only this machine's own names are served.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from html import escape
from urllib.parse import parse_qs, urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pitwall.page.web.theme import CSS_ROOT
from pitwall.settings import Settings

COOKIE = "pitwall_page"
POLICY = (
    b"content-security-policy",
    b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; "
    b"base-uri 'self'; frame-ancestors 'none'",
)
"""Nothing is loaded from elsewhere, and nobody frames the page.

NiceGUI's templates need inline scripts and eval.
"""
OPEN = ("/health", "/login", "/metrics")
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
<p>The token is in <code>.pitwall/secrets/token</code> of the checkout.</p>
</main></body></html>"""


def _ticket(settings: Settings) -> str:
    key = settings.secret("token").get_secret_value().encode()
    return hmac.new(key, b"pitwall page", hashlib.sha256).hexdigest()


def _local(target: str) -> str:
    """A path of this page, whatever was asked for."""
    parts = urlsplit(target)
    return (
        target
        if target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
        else "/"
    )


class Login:
    """ASGI middleware in front of everything: pages, assets and sockets."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._hosts = {
            settings.host,
            "localhost",
            "127.0.0.1",
            *filter(None, settings.page_names.split(",")),
        }

    async def __call__(self, scope: Scope, receive: Receive, reply: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, reply)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), POLICY]
            await reply(message)

        send = answer
        connection = HTTPConnection(scope)
        path, host = connection.url.path, connection.headers.get("host", "")
        origin = connection.headers.get("origin")
        if (urlsplit(f"//{host}").hostname or "") not in self._hosts or (
            origin is not None and urlsplit(origin).netloc != host
        ):
            await self._refuse(
                scope,
                receive,
                send,
                PlainTextResponse("this page answers to its own address only", 403),
            )
        elif path == "/login":
            await (await self._login(Request(scope, receive)))(scope, receive, send)
        elif path in OPEN or hmac.compare_digest(
            connection.cookies.get(COOKIE, "").encode(), _ticket(self._settings).encode()
        ):
            await self._app(scope, receive, send)
        else:
            query = f"?{connection.url.query}" if connection.url.query else ""
            wants_page = "text/html" in connection.headers.get("accept", "")
            page = (
                HTMLResponse(self._form(path + query), 401)
                if wants_page
                else PlainTextResponse("log in first", 401)
            )
            await self._refuse(scope, receive, send, page)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4401})
        else:
            await answer(scope, receive, send)

    async def _login(self, request: Request) -> Response:
        if request.method != "POST":
            return HTMLResponse(self._form(request.query_params.get("next", "/")))
        form = {
            key: values[0]
            for key, values in parse_qs(
                (await request.body())[:10_000].decode(errors="replace")
            ).items()
        }
        token = self._settings.secret("token").get_secret_value()
        if not secrets.compare_digest(form.get("token", "").strip().encode(), token.encode()):
            return HTMLResponse(self._form(form.get("next", "/"), "That is not the token."), 401)
        answer = RedirectResponse(_local(form.get("next", "/")), 303)
        answer.set_cookie(
            COOKIE,
            _ticket(self._settings),
            max_age=30 * 86400,
            httponly=True,
            samesite="strict",
            secure=self._settings.tls,
        )
        return answer

    def _form(self, target: str, message: str = "") -> str:
        return FORM.format(
            css=CSS_ROOT, next=escape(_local(target), quote=True), message=escape(message)
        )
