from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitwall.kafka.wire import TickEncoder

KEYS = {
    "VehicleId",
    "SessionId",
    "Timestamp",
    "ChannelId",
    "ChannelName",
    "ChannelValue",
    "ChannelUnit",
    "ChannelMinValue",
    "ChannelMaxValue",
    "ChannelMultiplier",
    "ChannelGroup",
    "ChannelCount",
    "ExpectedFrequency",
    "ActualFrequency",
    "UpdateInterval",
    "FrequencyLabel",
    "Semantic",
}


@given(st.lists(st.floats(), min_size=1, max_size=5), st.floats(0, 1e5))
def test_values_and_time_survive_exactly(values: list[float], time_s: float) -> None:
    names = [f"Channel{i}" for i in range(len(values))]
    message = json.loads(
        TickEncoder("car", "20260101-000000-x", names, [""] * len(names), 50).encode(time_s, values)
    )
    for sent, got in zip(values, message, strict=True):
        assert got["Timestamp"] == time_s
        if math.isfinite(sent):
            assert got["ChannelValue"] == sent
        else:
            assert isinstance(got["ChannelValue"], str)
            assert str(float(got["ChannelValue"])) == str(sent)


def test_one_object_a_channel_with_all_keys() -> None:
    message = json.loads(
        TickEncoder('a "car" 100%', "20260101-000000-x", ["Speed"], ["km/h"], 50).encode(
            0.02, [1.5]
        )
    )
    assert set(message[0]) == KEYS
    assert message[0]["VehicleId"] == 'a "car" 100%'
    assert (message[0]["ChannelId"], message[0]["ChannelUnit"], message[0]["Semantic"]) == (
        "SPEED",
        " km/h",
        "Speed",
    )


def test_the_message_is_indented() -> None:
    assert b'\n    "ChannelValue": 1.5' in TickEncoder("c", "s", ["Speed"], [""], 50).encode(
        0, [1.5]
    )


def test_each_channel_needs_a_unit() -> None:
    with pytest.raises(ValueError):
        TickEncoder("c", "s", ["Speed", "Brake"], ["km/h"], 50)
