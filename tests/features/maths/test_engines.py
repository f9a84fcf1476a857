"""One meaning in three engines: oracle, operator and columns give the same bits."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence

import numpy as np
import pytest
from dryrun import MAX, Advance, Message, Restart, Run
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_formulas import CHANNELS, doubles, formulas, powers

from pitwall.channels.channel import channel_id
from pitwall.errors import UsageError
from pitwall.features import FeatureSet, last, maths
from pitwall.features.maths import columns
from pitwall.features.maths.channel import Maths
from pitwall.features.oracle import Tick, new_laps, reference

pytestmark = pytest.mark.xdist_group("operator")
IDS = [channel_id(name) for name in CHANNELS]
SESSION = "20260101-000000-maths"
LINE = st.floats(0, 3000)
"""Distances that make laps."""


def ticks_of(rows: Sequence[Sequence[float | None]], steps_us: Sequence[int]) -> list[Tick]:
    """Ticks as the oracle takes them; None for a channel that is not sent."""
    ticks = []
    time_us = 0
    for row, step_us in zip(rows, steps_us, strict=True):
        time_us += step_us
        values = {
            id: value if math.isfinite(value) else math.nan
            for id, value in zip(IDS, row, strict=True)
            if value is not None
        }
        ticks.append((time_us, values))
    return ticks


def messages(rows: Sequence[Sequence[float | None]], ticks: Sequence[Tick]) -> list[Message]:
    """The ticks as a car sends them, 20 ms of Kafka time apart."""
    words = {math.inf: "Infinity", -math.inf: "-Infinity"}
    steps = []
    for number, (row, (time_us, _)) in enumerate(zip(rows, ticks, strict=True)):
        samples = [
            {
                "VehicleId": "V",
                "SessionId": SESSION,
                "Timestamp": time_us / 1e6,
                "ChannelId": id,
                "ChannelValue": "NaN" if value != value else words.get(value, value),
                "ChannelUnit": "",
            }
            for id, value in zip((*IDS, "FRAME"), (*row, 1.0), strict=True)
            if value is not None
        ]
        at_ms = 1_000_000 + 3000 * number
        steps.append(Message(json.dumps(samples).encode(), at_ms, at_ms + 3, watermark=at_ms))
    return steps


def bits(values: Sequence[float | None]) -> list[bytes]:
    return [b"null" if v is None or v != v else struct.pack(">d", v) for v in values]


def channels_of(texts: Sequence[str]) -> list[Maths]:
    """A maths channel for each text that is a formula."""
    channels = []
    for number, text in enumerate(texts):
        try:
            channels.append(maths(f"({text}) * 1", unit="", name=f"Formula{number}"))
        except UsageError:
            continue
    return channels


def by_columns(features: FeatureSet, ticks: Sequence[Tick]) -> dict[str, list[float]]:
    """The value of each feature, a maths channel's newest value, by the third engine."""
    times = np.array([time_us for time_us, _ in ticks], np.int64)
    sent = {id: np.array([values.get(id, math.nan) for _, values in ticks]) for id in IDS}
    laps = np.array(new_laps(features, ticks))
    computed = columns.values(features.maths, times, sent, laps)
    return {channel.snake: computed[channel.id].tolist() for channel in features.maths}


rows_of = st.lists(
    st.tuples(
        *(st.one_of(st.none(), doubles) for _ in CHANNELS[:-1]), st.one_of(st.none(), doubles, LINE)
    ),
    min_size=1,
    max_size=30,
)
texts_of = st.lists(st.one_of(formulas, formulas, powers), min_size=1, max_size=12)
steps_us = st.sampled_from((20_000, 20_000, 1, 1_000_000))


@given(texts_of, rows_of, st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_columns_and_oracle_give_the_same_bits(
    texts: list[str], rows: list[tuple[float | None, ...]], data: st.DataObject
) -> None:
    channels = channels_of(texts)
    assume(channels)
    features = FeatureSet("random", last(*channels))
    times = data.draw(st.lists(steps_us, min_size=len(rows), max_size=len(rows)))
    ticks = ticks_of(rows, times)
    expected = reference(features, ticks)
    for name, column in by_columns(features, ticks).items():
        assert bits(column) == bits([row[name] for row in expected]), name


@given(
    st.lists(formulas, min_size=40, max_size=40), st.lists(powers, max_size=3), rows_of, st.data()
)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_operator_and_oracle_give_the_same_bits_also_after_restores(
    run: Run,
    texts: list[str],
    more: list[str],
    rows: list[tuple[float | None, ...]],
    data: st.DataObject,
) -> None:
    channels = channels_of([*texts, *more])
    assume(channels)
    features = FeatureSet("random", last(*channels))
    times = data.draw(st.lists(steps_us, min_size=len(rows), max_size=len(rows)))
    ticks = ticks_of(rows, times)
    expected = reference(features, ticks)
    steps = messages(rows, ticks)
    end = Advance(steps[-1].now_ms + 10_000, MAX)
    restored = [part for step in steps for part in (step, Restart())]
    for way in (steps, restored):
        outcome = run(features, [*way, end])
        seen = outcome.rows[f"V/{SESSION}"]
        assert [time_us for time_us, _ in seen] == [time_us for time_us, _ in ticks]
        for (_, values), row in zip(seen, expected, strict=True):
            for name, value in zip(features.names, values.tolist(), strict=True):
                assert bits([value]) == bits([row[name]]), name
