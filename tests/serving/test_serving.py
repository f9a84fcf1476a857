"""Which rows are scored, what is kept for Kafka, what is let in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args
from unittest import mock

import httpx
import jsonschema
import numpy as np
import pytest
from damage import Message
from hypothesis import given
from hypothesis import strategies as st
from paths import ROOT
from prometheus_client import CollectorRegistry
from served import feature_record

from pitwall.errors import ModelError, UsageError
from pitwall.features.topic import FeatureRow, FeatureRows
from pitwall.models.circuit import Circuit
from pitwall.page.data.intake import Intake
from pitwall.page.data.session import LiveSession
from pitwall.page.data.watch import Watch
from pitwall.serving.answers import Question
from pitwall.serving.app import create_app
from pitwall.serving.limits import Rate
from pitwall.serving.listen import options, trust
from pitwall.serving.outbox import Outbox
from pitwall.serving.prediction import Prediction
from pitwall.serving.problems import Code
from pitwall.serving.sampler import Sampler
from pitwall.serving.scorer_state import ScorerState
from pitwall.serving.scoring import Unfit, usable
from pitwall.settings import Settings

SCHEMA = json.loads((ROOT / "docs" / "prediction.schema.json").read_text())


def prediction(session: str = "s") -> Prediction:
    return Prediction(
        "lap_time",
        3,
        "car",
        session,
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T00:00:01.000Z",
        1.5,
        1.0,
        2.0,
        "s",
        "lap_v1",
        "d",
        "stream",
    )


def test_one_row_a_slot_and_a_row_sent_again_never() -> None:
    sampler = Sampler(10)
    taken = [tick for tick in range(100) if sampler.take("car", "s", tick * 20_000, tick * 20_000)]
    assert taken == list(range(0, 100, 5))
    assert not any(sampler.take("car", "s", tick * 20_000, tick * 20_000) for tick in range(100))
    assert sampler.take("car", "other", 7, 7)


def test_a_session_that_begins_anew_is_scored_anew() -> None:
    sampler = Sampler(10)
    for tick in range(100):
        sampler.take("car", "s", tick * 20_000, tick * 20_000)
    again = [
        tick
        for tick in range(100)
        if sampler.take("car", "s", tick * 20_000, 10_000_000 + tick * 20_000)
    ]
    assert again == list(range(0, 100, 5))


@given(st.lists(st.integers(0, 400_000), min_size=1, max_size=60), st.integers(0, 59))
def test_a_worker_that_takes_over_with_the_rows_before_takes_the_same(
    gaps: list[int], at: int
) -> None:
    times = [sum(gaps[: i + 1]) + i for i in range(len(gaps))]
    one = Sampler(10)
    whole = [one.take("car", "s", t, t) for t in times]
    two = Sampler(10)
    assert [two.take("car", "s", t, t) for t in times][at:] == whole[at:]


def test_what_kafka_has_not_taken_outlives_the_process(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, kafka_port=1)
    first = Outbox(settings)
    ids = first.put([prediction(), prediction("t")], [])
    assert first.waiting() == 2 and len(set(ids)) == 2
    second = Outbox(settings)
    assert second.waiting() == 2


def test_messages_keep_to_the_schema_and_readers_ignore_what_they_do_not_know() -> None:
    value = json.loads(prediction().message("0" * 40))
    jsonschema.validate(value, SCHEMA)
    jsonschema.validate({**value, "new": 1}, SCHEMA)
    names = {name for name, _ in prediction().headers("x")}
    assert names == {
        "ce_specversion",
        "ce_id",
        "ce_type",
        "ce_source",
        "ce_subject",
        "ce_time",
        "ce_traceparent",
        "content-type",
    }


def test_a_client_that_asks_too_often_is_told_when_to_come_again() -> None:
    rate = Rate(10)
    waits = [rate.take("a") for _ in range(30)]
    assert waits[:20] == [0.0] * 20 and 0 < waits[-1] <= 0.1
    assert rate.take("b") == 0


def test_a_refused_version_is_taken_once_it_can_be_read_and_forgotten_when_the_alias_goes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pitwall.serving import registry

    class One(registry.Registry):
        def __init__(self) -> None:
            self._loaded, self._again, self.refused, self.withdrawn = {}, {}, {}, {}
            self.away = False

        def _load(self, name: str, number: int, role: str) -> Any:
            if self.away:
                raise OSError("the model store is away")
            return SimpleNamespace(version=number, name=name, role=role)

    now = [0.0]
    monkeypatch.setattr(registry.time, "monotonic", lambda: now[0])
    one, key = One(), ("m", "champion")

    def take(version: int) -> tuple[int, dict[tuple[str, str], int]]:
        one._take(key, version)
        return one.get("m").version, one.refused

    assert take(1) == (1, {})
    one.away = True
    assert take(2) == (1, {key: 2})
    assert take(1) == (1, {})
    assert take(2) == (1, {key: 2})
    one.away = False
    assert take(2) == (1, {key: 2})
    now[0] += registry.REFUSED_S + 1
    assert take(2) == (2, {})


def test_what_has_no_alias_is_withdrawn_and_a_new_task_is_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from pitwall.serving import registry
    from pitwall.serving.metrics import Versions

    aliases: dict[str, dict[str, int]] = {"old": {"champion": 1, "challenger": 2}}
    names = ["old"]

    class One(registry.Registry):
        def __init__(self) -> None:
            self._loaded, self._again, self.refused, self.withdrawn = {}, {}, {}, {}
            self._names = lambda: names

        def _aliases(self) -> dict[str, dict[str, int]]:
            return aliases

        def _load(self, name: str, number: int, role: str) -> Any:
            return SimpleNamespace(version=number, name=name, role=role)

    one = One()
    one.refresh()
    assert one.champions() == {"old": 1} and len(one.serving()) == 2
    names.append("new")
    aliases["new"] = {"champion": 3}
    one.refresh()
    assert one.champions() == {"old": 1, "new": 3}
    del aliases["old"]["champion"]
    one.refresh()
    assert one.champions() == {"new": 3} and not [m for m in one.serving() if m.name == "old"]
    assert "version 1 of old is withdrawn: its alias `champion` is gone" in caplog.text
    metrics = {metric.name: metric.samples for metric in Versions(lambda: one).collect()}
    (sample,) = metrics["pitwall_model_withdrawn_version"]
    assert (sample.labels, sample.value) == ({"model": "old"}, 1)
    with pytest.raises(ModelError, match="'old' has no champion"):
        one.get("old")
    aliases["old"]["champion"] = 4
    one.refresh()
    assert one.champions() == {"old": 4, "new": 3} and not one.withdrawn
    del names[0]
    one.refresh()
    assert one.champions() == {"new": 3} and "its task file is gone" in caplog.text


class Endpoint:
    """The endpoint without its servers, asked in this process; with the client's default token."""

    def __init__(self, tmp_path: Path, **values: Any) -> None:
        settings = Settings(home=tmp_path, **values)
        self._app = create_app(settings)
        self._headers = {"Authorization": f"Bearer {settings.secret('token').get_secret_value()}"}

    def __call__(
        self, method: str, path: str, headers: dict[str, Any] | None = None, **more: Any
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(self._app), base_url="http://test"
            ) as client:
                return await client.request(
                    method, path, headers={**self._headers, **(headers or {})}, **more
                )

        return asyncio.run(ask())


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def test_rate_and_scopes_over_http(tmp_path: Path) -> None:
    ask = Endpoint(tmp_path, rate_limit=3)
    answers = [ask("POST", "/predict", json={}) for _ in range(10)]
    assert {answer.status_code for answer in answers[:6]} == {422}
    assert (
        answers[-1].status_code == 429
        and answers[-1].json()["error"]["code"] == "rate_limited"
        and int(answers[-1].headers["Retry-After"]) >= 1
    )
    assert ask("POST", "/refresh").json()["error"]["code"] == "forbidden"
    for credentials in ("Basic", "Bearer wrong", "Bearer", "Bearer ä"):
        refused = ask(
            "POST", "/predict", json={}, headers={"Authorization": credentials.encode("latin-1")}
        )
        assert refused.status_code == 401 and refused.headers["WWW-Authenticate"] == "Bearer", (
            credentials
        )
    admin = Settings(home=tmp_path).secret("admin_token").get_secret_value()
    assert (
        Endpoint(tmp_path)(
            "POST", "/predict", json={}, headers={"Authorization": f"Bearer {admin}"}
        ).status_code
        == 422
    )


