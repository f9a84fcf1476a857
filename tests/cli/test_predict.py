"""`predict` waits for an endpoint that loads its models, and for no other reason."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pitwall.cli import serving


def client(*answers: tuple[int, dict[str, Any]]) -> httpx.Client:
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        status, body = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(status, json=body)

    return httpx.Client(transport=httpx.MockTransport(answer))


def refused(code: str) -> tuple[int, dict[str, Any]]:
    return 503, {"error": {"code": code, "message": "the models are being loaded"}}


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that goes on as often as the command waits."""
    clock = [0.0]
    monkeypatch.setattr(serving.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(
        serving.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds)
    )
    return clock


def test_an_endpoint_that_loads_its_models_is_asked_again(now: list[float]) -> None:
    steps: list[str] = []
    answer = serving.ask(
        client(refused("not_ready"), refused("not_ready"), (200, {"value": 1.5})),
        "http://endpoint/predict",
        {},
        lambda text, share: steps.append(text),
    )
    assert answer.json() == {"value": 1.5} and now == [2.0]
    assert steps == ["the endpoint is not ready yet: the models are being loaded"] * 2


@pytest.mark.parametrize(
    ("code", "waited_s"), [("not_ready", 121.0), ("store_unavailable", 0.0), ("outbox_full", 0.0)]
)
def test_it_does_not_wait_for_ever_nor_for_another_reason(
    now: list[float], code: str, waited_s: float
) -> None:
    answer = serving.ask(client(refused(code)), "http://endpoint/predict", {}, lambda *step: None)
    assert answer.status_code == 503 and now == [waited_s]
