"""No message stops a reader: each one that reads a topic in Python is given damaged messages.

The ordinary run gives each of the five readers 20,000 messages, 100,000 in all. To give each one
more, from another seed: `FUZZ_MESSAGES=100000 FUZZ_SEED=7 ./pitwall test --fast -k readers`.
"""

from __future__ import annotations

import json
import logging
import os
import random
import struct
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from damage import Message, any_bytes, damaged, json_object, packed_row
from served import VEHICLE

from pitwall.errors import WireError
from pitwall.features import load
from pitwall.features.topic import FeatureRows
from pitwall.kafka.unreadable import Unreadable
from pitwall.kafka.wire import iso
from pitwall.monitoring import bands
from pitwall.monitoring.calibration import WATCHED
from pitwall.monitoring.parity import Parity, count_vector
from pitwall.operations.archive_topics import _Archiver, _Partition
from pitwall.operations.dead_letters import PREFIX, dead_letter
from pitwall.page.data.intake import Intake
from pitwall.page.data.moment import Moment
from pitwall.page.data.watch import Watch
from pitwall.serving.prediction import Prediction, read_prediction
from pitwall.serving.sampler import Sampler
from pitwall.serving.scoring import predictions_of, usable
from pitwall.serving.served import Served, read_served
from pitwall.settings import Settings

SETTINGS = Settings()
COUNT = int(os.environ.get("FUZZ_MESSAGES", 20_000))
SEED = int(os.environ.get("FUZZ_SEED", 1))
START_US = 1_767_225_600_000_000
SESSIONS = 8
LAP_S, LAP_M = 90, 4000.0
FEATURES = load(SETTINGS.feature_repo)[-1]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> FeatureRows:
    """A reader of feature rows without Kafka: no schema is published."""
    rows = FeatureRows(SETTINGS, reader="test")
    monkeypatch.setattr(rows, "_read_schemas", lambda: None)
    return rows


def session_id(number: int) -> str:
    return f"20260101-00000{number % SESSIONS}-fuzz"


HEAD = bytes.fromhex(FEATURES.schema)[::-1]
VALUES = np.ones(len(FEATURES.names), "<f8")
LAP = ("session_time", "lap_number", "lap_time", "lap_distance", "lap_last_time")
PLACES = [FEATURES.names.index(name) for name in LAP]


def row(number: int) -> Message:
    """A row of one of the sessions; each drives laps of 4 km in 90 s, a row each second."""
    second = number // SESSIONS
    lap, time_s = divmod(second, LAP_S)
    values = VALUES.copy()
    values[PLACES] = (second, 1 + lap, time_s, time_s * LAP_M / LAP_S, LAP_S)
    times = struct.pack("<qq", *[START_US + second * 1_000_000] * 2)
    value = HEAD + times + values.tobytes() + VEHICLE.encode()
    return Message(SETTINGS.features_topic, value, session_id(number).encode())


def prediction(number: int) -> Message:
    second = number // SESSIONS
    time = iso(START_US + second * 1_000_000)
    made = Prediction(
        *("lap_time", 1, VEHICLE, session_id(number), time, time, 90.5, 89.0, 92.0, "s"),
        *("lap_v1", "d", "stream"),
    )
    return Message(SETTINGS.predictions_topic, made.message("0" * 40), b"s")


def vector(number: int) -> Message:
    served = Served(
        "lap_v1", "car_state", VEHICLE, session_id(number), START_US, ("speed",), [1.0], "stream"
    )
    return Message(SETTINGS.served_topic, served.message())


def damaged_rows(count: int = COUNT) -> Iterator[Message]:
    def damage(dice: random.Random) -> Message:
        good = row(dice.randrange(count))
        assert good.value_bytes is not None
        key = any_bytes(dice, b"session") if dice.random() < 0.1 else good.key_bytes
        value = packed_row(dice, good.value_bytes, len(FEATURES.names))
        return Message(good.topic_name, value, key)

    return damaged(count, SEED, damage, row)


def damaged_json(make: Any, count: int = COUNT) -> Iterator[Message]:
    def damage(dice: random.Random) -> Message:
        good = make(dice.randrange(count))
        return Message(good.topic_name, json_object(dice, good.value_bytes))

    return damaged(count, SEED, damage, make)


def watch() -> Watch:
    """A watch on drift whose bands are of random laps."""
    made, rng = Watch(SETTINGS), np.random.default_rng(0)
    laps = [rng.normal(size=(len(WATCHED), 2, 20)) for _ in range(6)]
    made.watch_drift(bands.calibrate(WATCHED, laps))
    made.truths.length_m = LAP_M
    return made


