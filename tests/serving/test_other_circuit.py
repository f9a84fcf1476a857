"""A champion does not answer for a session on another circuit than the one it learned from."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from one_model import INPUTS, Outbox, Registry, Schemas, model

from pitwall.models.circuit import Circuit
from pitwall.serving.app import create_app
from pitwall.serving.parts import Parts
from pitwall.serving.reader import Vector
from pitwall.settings import Settings

TOLD = ("lap_distance", "lap_fraction")


class Reader:
    """The online store with one row, whose features are all 0.5 but those of `told`."""

    view = "car_state"
    ttl = None

    def __init__(self, **told: float | None) -> None:
        self._told = told
        self.asked: tuple[str, ...] = ()

    async def read_async(self, vehicle: str, session: str, names: tuple[str, ...]) -> Vector:
        self.asked = names
        now = datetime.now(UTC)
        return Vector(now, now, [self._told.get(name, 0.5) for name in names])


def ask(folder: Path, reader: Reader, circuit: Circuit | None) -> httpx.Response:
    settings = Settings(home=folder)
    parts = Parts(settings)
    served = model(circuit=circuit)
    parts._made |= {"registry": Registry(served), "reader": reader, "outbox": Outbox()}
    parts._made["schemas"] = Schemas()
    parts.fetch()
    token = settings.secret("token").get_secret_value()

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(settings, parts))
        headers = {"Authorization": f"Bearer {token}"}
        question: dict[str, Any] = {"model": "m", "vehicle": "car", "session": "s"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", headers=headers
        ) as client:
            return await client.post("/predict", json=question)

    return asyncio.run(post())


def test_a_session_of_the_models_circuit_is_answered(tmp_path: Path) -> None:
    reader = Reader(lap_distance=2000, lap_fraction=0.5)
    answer = ask(tmp_path, reader, Circuit(4000.0, "", TOLD))
    assert answer.status_code == 200, answer.text
    assert reader.asked == (*INPUTS, *TOLD)


@pytest.mark.parametrize(
    ("told", "length"),
    [
        ({"lap_distance": 2000.0, "lap_fraction": 0.2}, "10,000"),
        ({"lap_distance": 5000.0, "lap_fraction": None}, "5,000"),
        ({"lap_distance": 500.0, "lap_fraction": 0.5}, "1,000"),
    ],
)
def test_a_session_of_another_circuit_is_refused_with_a_code(
    tmp_path: Path, told: dict[str, float | None], length: str
) -> None:
    answer = ask(tmp_path, Reader(**told), Circuit(4000.0, "Home", TOLD))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "other_circuit")
    assert error["message"].startswith(
        f"the session's lap has at least {length} m, and m version 1 learned from circuit "
        "Home (4,000 m)"
    )


def test_a_version_that_names_no_circuit_is_asked_all_the_same(tmp_path: Path) -> None:
    reader = Reader(lap_distance=2000, lap_fraction=0.2)
    assert ask(tmp_path, reader, None).status_code == 200
    assert reader.asked == INPUTS
