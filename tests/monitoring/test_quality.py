"""Which features moved between sessions: false alarms are as rare as promised, moves are found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pitwall.monitoring.quality import FALSE_ALARMS, can_be_told, moved

INPUTS = 14


def sessions(random: np.random.Generator, count: int) -> pd.DataFrame:
    """Middle values of sessions, in which all features of a session have much in common."""
    common = random.normal(size=(count, 1))
    return pd.DataFrame(
        common + random.normal(size=(count, INPUTS)), columns=[f"f{i}" for i in range(INPUTS)]
    )


@pytest.mark.parametrize(("before", "after"), [(6, 6), (20, 8)])
def test_false_alarms_are_as_rare_as_promised(before: int, after: int) -> None:
    random = np.random.default_rng(before)
    rounds = 400
    alarms = sum(
        bool(moved(sessions(random, before), sessions(random, after))) for _ in range(rounds)
    )
    assert alarms / rounds < FALSE_ALARMS + 2 * np.sqrt(FALSE_ALARMS / rounds)


def test_a_feature_that_moved_is_named_and_no_other() -> None:
    random = np.random.default_rng(1)
    before, after = sessions(random, 20), sessions(random, 12)
    after["f3"] += 8
    after["f4"] = np.nan
    found = moved(before, after)
    assert list(found) == ["f3"] and found["f3"] < 1e-4


@pytest.mark.parametrize(
    ("before", "after", "features", "told"),
    [(3, 3, 1, False), (4, 4, 1, True), (6, 6, 14, True), (26, 1, 14, False), (26, 0, 1, False)],
)
def test_few_sessions_cannot_tell_a_move(
    before: int, after: int, features: int, told: bool
) -> None:
    assert can_be_told(before, after, features) is told
