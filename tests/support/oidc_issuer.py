"""An OIDC issuer of the tests' own on 127.0.0.1, which signs what it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from pitwall.machine.roles import Role


class OidcIssuer:
    """Answers with its configuration and keys. `rotate` makes a new key, which signs from then on.

    Its persons have a role of ours by the group `team-<role>`.
    """

    def __init__(self) -> None:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(issuer.says(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/realms/team"
        self.asked: list[str] = []
        self.keys: list[rsa.RSAPrivateKey] = []
        self.rotate()

    def rotate(self) -> None:
        self.keys.append(rsa.generate_private_key(65537, 2048))

    def public(self, number: int) -> dict[str, Any]:
        key: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(
            self.keys[number].public_key(), as_dict=True
        )
        return {**key, "kid": f"key-{number}", "use": "sig", "alg": "RS256"}

    def says(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        if path.endswith("/.well-known/openid-configuration"):
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        return {"keys": [self.public(number) for number in range(len(self.keys))]}

    def claims(self, role: Role) -> dict[str, Any]:
        now = int(time.time())
        groups = ["everybody", f"team-{role.name.lower()}"]
        return {"iss": self.url, "aud": "pitwall", "iat": now, "exp": now + 300, "groups": groups}

    def token(self, role: Role, **other: Any) -> str:
        """A token of a person with this role, with other claims; None leaves a claim out."""
        claims = {k: v for k, v in {**self.claims(role), **other}.items() if v is not None}
        number = len(self.keys) - 1
        return jwt.encode(claims, self.keys[number], "RS256", {"kid": f"key-{number}"})

    def file(self, folder: Path, **other: Any) -> Path:
        """The file for `PITWALL_OIDC`."""
        roles = {f"team-{role.name.lower()}": role.name.lower() for role in Role if role}
        said = {"issuer": self.url, "audience": "pitwall", "claim": "groups", "roles": roles}
        path = folder / "oidc.json"
        path.write_text(json.dumps({**said, **other}))
        return path


@contextmanager
def oidc_issuer() -> Iterator[OidcIssuer]:
    issuer = OidcIssuer()
    thread = threading.Thread(target=issuer.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        issuer.server.shutdown()
        issuer.server.server_close()
        thread.join()
