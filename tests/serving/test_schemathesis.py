"""Requests that Schemathesis makes of the endpoint's description, without servers.

    SCHEMATHESIS_EXAMPLES=2000 ./pitwall test -k in_this_process

makes more of them, for each operation.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as rules
from one_model import Outbox, Registry, Schemas, model
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pitwall.serving.app import create_app
from pitwall.serving.parts import Parts
from pitwall.settings import Settings

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "40"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


class Models(Registry):
    """A registry with one model, which can be listed and looked at again."""

    def serving(self) -> list[Any]:
        return [self._model]

    def refresh(self) -> None: ...

    def champions(self) -> dict[str, int]:
        return {"m": 1}


class Sent(Outbox):
    """An outbox in which nothing waits."""

    def waiting(self) -> int:
        return 0

    def refused(self) -> int:
        return 0


class Reader:
    """An online store without rows."""

    view = "features"
    ttl = timedelta(0)

    def read(self, *_: Any) -> None: ...

    async def read_async(self, vehicle: str, session: str, names: tuple[str, ...]) -> None:
        return None


def ask(app: Any, token: str, examples: int) -> dict[str, int]:
    """Ask every operation that the application describes; gives answers by operation and status."""
    seen: dict[str, int] = {}
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    for found in schema.get_all_operations():
        operation = found.ok()

        @rules(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def one(case: Any) -> None:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
            response = case.call()
            case.validate_response(response, checks=CHECKS)
            key = f"{case.method} {case.path} {response.status_code}"
            seen[key] = seen.get(key, 0) + 1

        one()
    return seen


def test_no_request_breaks_the_endpoint_in_this_process(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, rate_limit=1e9)
    parts = Parts(settings)
    parts._made |= {"registry": Models(model()), "reader": Reader(), "outbox": Sent()}
    parts._made["schemas"] = Schemas()
    parts.fetch()
    app = create_app(settings, parts)
    seen = ask(app, settings.secret("admin_token").get_secret_value(), EXAMPLES)
    operations = {key.rpartition(" ")[0] for key in seen}
    assert {"POST /predict", "POST /predict/batch", "GET /models", "POST /refresh"} <= operations
    assert sum(seen.values()) >= EXAMPLES