def test_a_body_is_bounded_in_size_also_when_it_does_not_tell_it(tmp_path: Path) -> None:
    ask = Endpoint(tmp_path, max_body_bytes=1000)
    for content in (b"x" * 1001, in_pieces(b"x" * 600, b"x" * 600)):
        answer = ask("POST", "/predict", content=content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_a_request_that_does_not_come_to_its_end_is_given_up(tmp_path: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    answer = Endpoint(tmp_path, request_timeout_s=0.1)("POST", "/predict", content=slow())
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")


def test_the_openapi_shows_examples_and_every_error(tmp_path: Path) -> None:
    api = Endpoint(tmp_path)("GET", "/openapi.json").json()
    question = api["components"]["schemas"]["Question"]
    for example in question["examples"]:
        Question(**example)
    assert len(question["examples"]) >= 3
    assert {"401", "404", "409", "413", "422", "429", "503", "504"} <= set(
        api["paths"]["/predict"]["post"]["responses"]
    )
    page = (ROOT / "docs" / "predictions.md").read_text()
    assert not [code for code in get_args(Code) if f"`{code}`" not in page]


def test_the_page_of_the_api_asks_no_other_server(tmp_path: Path) -> None:
    endpoint = Endpoint(tmp_path)
    page = endpoint("GET", "/docs").text
    assert not re.search(r"(src|href)=.?https?:", page)
    files = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    assert len(files) == 2
    assert [endpoint("GET", file).status_code for file in files] == [200, 200]


def test_tls_files_that_are_no_pair_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "one.pem").write_text("no certificate")
    for values in (
        {"serving_certificate": tmp_path / "none.pem"},
        {"serving_certificate": tmp_path / "one.pem"},
        {"serving_key": tmp_path / "one.pem"},
    ):
        with pytest.raises(UsageError, match=r"PITWALL_SERVING_(CERTIFICATE|KEY)"):
            options(Settings(**values))
    with pytest.raises(UsageError, match="PEM"):
        options(
            Settings(serving_certificate=tmp_path / "one.pem", serving_key=tmp_path / "one.pem")
        )
    with pytest.raises(UsageError, match="PITWALL_SERVING_CA"):
        trust(Settings(serving_ca=tmp_path / "one.pem"))


def test_readers_of_yesterday_read_messages_of_tomorrow() -> None:
    """The page's reader and the documented schema, given fields they do not know."""
    value = {**json.loads(prediction().message("0" * 40)), "tyre": "soft", "nested": {"new": [1]}}
    jsonschema.validate(value, SCHEMA)
    settings = Settings()
    intake = Intake(FeatureRows(settings), "predictions", {}, Watch(settings))
    session = LiveSession("car", "s", "car_state", ("session_time",))
    session.epoch_us = 1_767_225_600_000_000
    intake.sessions["car", "s"] = session
    intake.take([Message("predictions", json.dumps(value).encode())], 0.0)  # type: ignore[list-item]
    assert [p.value for p in session.predictions["lap_time"]] == [1.5]


def test_a_shadow_that_fails_costs_the_champion_nothing() -> None:
    from pitwall.serving import scorer

    sent: list[str] = []

    class One(scorer.Scorer):
        def __init__(self, models: list[Any]) -> None:
            self._settings, self._ends, self._consumer = Settings(), {0: 1}, mock.MagicMock()
            self._producer = mock.MagicMock()
            self._producer.produce.side_effect = lambda topic, value, key, headers: sent.append(
                topic
            )
            self._registry = SimpleNamespace(serving=lambda: models)  # type: ignore[assignment]
            self._state = ScorerState(FeatureRows(self._settings), self._registry)

    def model(role: str, values: Any) -> Any:
        return SimpleNamespace(
            name="m",
            version=1,
            unit="s",
            feature_service="f",
            definitions="d",
            meanings={"speed": "as learned"},
            inputs=("speed",),
            circuit=None,
            role=role,
            values=values,
        )

    def fails(rows: Any) -> Any:
        raise ValueError("not these")

    row = FeatureRow("car_state", "car", "s", 0, 0, ("speed",), np.array([1.0]))
    one = One(
        [model("champion", lambda rows: [(1.0, 0.5, 1.5)] * len(rows)), model("shadow", fails)]
    )
    one._commit([row, row])
    assert sorted(sent) == ["p424-predictions"] * 2 + ["p424-served"] * 2
    assert one._producer.commit_transaction.called and not one._ends  # type: ignore[attr-defined]


def test_a_row_without_an_input_or_with_another_meaning_is_not_scored() -> None:
    """A null is a value; a missing column and another definition are not what was learned."""
    model: Any = SimpleNamespace(
        **{"name": "m", "version": 2, "inputs": ("speed",), "meanings": {"speed": "as learned"}},
        circuit=None,
    )

    def row(names: tuple[str, ...], meanings: tuple[str, ...] = ()) -> FeatureRow:
        return FeatureRow("v", "car", "s", 0, 0, names, np.full(len(names), np.nan), meanings)

    rows = [
        row(("speed",)),
        row(("speed", "brake"), ("as learned", "anything")),
        row(("brake",)),
        row(("speed",), ("another",)),
        row(("speed",), ("another",)),
    ]
    told: list[Unfit] = []
    kept, matrix = usable(rows, model, told.append)
    assert kept == rows[:2] and matrix.shape == (2, 1) and np.isnan(matrix).all()
    assert [(unfit.rows, unfit.cause) for unfit in told] == [(1, "input"), (2, "definitions")]
    state = ScorerState(FeatureRows(Settings()), SimpleNamespace())  # type: ignore[arg-type]
    state._metrics = CollectorRegistry()
    state._metrics.register(state)
    for unfit in told:
        state.unfit(model, unfit)
    _, _, text = state.answer("/metrics")
    line = 'pitwall_rows_not_scored_total{cause="definitions",model="m",version="2"} 2.0'
    assert line in text.decode()
    assert state.answer("/health")[0] == 200
    state.pulse.fail(ValueError("a fault"))
    assert state.answer("/health")[0] == 503


def test_a_row_of_another_circuit_is_not_scored() -> None:
    model: Any = SimpleNamespace(
        **{"name": "m", "version": 2, "inputs": ("speed",), "meanings": {}},
        circuit=Circuit(4000.0, "home", ("lap_distance", "lap_fraction")),
    )
    names = ("speed", "lap_distance", "lap_fraction")

    def row(session: str, distance_m: float, fraction: float) -> FeatureRow:
        return FeatureRow("v", "car", session, 0, 0, names, np.array([1.0, distance_m, fraction]))

    nan = float("nan")
    rows = [
        row("first lap", 3999.0, nan),
        row("same", 2000.0, 2000 / 4050),
        row("shorter", 1000.0, 0.5),
        row("longer", 1000.0, 0.1),
        row("beyond", 4081.0, nan),
        row("past the last lap's end", 3000.0, 1.0),
        FeatureRow("v", "car", "no lap", 0, 0, ("speed",), np.array([1.0])),
    ]
    told: list[Unfit] = []
    kept, matrix = usable(rows, model, told.append)
    assert [row.session for row in kept] == [
        *("first lap", "same", "past the last lap's end", "no lap"),
    ]
    assert matrix.shape == (4, 1)
    assert [(unfit.rows, unfit.cause) for unfit in told] == [(3, "circuit")]
    assert "version 2 learned from circuit home (4,000 m)" in told[0].reason


def test_a_row_that_cannot_be_scored_leaves_its_slot_to_the_next() -> None:
    sampler = Sampler(10)
    assert sampler.take("car", "s", 0, 0)
    assert sampler.take("car", "s", 100_000, 100_000)
    sampler.give_back()
    assert sampler.take("car", "s", 120_000, 120_000)
    assert not sampler.take("car", "s", 140_000, 140_000)
    assert sampler.take("car", "new", 0, 0)
    sampler.give_back()
    assert sampler.take("car", "new", 20_000, 20_000)


def test_the_head_of_a_record_is_what_its_row_says() -> None:
    settings = Settings()
    rows = FeatureRows(settings, "car_state", "test")
    key, value = feature_record(settings, "20260101-000000-head", 40_000, 7)
    good = SimpleNamespace(
        error=lambda: None,
        value=lambda: value,
        key=lambda: key,
        topic=lambda: "t",
        partition=lambda: 0,
        offset=lambda: 0,
    )
    row, head = rows.one(good), rows.head(good)
    assert row is not None and head is not None
    assert head[1:] == (row.vehicle, row.session, row.event_us, row.created_us)
    assert (head.columns.view, head.columns.names) == (row.view, row.names)
    for damaged in (
        value[:30],
        b"",
        value[:-20] + b"\xff" * 20,
        value[:8] + b"\x7f" * 8 + value[16:],
    ):
        bad = SimpleNamespace(**{**vars(good), "value": lambda damaged=damaged: damaged})
        before = rows.unreadable.total
        assert rows.head(bad) is None
        assert rows.unreadable.total == before + 1
