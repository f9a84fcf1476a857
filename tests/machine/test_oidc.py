"""Tokens of an OIDC issuer: which ones count, as what, and what happens when its keys change."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode
from oidc_issuer import OidcIssuer, oidc_issuer
from waiting import wait

from pitwall.errors import UsageError
from pitwall.machine import oidc
from pitwall.machine.roles import SECRETS, Role, Tokens
from pitwall.settings import Settings


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    with oidc_issuer() as running:
        yield running


@pytest.fixture
def tokens(issuer: OidcIssuer, tmp_path: Path) -> Tokens:
    return Tokens(Settings(home=tmp_path, oidc=issuer.file(tmp_path)))


def test_a_token_has_the_role_that_its_claim_names(
    issuer: OidcIssuer, tokens: Tokens, tmp_path: Path
) -> None:
    for role in (Role.VIEWER, Role.ENGINEER, Role.ADMIN):
        token = issuer.token(role)
        assert tokens.role(token) == tokens.bearer(f"Bearer {token}") == role
        assert tokens.cookie_role(tokens.cookie(token)) == role
        ours = Settings(home=tmp_path).secret(SECRETS[role]).get_secret_value()
        assert tokens.role(ours) == tokens.cookie_role(tokens.cookie(ours)) == role
    for groups, role in (
        (["team-viewer", "team-admin"], Role.ADMIN),
        ("team-engineer", Role.ENGINEER),
        (["admin", "TEAM-ADMIN", 7, None], Role.ANYONE),
        ([], Role.ANYONE),
        ({"team-admin": True}, Role.ANYONE),
        (None, Role.ANYONE),
    ):
        assert tokens.role(issuer.token(Role.VIEWER, groups=groups)) == role, groups


def test_a_claim_may_lie_in_another_one(issuer: OidcIssuer, tmp_path: Path) -> None:
    path = issuer.file(tmp_path, claim="realm_access.roles", roles={"lead": "admin"})
    tokens = Tokens(Settings(home=tmp_path, oidc=path))
    assert tokens.role(issuer.token(Role.VIEWER, realm_access={"roles": ["lead"]})) == Role.ADMIN
    for other in ({"roles": "x"}, ["lead"], "lead", 1):
        assert tokens.role(issuer.token(Role.VIEWER, realm_access=other)) == Role.ANYONE


def test_what_is_no_token_of_the_issuer_for_us_is_refused(
    issuer: OidcIssuer, tokens: Tokens
) -> None:
    now = int(time.time())
    good, claims, kid = issuer.token(Role.ADMIN), issuer.claims(Role.ADMIN), {"kid": "key-0"}
    stranger = rsa.generate_private_key(65537, 2048)
    public = (
        issuer.keys[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    head, body, signature = good.split(".")
    shared = jwt.encode(claims, "x" * 32, "HS256", kid).rpartition(".")[0]
    forged = base64url_encode(hmac.digest(public, shared.encode(), "sha256")).decode()
    other_body = issuer.token(Role.ADMIN, sub="another").split(".")[1]
    wrong = {
        "expired": issuer.token(Role.ADMIN, exp=now - 60),
        "without an end": issuer.token(Role.ADMIN, exp=None),
        "not valid yet": issuer.token(Role.ADMIN, nbf=now + 60),
        "for another program": issuer.token(Role.ADMIN, aud="another"),
        "for nobody": issuer.token(Role.ADMIN, aud=None),
        "of another issuer": issuer.token(Role.ADMIN, iss="https://issuer.invalid"),
        "of no issuer": issuer.token(Role.ADMIN, iss=None),
        "signed by a stranger": jwt.encode(claims, stranger, "RS256", kid),
        "of an unknown key": jwt.encode(claims, issuer.keys[0], "RS256", {"kid": "key-9"}),
        "without a key's name": jwt.encode(claims, issuer.keys[0], "RS256"),
        "signed with the public key": f"{shared}.{forged}",
        "not signed": jwt.encode(claims, None, "none", kid),
        "with another content": f"{head}.{other_body}.{signature}",
        "without a signature": f"{head}.{body}.",
        "too long": issuer.token(Role.ADMIN, filling="x" * oidc.MOST_CHARACTERS),
        "no JSON": "a.b.c",
        "empty": "..",
        "no text": "\udcff.\udcff.\udcff",
    }
    assert tokens.role(good) == Role.ADMIN
    for what, token in wrong.items():
        assert tokens.role(token) == tokens.cookie_role(token) == Role.ANYONE, what


def test_a_new_key_is_fetched_and_a_flood_of_unknown_ones_asks_once(
    issuer: OidcIssuer, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = issuer.token(Role.VIEWER)
    assert tokens.role(old) == Role.VIEWER
    asked = len(issuer.asked)
    issuer.rotate()
    new = issuer.token(Role.ENGINEER)
    for _ in range(100):
        assert tokens.role(new) == Role.ANYONE
    assert len(issuer.asked) == asked == 2
    monkeypatch.setattr(oidc, "AGAIN_S", 0.0)
    wait(lambda: tokens.role(new) == Role.ENGINEER, seconds=10)
    assert tokens.role(old) == Role.VIEWER


def test_known_keys_count_on_while_the_issuer_is_away_but_not_for_ever(
    issuer: OidcIssuer, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.token(Role.VIEWER)
    issuer.server.shutdown()
    issuer.server.server_close()
    monkeypatch.setattr(oidc, "FRESH_S", -1.0)
    monkeypatch.setattr(oidc, "AGAIN_S", 0.0)
    assert [tokens.role(token) for _ in range(3)] == [Role.VIEWER] * 3
    monkeypatch.setattr(oidc, "KEPT_S", -1.0)
    assert tokens.role(token) == Role.ANYONE


def test_an_issuer_that_is_away_at_the_start_is_asked_again(
    issuer: OidcIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, issuer.url = issuer.url, "http://127.0.0.1:1"
    tokens = Tokens(Settings(home=tmp_path, oidc=issuer.file(tmp_path, issuer=said)))
    issuer.url = said
    token = issuer.token(Role.VIEWER)
    assert tokens.role(token) == Role.ANYONE  # it called itself by another name
    monkeypatch.setattr(oidc, "AGAIN_S", 0.0)
    wait(lambda: tokens.role(token) == Role.VIEWER, seconds=10)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"issuer": "http://issuer.example"}, "issuer: .*no URL with https"),
        ({"issuer": "file:///etc"}, "issuer: .*no URL with https"),
        ({"audience": ""}, "audience: "),
        ({"roles": {"x": "owner"}}, r"roles\.x: .*'viewer', 'engineer' or 'admin'"),
        ({"roles": {}}, "roles: "),
        ({"secret": "x"}, "secret: "),
    ],
)
def test_a_file_that_is_not_possible_is_said(
    issuer: OidcIssuer, tmp_path: Path, other: dict[str, Any], message: str
) -> None:
    settings = Settings(home=tmp_path, oidc=issuer.file(tmp_path, **other))
    with pytest.raises(UsageError, match=rf"PITWALL_OIDC: .*oidc\.json: {message}"):
        Tokens(settings)


def test_a_file_that_is_missing_or_no_json_is_said(tmp_path: Path) -> None:
    path = tmp_path / "oidc.json"
    with pytest.raises(UsageError, match=r"oidc\.json cannot be read \(No such file"):
        Tokens(Settings(home=tmp_path, oidc=path))
    path.write_text(json.dumps([]))
    with pytest.raises(UsageError, match=r"the file: .*docs/security\.md"):
        Tokens(Settings(home=tmp_path, oidc=path))
