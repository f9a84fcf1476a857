"""Nothing that takes long runs on the endpoint's event loop, and no question holds up another."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from loop_watch import busiest
from one_model import INPUTS, Outbox, Registry, Schemas, model

from pitwall.serving.app import create_app
from pitwall.serving.parts import Parts
from pitwall.serving.registry import Model
from pitwall.settings import Settings

MOST_S = 0.03
"""CPU time of one callback; a machine under load takes up to three times as long as an idle one."""


class Endpoint:
    """The endpoint in this process, with one model and without servers."""

    def __init__(self, folder: Path, served: Model) -> None:
        settings = Settings(home=folder, request_timeout_s=300)
        parts = Parts(settings)
        parts._made |= {"registry": Registry(served), "reader": object(), "outbox": Outbox()}
        parts._made["schemas"] = Schemas()
        parts.fetch()
        token = settings.secret("token").get_secret_value()
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(settings, parts)),
            base_url="http://test",
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            timeout=300,
        )


def question(**more: Any) -> dict[str, Any]:
    return {"model": "m", "features": dict.fromkeys(INPUTS, 0.5), **more}


@pytest.mark.parametrize("explain", [True, False])
def test_a_thousand_questions_leave_the_loop_free(tmp_path: Path, explain: bool) -> None:
    body = json.dumps({"questions": [question(explain=explain)] * 1000}).encode()

    endpoint = Endpoint(tmp_path, model())

    async def ask() -> tuple[httpx.Response, dict[str, float]]:
        async with endpoint.client as client:
            await client.post("/predict/batch", json={"questions": [question()]})
            with busiest() as busy:
                return await client.post("/predict/batch", content=body), busy

    answer, busy = asyncio.run(ask())
    answers = answer.json()["answers"]
    assert len(answers) == 1000 and all("value" in one for one in answers)
    assert (answers[0]["contributions"] is not None) == explain
    assert max(busy.values(), default=0) < MOST_S, busy


@pytest.mark.parametrize("more", [{"explain": True}, {}])
def test_others_are_answered_while_a_slow_model_thinks(tmp_path: Path, more: Any) -> None:
    """The model goes on once another question is answered; on the loop it never would."""
    go_on = threading.Event()

    class Slow:
        def predict_rows(self, rows: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                assert go_on.wait(250)
            return np.zeros(len(rows))

    async def ask() -> tuple[int, int]:
        slow = "explain" not in more
        async with Endpoint(tmp_path, model(rows=Slow(), slow=slow)).client as client:
            thinking = asyncio.create_task(client.post("/predict", json=question(**more)))
            await asyncio.sleep(0)
            other = await client.get("/models-that-are-not")
            go_on.set()
            return (await thinking).status_code, other.status_code

    assert asyncio.run(ask()) == (200, 404)


def test_an_explanation_is_the_same_row_by_row(tmp_path: Path) -> None:
    one = model()
    row = np.random.default_rng(1).normal(size=len(INPUTS))
    together = one.explain(row)
    expected = {}
    for number, name in enumerate(INPUTS):
        changed = row.copy()
        changed[number] = 0.0
        expected[name] = one._value(row) - one._value(changed)
    assert together == expected


@pytest.mark.parametrize("place", [0, 500, 999])
def test_one_malformed_of_a_thousand_costs_itself_alone(tmp_path: Path, place: int) -> None:
    questions = [question() for _ in range(1000)]
    questions[place] = question(features={"feature_0": "fast"})

    async def ask() -> httpx.Response:
        async with Endpoint(tmp_path, model()).client as client:
            return await client.post("/predict/batch", json={"questions": questions})

    answer = asyncio.run(ask())
    answers = answer.json()["answers"]
    assert (answer.status_code, len(answers)) == (200, 1000)
    assert [number for number, one in enumerate(answers) if "error" in one] == [place]
    assert answers[place]["error"]["code"] == "wrong_type"
    assert sum("value" in one for one in answers) == 999


def test_a_malformed_question_is_refused_alone_whatever_it_is(tmp_path: Path) -> None:
    bad: list[Any] = [
        *(question(features={"feature_0": value}) for value in (True, "40.2", [1.0], {})),
        *(None, "x", [], {}, 7, question(max_age_s=True), question(explain="yes")),
        question(colour="red"),
    ]
    deep: Any = 1.0
    for _ in range(400):
        deep = [deep]
    bad.append(question(features={"feature_0": deep}))

    async def ask() -> list[httpx.Response]:
        async with Endpoint(tmp_path, model()).client as client:
            return [
                await client.post("/predict/batch", json={"questions": [*bad, question()]}),
                await client.post("/predict", content=b"[" * 100_000),
                await client.post("/predict/batch", content=b"[" * 100_000),
                await client.post("/predict/batch", json={"questions": []}),
                await client.post("/predict", json=bad[-1]),
            ]

    batch, *refused = asyncio.run(ask())
    *codes, last = batch.json()["answers"]
    assert [one["error"]["code"] for one in codes] == ["wrong_type"] * len(bad)
    assert "questions.1.features.feature_0" in codes[1]["error"]["message"]
    assert "given: '40.2'" in codes[1]["error"]["message"] and "value" in last
    for answer in refused:
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "wrong_type")
