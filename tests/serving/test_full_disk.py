"""A disk that is full or stands still: a request has its answer or a code, and nothing doubles."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from one_model import INPUTS, Registry, Schemas, model
from waiting import wait

from pitwall.serving import outbox as outbox_module
from pitwall.serving.app import create_app
from pitwall.serving.delivery import Outcome
from pitwall.serving.outbox import Outbox
from pitwall.serving.parts import Parts
from pitwall.settings import Settings

QUESTION = {"model": "m", "features": dict.fromkeys(INPUTS, 0.5)}


class Kafka:
    """Takes every message, unless it is away, and remembers its number."""

    def __init__(self) -> None:
        self.away = True
        self.taken: list[int] = []

    def send(self, messages: list[Any]) -> Outcome:
        if self.away:
            return Outcome(away=True)
        numbers = [message[0] for message in messages]
        self.taken += numbers
        return Outcome(taken=numbers)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    made = Kafka()
    monkeypatch.setattr(outbox_module, "Delivery", lambda settings: made)
    return made


@pytest.fixture
def outbox(tmp_path: Path, kafka: Kafka) -> Iterator[Outbox]:
    kept = Outbox(Settings(home=tmp_path))
    yield kept
    kept.close()


@pytest.fixture
def endpoint(tmp_path: Path, outbox: Outbox) -> Any:
    settings = Settings(home=tmp_path)
    parts = Parts(settings)
    parts._made |= {"registry": Registry(model()), "reader": SimpleNamespace(), "outbox": outbox}
    parts._made["schemas"] = Schemas()
    parts.fetch()
    token = settings.secret("token").get_secret_value()
    return lambda: httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(settings, parts)),
        base_url="http://test",
        headers={"Authorization": f"Bearer {token}"},
    )


def other(outbox: Outbox) -> sqlite3.Connection:
    """A connection of another thread to the outbox's file."""
    return sqlite3.connect(outbox._path, isolation_level=None, timeout=10)


def code(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    return answer.status_code, body["error"]["code"] if "error" in body else ""


def test_on_a_full_disk_a_question_is_refused_and_later_answered(
    endpoint: Any, outbox: Outbox
) -> None:
    pages = outbox._in.execute("PRAGMA page_count").fetchone()[0]
    outbox._in.execute(f"PRAGMA max_page_count = {pages}")

    async def ask() -> tuple[tuple[int, str], list[Any], tuple[int, str]]:
        async with endpoint() as client:
            refused = (200, "")
            while refused[0] == 200:  # a page that is not full yet takes some
                refused = code(await client.post("/predict", json=QUESTION))
            batch = await client.post("/predict/batch", json={"questions": [QUESTION] * 3})
            outbox._in.execute("PRAGMA max_page_count = 1000000")
            return refused, [code(batch)], code(await client.post("/predict", json=QUESTION))

    assert asyncio.run(ask()) == ((503, "outbox_full"), [(503, "outbox_full")], (200, ""))


def test_while_the_sender_waits_for_the_disk_the_loop_goes_on(
    endpoint: Any, outbox: Outbox
) -> None:
    """The answer comes once the sender is done; on the loop, waiting for it would end nothing."""
    sender = other(outbox)
    sender.execute("BEGIN IMMEDIATE")

    async def ask() -> tuple[bool, int, int, tuple[int, str]]:
        async with endpoint() as client:
            asked = asyncio.create_task(client.post("/predict", json=QUESTION))
            gone = asyncio.create_task(client.post("/predict", json=QUESTION))
            while len(outbox._together) < 2:
                await asyncio.sleep(0.001)
            gone.cancel()
            api = await client.get("/openapi.json")
            early = asked.done()
            sender.execute("ROLLBACK")
            answer = await asked
            return early, api.status_code, outbox.waiting(), code(answer)

    # Of the client that went away nothing is kept.
    assert asyncio.run(ask()) == (False, 200, 1, (200, ""))


def test_a_disk_that_stands_still_for_long_is_a_code(
    endpoint: Any, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "MOST_BUSY_S", 0.05)
    sender = other(outbox)
    sender.execute("BEGIN IMMEDIATE")

    async def ask() -> httpx.Response:
        async with endpoint() as client:
            answer: httpx.Response = await client.post("/predict", json=QUESTION)
            return answer

    assert code(asyncio.run(ask())) == (503, "outbox_full")
    sender.execute("ROLLBACK")
    assert code(asyncio.run(ask())) == (200, "")


def test_what_cannot_be_deleted_is_not_sent_again(
    endpoint: Any, outbox: Outbox, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "RETRY_S", 0.01)
    disk = other(outbox)
    disk.execute(
        "CREATE TRIGGER full BEFORE DELETE ON outbox "
        "BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
    )
    tries = 0
    forget = outbox._forget

    def counted(out: sqlite3.Connection) -> None:
        nonlocal tries
        tries += 1
        forget(out)

    monkeypatch.setattr(outbox, "_forget", counted)

    async def ask() -> int:
        async with endpoint() as client:
            return int((await client.post("/predict", json=QUESTION)).status_code)

    kafka.away = False
    assert asyncio.run(ask()) == 200
    wait(lambda: tries > 3, seconds=30)
    assert kafka.taken == [1] and outbox.waiting() == 1
    disk.execute("DROP TRIGGER full")
    wait(lambda: outbox.waiting() == 0, seconds=30)
    assert kafka.taken == [1]
