"""The errors of the endpoint: an HTTP status, a code of its own, and a message with the remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from reprlib import Repr
from typing import Any, Literal

from fastapi.responses import JSONResponse

Code = Literal[
    "unauthorized",
    "forbidden",
    "rate_limited",
    "too_large",
    "timeout",
    "wrong_type",
    "unknown_model",
    "unknown_entity",
    "unknown_feature",
    "missing_features",
    "no_value",
    "stale_features",
    "time_passed",
    "definitions_changed",
    "other_circuit",
    "not_ready",
    "store_unavailable",
    "outbox_full",
]
CODES: dict[int, str] = {
    401: "unauthorized: there is no token, or an unknown one",
    403: "forbidden: the token's role does not suffice",
    404: "unknown_model, unknown_entity: no champion has that name, or the store has no features "
    "of that car and session",
    409: "stale_features: the features are older than the limit; time_passed: the car has driven "
    "on, and the offline store does not know that instant yet; definitions_changed: the job "
    "computes an input by another definition than the model learned from; other_circuit: the model "
    "learned from another circuit than the session's",
    413: "too_large: the body is too long",
    422: "wrong_type: the question is malformed; unknown_feature, missing_features: the features "
    "do not fit the model; no_value: the model gives no finite value",
    429: "rate_limited: ask again after `Retry-After` seconds",
    503: "not_ready: models or store are not there yet; store_unavailable: Cassandra did not "
    "answer; outbox_full: the prediction could not be kept",
    504: "timeout: no answer in time",
}
"""What each status means, for the OpenAPI description."""


SHORT = Repr()
"""Shows the beginning of a value, however large or deep it is."""
SHORT.maxother = SHORT.maxstring = SHORT.maxlong = 80


class Problem(Exception):
    """A question that is refused. `retry_s` says after how many seconds to ask again."""

    def __init__(
        self,
        status: int,
        code: Code,
        message: str,
        retry_s: float | None = None,
        features: list[str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_s = retry_s
        self.features = features

    def body(self) -> dict[str, Any]:
        """The problem as the body of an answer holds it."""
        return {"code": self.code, "message": self.message, "features": self.features or []}


def wrong_type(place: Sequence[int | str], error: Mapping[str, Any]) -> Problem:
    """The refusal of a malformed question, of pydantic's first error and the place it names."""
    where = ".".join(map(str, place))[:200] or "body"
    given = SHORT.repr(error.get("input"))
    return Problem(422, "wrong_type", f"{where}: {error['msg'][:200]} (given: {given})")


def problem_response(problem: Problem) -> JSONResponse:
    """The HTTP answer to a question that is refused."""
    headers = {}
    if problem.retry_s is not None:
        headers["Retry-After"] = str(max(1, round(problem.retry_s)))
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": problem.body()}, problem.status, headers)
