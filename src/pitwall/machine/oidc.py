"""Tokens of an OIDC issuer (Keycloak, Entra ID, …): their claims name the roles of `machine.roles`.

`PITWALL_OIDC` is a JSON file with the fields of `Provider`. A token is a JWT that the issuer signed
for our audience. The issuer's keys are fetched in a thread of their own and kept, so that no
request waits for the issuer, and none fails while it is away.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pitwall.errors import UsageError
from pitwall.settings import Settings

LOG = logging.getLogger("pitwall.machine.oidc")
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures by a key pair. With a shared secret (HS256) who may check could also sign."""
FRESH_S = 300.0
"""Keys that are older are fetched again, beside the requests."""
KEPT_S = 86_400.0
"""Keys that could not be fetched again for so long do not count any more."""
AGAIN_S = 10.0
"""Keys are fetched at most so often, however many unknown ones the tokens name."""
ANSWER_S = 5.0
"""The issuer answers within so many seconds, or is away."""
LEEWAY_S = 10.0
"""So far the clocks of issuer and server may differ."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_CHARACTERS = 16_384
"""A longer token is not read."""


class Provider(BaseModel):
    """The file that `PITWALL_OIDC` names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    """The claim `iss` of its tokens; below it is `/.well-known/openid-configuration`."""
    audience: str = Field(min_length=1)
    """What the claim `aud` of our tokens holds."""
    claim: str = Field("roles", min_length=1)
    """The claim that holds a person's roles or groups; dots lead into it (`realm_access.roles`)."""
    roles: dict[str, Literal["viewer", "engineer", "admin"]] = Field(min_length=1)
    """Our role of each value of the claim; others count for nothing."""

    @field_validator("issuer")
    @classmethod
    def _is_secure(cls, url: str) -> str:
        return secure(url)


def secure(url: str) -> str:
    """The URL, if nobody on the way can change what it answers; else a `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise ValueError(f"{url!r} is no URL with https, which every host but this one needs")


class Issuer:
    """Checks tokens of one provider. Making one waits `ANSWER_S` at most for its keys."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_s = self._asked_s = float("-inf")
        self._lock = threading.Lock()
        if thread := self._ask():
            thread.join(2 * ANSWER_S)

    def roles(self, token: str) -> set[str]:
        """Names of the roles that the token gives: none if it is not valid. Does not block.

        A token that names an unknown key is refused until that key was fetched.
        """
        if token.count(".") != 2 or len(token) > MOST_CHARACTERS:
            return set()
        now = time.monotonic()
        try:
            key = self._keys.get(jwt.get_unverified_header(token).get("kid"))
            if key is None or now - self._fetched_s > FRESH_S:
                self._ask()
            if key is None or now - self._fetched_s > KEPT_S:
                return set()
            claims = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._provider.audience,
                issuer=self._provider.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return set()
        return {
            self._provider.roles[value]
            for value in _values(claims, self._provider.claim)
            if value in self._provider.roles
        }

    def _ask(self) -> threading.Thread | None:
        """Begin to fetch the keys, unless they were asked for a moment ago."""
        with self._lock:
            if time.monotonic() - self._asked_s < AGAIN_S:
                return None
            self._asked_s = time.monotonic()
        thread = threading.Thread(target=self._fetch, daemon=True, name="oidc keys")
        thread.start()
        return thread

    def _fetch(self) -> None:
        issuer = self._provider.issuer
        try:
            with httpx.Client(timeout=ANSWER_S) as client:
                place = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
                said = client.get(place).raise_for_status().json()
                if said["issuer"] != issuer:
                    raise ValueError(f"it calls itself {said['issuer']!r}")
                found = client.get(secure(said["jwks_uri"])).raise_for_status().json()
            keys = jwt.PyJWKSet.from_dict(found).keys
            # One exchange of the whole table: requests read it without a lock.
            self._keys = {
                key.key_id: key
                for key in keys
                if key.public_key_use in (None, "sig") and key.key_type != "oct"
            }
            self._fetched_s = time.monotonic()
        except (httpx.HTTPError, jwt.PyJWTError, ValueError, LookupError, TypeError) as error:
            LOG.warning(
                "the keys of the OIDC issuer %s cannot be fetched (%s); tokens that known keys "
                "signed count on, others are refused",
                issuer,
                error,
            )


def _values(claims: dict[str, Any], path: str) -> list[str]:
    """The texts at a claim: one, or those of a list. A claim with dots in its name comes first."""
    value: Any = claims.get(path)
    if value is None:
        value = claims
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def issuer(settings: Settings) -> Issuer | None:
    """The issuer of the settings, the same one for every part of a process; None without one.

    Raises `UsageError` for a file that cannot be read or says what is not possible.
    """
    return None if settings.oidc is None else _issuer(settings.oidc.absolute())


@lru_cache
def _issuer(path: Path) -> Issuer:
    try:
        provider = Provider.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"PITWALL_OIDC: {path} cannot be read ({error.strerror}); it is a JSON file, see "
            "docs/security.md"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(
            f"PITWALL_OIDC: {path}: {where}: {first['msg']}; docs/security.md shows an example"
        ) from error
    return Issuer(provider)
