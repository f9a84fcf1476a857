"""Which rows are scored, what is kept for Kafka, what is let in."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from pitwall.serving.limits import Rate
from pitwall.serving.outbox import Outbox
from pitwall.serving.prediction import Prediction
from pitwall.serving.sampler import Sampler
from pitwall.settings import Settings

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "prediction.schema.json").read_text())


def prediction(session: str = "s") -> Prediction:
    return Prediction(
        "lap_time", 3, "car", session, "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z", 1.5, 1.0, 2.0, "s", "lap_v1", "d", "stream"
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
    again = [tick for tick in range(100) if sampler.take("car", "s", tick * 20_000, 10_000_000 + tick * 20_000)]
    assert again == list(range(0, 100, 5))


@given(st.lists(st.integers(0, 400_000), min_size=1, max_size=60), st.integers(0, 59))
def test_a_worker_that_takes_over_with_the_rows_before_takes_the_same(gaps: list[int], at: int) -> None:
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
    assert names == {"ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "content-type"}


def test_a_client_that_asks_too_often_is_told_when_to_come_again() -> None:
    rate = Rate(10)
    waits = [rate.take("a") for _ in range(30)]
    assert waits[:20] == [0.0] * 20 and 0 < waits[-1] <= 0.1
    assert rate.take("b") == 0