def test_the_page_goes_on(reader: FeatureRows) -> None:
    """Every good row and prediction is there in the end, and what is drawn can be drawn."""
    intake = Intake(reader, SETTINGS.predictions_topic, {FEATURES.name: FEATURES}, watch())
    both = zip(damaged_rows(COUNT // 2), damaged_json(prediction, COUNT // 2), strict=True)
    good = 0
    for at, messages in enumerate(both):
        before = intake.unreadable.total
        intake.take(messages, 1.0)
        if at % 5 == 0:
            assert intake.unreadable.total == before
            good += 1
        if at % 10_000 == 0:
            intake.watch.close_silent()
            for session in intake.sessions.values():
                draw(Moment(session, session.trail.since(0)[1]))
    assert not intake.unreadable.failed, intake.unreadable.newest
    assert intake.unreadable.damaged[SETTINGS.features_topic] > COUNT / 20
    assert intake.unreadable.damaged[SETTINGS.predictions_topic] > COUNT / 10
    assert intake.watch.truths.scores["lap_time", 1].count.sum() > 0
    text = intake.watch.metrics(intake.unreadable)
    assert 'pitwall_messages_left_out_total{cause="damaged",reader="test"' in text


def draw(moment: Moment) -> None:
    """All that the live view draws of a session."""
    for name in ("delta_s", "track_axes", "grip", "theoretical_s", "lap_table", "verdict_text"):
        getattr(moment, name)
    moment.track("speed")
    if moment.laps:
        moment.delta_lines()
        assert moment.forecast_lines


def test_the_scorer_goes_on(reader: FeatureRows) -> None:
    """A model that takes no null predicts for every row that has all its inputs."""

    def values(matrix: Any) -> Any:
        if not np.isfinite(matrix).all():
            raise ValueError("no null")
        return [(x, x - 1, x + 1) for x in matrix[:, 0].tolist()]

    model: Any = SimpleNamespace(
        **{"name": "m", "version": 1, "unit": "s", "role": "champion", "values": values},
        **{"inputs": ("speed", "lap_time"), "feature_service": "f", "definitions": ""},
        **{"meanings": {}, "circuit": None},
    )
    sampler, predicted, expected = Sampler(10), 0, 0
    rows = [found for message in damaged_rows() if (found := reader.one(message)) is not None]
    assert not reader.unreadable.failed and reader.unreadable.total > COUNT / 10
    for begin in range(0, len(rows), 500):
        batch = rows[begin : begin + 500]
        for found in batch:
            sampler.take(found.vehicle, found.session, found.event_us, found.created_us)
        kept, matrix = usable(batch, model)
        assert kept == batch
        made = predictions_of(kept, matrix, model)
        for each in made:
            read_prediction(each.message(each.prediction_id))
        predicted += len(made)
        expected += int((np.isfinite(matrix).all(axis=1)).sum())
    assert predicted == expected > COUNT / 4


def test_parity_goes_on() -> None:
    unreadable, vectors = Unreadable("test"), []
    for message in damaged_json(vector):
        try:
            vectors.append(read_served(message.value()))
        except WireError as error:
            unreadable.add(message, error)  # type: ignore[arg-type]
    assert len(vectors) >= COUNT / 5 and unreadable.total > COUNT / 4
    parity = Parity()
    for each in vectors:
        list(count_vector(parity, each, {"speed": np.float64(1.0)}, {"speed"}))
    assert parity.vectors == len(vectors)


def test_what_reads_dead_letters_and_the_archive_goes_on() -> None:
    headers = {"topic": b"t", "partition": b"0", "offset": b"7", "exception.message": b"reason"}

    def damage(dice: random.Random) -> Message:
        fields: list[tuple[str, bytes | None]] = [
            (PREFIX + name, any_bytes(dice, text)) for name, text in headers.items()
        ]
        dice.shuffle(fields)
        return Message("dead", any_bytes(dice, b"[]"), None, fields[dice.randrange(4) :] or None)

    good = [(PREFIX + name, text) for name, text in headers.items()]
    archiver, partition = object.__new__(_Archiver), _Partition("dead", 0, 0, COUNT)
    archiver._partitions = {("dead", 0): partition}
    archiver._write = lambda full: full.waiting.clear()  # type: ignore[method-assign]
    for message in damaged(COUNT, SEED, damage, lambda n: Message("dead", b"[]", None, [*good])):
        letter = dead_letter(message)  # type: ignore[arg-type]
        archiver._take(message, 0.0)
        assert partition.next_offset == message.offset_number + 1
        if message.offset_number % 5 == 0:
            assert (letter.topic, letter.partition, letter.offset) == ("t", 0, 7)


def test_what_reads_the_schemas_goes_on(reader: FeatureRows) -> None:
    text = json.dumps({"view": "van", "definitions": "d", "features": ["a"]}).encode()

    def damage(dice: random.Random) -> Message:
        key = dice.choice((any_bytes(dice, b"0123456789abcdef"), b"0123456789abcdef"))
        return Message("schemas", json_object(dice, text), key)

    good = partial(Message, "schemas", text, b"00112233445566ff")
    known = set(reader._columns)
    for message in damaged(COUNT, SEED, damage, lambda n: good()):
        reader.take_schema(message)  # type: ignore[arg-type]
    assert known < set(reader._columns) and not reader.unreadable.failed
    assert reader.unreadable.damaged["schemas"] > COUNT / 4
