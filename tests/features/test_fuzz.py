"""Features of any definition over any doubles and any forward steps of time: nothing throws.

The ordinary run drives 100,000 ticks. To drive more, over more definitions and with another seed:

    FUZZ_TICKS=2000000 FUZZ_SETS=300 FUZZ_SEED=7 ./pitwall test --fast -k fuzz

A failure names the plan's file, the session and the tick; the same seed fails again.
"""

from __future__ import annotations

import os
import re

import pytest
from dryrun import RawRun
from feature_java import run_java
from random_features import feature_set

pytestmark = pytest.mark.xdist_group("operator")
TICKS = int(os.environ.get("FUZZ_TICKS", 100_000))
SETS = int(os.environ.get("FUZZ_SETS", 60))
SEED = int(os.environ.get("FUZZ_SEED", 1))


@pytest.mark.parametrize("formulas", [False, True], ids=["channels", "formulas"])
def test_nothing_that_a_channel_holds_stops_the_features(raw_run: RawRun, formulas: bool) -> None:
    sets = [feature_set(SETS * SEED + number, formulas=formulas) for number in range(SETS)]
    assert any(features.maths for features in sets) is formulas
    assert len({feature.kind for features in sets for feature in features.features}) >= 30
    plans = [raw_run.plan(features) for features in sets]
    printed = run_java(raw_run, "FeatureFuzz", SEED, TICKS, *plans)
    counts = re.fullmatch(r"(\d+) ticks, (\d+) restores, (\d+) values\n", printed)
    assert counts, printed
    ticks, restores, values = map(int, counts.groups())
    assert ticks >= TICKS
    assert restores > TICKS / 200
    assert values > 4 * TICKS, "most features are null: the fuzz sees too little"
