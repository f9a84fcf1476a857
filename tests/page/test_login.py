"""Every request to the page, route by route: it needs the role that the table names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from oidc_issuer import OidcIssuer, oidc_issuer

from pitwall.machine.roles import RULES, SECRETS, Role, Tokens
from pitwall.page.web.login import COOKIE, SOCKET_REFUSED, Login
from pitwall.settings import Settings

KNOWN = [rule for rule in RULES if rule.server == "page"]


async def page(scope: Any, receive: Any, send: Any) -> None:
    """What stands behind the login: it answers everything."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in"})


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with oidc_issuer() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, issuer: OidcIssuer) -> Settings:
    return Settings(home=tmp_path, oidc=issuer.file(tmp_path))


def status(settings: Settings, method: str, path: str, headers: dict[str, str]) -> int:
    login = Login(page, settings)
    if method == "WS":
        return _socket(login, path, headers)

    async def ask() -> int:
        transport = httpx.ASGITransport(login)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.request(method, path, headers=headers)).status_code

    return asyncio.run(ask())


def _socket(login: Login, path: str, headers: dict[str, str]) -> int:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(b"host", b"127.0.0.1"), *((k.encode(), v.encode()) for k, v in headers.items())]
    scope = {"type": "websocket", "scheme": "ws", "path": path, "query_string": b""}
    asyncio.run(login({**scope, "server": ("127.0.0.1", 1), "headers": raw}, receive, send))
    return int(sent[0].get("code", 200))


@pytest.mark.parametrize("rule", KNOWN, ids=[f"{rule.method} {rule.path}" for rule in KNOWN])
def test_a_route_needs_its_role(settings: Settings, issuer: OidcIssuer, rule: Any) -> None:
    if rule.path == "/login":
        return  # the login answers it itself, as test_page says
    path, tokens = rule.path.replace("*", "x"), Tokens(settings)
    for role in Role:
        ways: list[dict[str, str]] = [{}]
        if role > Role.ANYONE:
            token = settings.secret(SECRETS[role]).get_secret_value()
            ways = [
                {"authorization": f"Bearer {token}"},
                {"cookie": f"{COOKIE}={tokens.cookie(token)}"},
                {"authorization": f"Bearer {issuer.token(role)}"},
                {"cookie": f"{COOKIE}={issuer.token(role)}"},
            ]
        for headers in ways:
            given = status(settings, rule.method, path, headers)
            if role >= rule.role:
                assert given == 200, (role, headers)
            elif rule.method == "WS":
                assert given == SOCKET_REFUSED
            else:
                assert given == (401 if role == Role.ANYONE else 403), (role, headers)


def test_what_has_no_row_is_for_admins_alone(settings: Settings) -> None:
    for role, expected in ((Role.VIEWER, 403), (Role.ENGINEER, 403), (Role.ADMIN, 200)):
        token = settings.secret(SECRETS[role]).get_secret_value()
        headers = {"authorization": f"Bearer {token}"}
        for method, path in (("GET", "/new"), ("DELETE", "/"), ("GET", "/openapi.json")):
            assert status(settings, method, path, headers) == expected


@pytest.mark.parametrize("issued", [False, True])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEER, Role.ADMIN])
def test_a_login_gives_the_role_of_its_token(
    settings: Settings, issuer: OidcIssuer, role: Role, issued: bool
) -> None:
    ours = settings.secret(SECRETS[role]).get_secret_value()
    token = issuer.token(role) if issued else ours

    async def ask() -> tuple[int, int, int]:
        transport = httpx.ASGITransport(Login(page, settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            entered = await client.post("/login", data={"token": token, "next": "/models"})
            view, export = await client.get("/models"), await client.get("/export")
            return entered.status_code, view.status_code, export.status_code

    assert asyncio.run(ask()) == (303, 200, 403 if role == Role.VIEWER else 200)


def test_a_login_form_is_read_only_up_to_its_limit(settings: Settings) -> None:
    """A body without an end: the login answers while the client still sends."""
    pieces = 0

    async def receive() -> dict[str, Any]:
        nonlocal pieces
        pieces += 1
        assert pieces < 100
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        **{"type": "http", "method": "POST", "path": "/login", "query_string": b""},
        **{"scheme": "http", "server": ("127.0.0.1", 1), "headers": [(b"host", b"127.0.0.1")]},
    }
    asyncio.run(Login(page, settings)(scope, receive, send))
    assert sent[0]["status"] == 413 and pieces == 11
