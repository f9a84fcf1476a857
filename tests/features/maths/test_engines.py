"""One meaning in three engines: oracle, operator and columns give the same bits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from dryrun import MAX, Advance, Restart, Run
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_formulas import CHANNELS, doubles, formulas, powers
from sessions_of_doubles import IDS, SESSION, bits, messages, ticks_of

from pitwall.errors import UsageError
from pitwall.features import FeatureSet, last, maths
from pitwall.features.maths import columns
from pitwall.features.maths.channel import Maths
from pitwall.features.oracle import Tick, new_laps, reference

pytestmark = pytest.mark.xdist_group("operator")
LINE = st.floats(0, 3000)
"""Distances that make laps."""


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
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
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
    st.lists(formulas, min_size=20, max_size=20), st.lists(powers, max_size=3), rows_of, st.data()
)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
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
