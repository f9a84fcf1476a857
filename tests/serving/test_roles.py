"""Every route of the endpoint: it is in the table of roles, and asks for the role of the table."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import httpx
import pytest
from oidc_issuer import OidcIssuer, oidc_issuer
from paths import ROOT

from pitwall.machine.roles import RULES, SECRETS, Role, needed
from pitwall.serving.app import create_app
from pitwall.serving.parts import Parts
from pitwall.settings import Settings

KNOWN = [rule for rule in RULES if rule.server == "endpoint"]


class Registry:
    """A registry that has no models."""

    refused: ClassVar[dict[str, Any]] = {}
    withdrawn: ClassVar[dict[str, Any]] = {}

    def serving(self) -> list[Any]:
        return []

    def champions(self) -> dict[str, int]:
        return {}

    def refresh(self) -> None: ...


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with oidc_issuer() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, issuer: OidcIssuer) -> Settings:
    return Settings(home=tmp_path, oidc=issuer.file(tmp_path))


def app(settings: Settings) -> Any:
    parts = Parts(settings)
    reader = SimpleNamespace(read=lambda *_: None)
    outbox = SimpleNamespace(waiting=lambda: 0, refused=lambda: 0)
    schemas = SimpleNamespace(newest={})
    parts._made |= {
        "registry": Registry(),
        "reader": reader,
        "outbox": outbox,
        "schemas": schemas,
    }
    parts.fetch()
    return create_app(settings, parts)


def ask(application: Any, method: str, path: str, token: str | None) -> httpx.Response:
    async def one() -> httpx.Response:
        transport = httpx.ASGITransport(application)
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(one())


@pytest.mark.parametrize("issued", [False, True])
def test_every_route_asks_for_its_role(
    settings: Settings, issuer: OidcIssuer, issued: bool
) -> None:
    application = app(settings)
    routes = {
        (method, route.path)
        for route in application.routes
        for method in getattr(route, "methods", None) or {"GET"}
    }
    assert ("POST", "/predict") in routes and ("GET", "/docs-files") in routes
    for method, path in sorted(routes):
        assert any(rule.names(method, path) for rule in KNOWN), (method, path)
        least = needed("endpoint", method, path)
        for role in Role:
            token = None
            if role > Role.ANYONE:
                ours = settings.secret(SECRETS[role]).get_secret_value()
                token = issuer.token(role) if issued else ours
            status = ask(application, method, path, token).status_code
            if role >= least:
                assert status not in (401, 403), (method, path, role, status)
            else:
                assert status == (401 if role == Role.ANYONE else 403), (method, path, role)
        if least > Role.ANYONE:
            assert ask(application, method, path, "wrong").status_code == 401


def test_a_refusal_names_both_roles(settings: Settings) -> None:
    viewer = settings.secret("viewer_token").get_secret_value()
    error = ask(app(settings), "POST", "/predict", viewer).json()["error"]
    assert error["code"] == "forbidden"
    assert "needs the role engineer, your token has the role viewer" in error["message"]


def test_every_route_of_bentoml_is_in_the_table_and_loads_nothing_from_elsewhere(
    tmp_path: Path,
) -> None:
    """The routes that BentoML adds, as its application lists them, and its pages of documentation.

    In a process of its own, because the service's file reads the settings when it is imported.
    """
    script = """
import json, sys
sys.path.insert(0, "serving")
import service
from starlette.testclient import TestClient
app = service.PitWall.to_asgi()
routes = []
for route in app.routes:
    for method in getattr(route, "methods", None) or ["GET"]:
        routes.append([method, str(getattr(route, "path", ""))])
client = TestClient(app)
pages = {path: client.get(path).text for path in ("/", "/docs")}
print("ANSWER" + json.dumps([routes, pages]))
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PITWALL_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert "ANSWER" in result.stdout, result.stderr[-2000:]
    routes, pages = json.loads(result.stdout.partition("ANSWER")[2])
    assert ["GET", "/livez"] in routes
    for method, path in routes:
        if path != "None" and path:  # our own application, mounted without a path
            assert any(rule.names(method, path) for rule in KNOWN), (method, path)
            assert needed("endpoint", method, path) == Role.ANYONE, (method, path)
    paths = {path for _, path in routes}
    for path, text in pages.items():
        assert "swagger" in text, path
        for loaded in _loaded(text):
            assert not loaded.startswith(("http:", "https:", "//")), (path, loaded)
    assert "/docs.json" in paths


def _loaded(page: str) -> list[str]:
    """What a page makes a browser load: the addresses of its scripts, styles and pictures."""
    tags = re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", page)
    return [
        address for tag in tags for address in re.findall(r"""(?:src|href)=["']([^"']+)""", tag)
    ]
