"""The roles' tokens, and the table of what each may do: it is whole, and the page shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from paths import ROOT

from pitwall.machine.roles import RULES, SECRETS, Role, Tokens, document, needed
from pitwall.settings import Settings


def test_a_token_stands_for_its_role(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    tokens = Tokens(settings)
    for role, name in SECRETS.items():
        token = settings.secret(name).get_secret_value()
        assert tokens.role(token) == role
        assert tokens.bearer(f"Bearer {token}") == tokens.bearer(f"bearer  {token} ") == role
        assert tokens.cookie_role(tokens.cookie(token)) == role
        assert tokens.role(tokens.cookie(token)) == tokens.cookie_role(token) == Role.ANYONE
    for wrong in ("", "wrong", "Bearer", "Bearer ", "Basic x", "ä\udcff", "x" * 100_000):
        assert tokens.role(wrong) == tokens.bearer(wrong) == tokens.cookie_role(wrong) == 0


def test_an_empty_secret_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    for name in SECRETS.values():
        (tmp_path / "secrets" / name).write_text("\n")
    tokens = Tokens(Settings(home=tmp_path))
    assert tokens.role("") == tokens.bearer("Bearer ") == Role.ANYONE


@pytest.mark.parametrize("server", sorted({rule.server for rule in RULES}))
def test_what_the_table_does_not_name_is_for_admins(server: str) -> None:
    for method, path in (("GET", "/new"), ("DELETE", "/"), ("WS", "/login"), ("CALL", "new")):
        assert needed(server, method, path) == Role.ADMIN
    for rule in RULES:
        if rule.server == server:
            assert needed(server, rule.method, rule.path.replace("*", "/x")) == rule.role
            assert needed(server, "TRACE", rule.path) == Role.ADMIN


def test_the_table_stands_in_the_documentation() -> None:
    assert document() in (ROOT / "docs" / "security.md").read_text()


def test_every_route_of_the_page_is_in_the_table() -> None:
    """NiceGUI's routes as it makes them, and ours as the source names them."""
    from nicegui import app

    routes = {
        ("WS" if kind == "websocket" else "GET", path)
        for source in (ROOT / "src" / "pitwall" / "page").rglob("*.py")
        for kind, path in re.findall(
            r'@(?:ui|app)\.(page|get|post|put|delete|websocket)\(\s*"([^"]+)"', source.read_text()
        )
    }
    assert ("WS", "/stream") in routes and ("GET", "/export") in routes
    for route in app.routes:
        for method in getattr(route, "methods", None) or {"GET"}:
            routes.add((method, str(getattr(route, "path", ""))))
    known = [rule for rule in RULES if rule.server == "page"]
    for method, path in routes:
        concrete = re.sub(r"\{[^}]*\}", "x", path) + ("/x" if path == "/_nicegui_ws" else "")
        assert any(rule.names(method, concrete) for rule in known), (method, path)
    named = {path for _, path in routes}
    for rule in known:
        stem = rule.path.rstrip("*").rstrip("/")
        assert rule.path in named | {"/login"} or any(path.startswith(stem) for path in named)


def test_every_route_of_the_scorer_is_in_the_table() -> None:
    source = (ROOT / "src/pitwall/serving/scorer_state.py").read_text()
    paths = set(re.findall(r'path == "([^"]+)"', source))
    assert paths == {rule.path for rule in RULES if rule.server == "scorer"}
    assert "def do_POST" not in source
