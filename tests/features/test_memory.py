"""What a session's features take, by the Java itself and by the counting that the docs show."""

from __future__ import annotations

import json
import re

import pytest
from dryrun import RawRun
from feature_java import run_java
from paths import ROOT

from pitwall.features import FeatureSet, gaps, lag, last, load, nan_share, rolling, ticks
from pitwall.features.memory import kept_bytes

pytestmark = pytest.mark.xdist_group("operator")
STEP_US = 20_000
FIVE_MINUTES = 15_000
MAX_TICKS = 1 << 20


def measured(
    raw_run: RawRun, features: FeatureSet, step_us: int, count: int, sessions: int = 1
) -> tuple[list[int], list[float]]:
    """Bytes of a state, `bytes()` and growth of the heap, each for one session; the last row."""
    plan = raw_run.plan(features)
    sizes, row = run_java(raw_run, "FeatureMemory", plan, step_us, count, sessions).splitlines()
    return list(map(int, sizes.split())), json.loads(row)


def test_the_shipped_set_takes_what_the_docs_say(raw_run: RawRun) -> None:
    (features,) = load(ROOT / "feature_repo")
    (state, estimate, heap), _ = measured(raw_run, features, STEP_US, FIVE_MINUTES, sessions=10)
    counted = kept_bytes(features, rate_hz=50)
    assert counted < state < 1.05 * counted
    assert estimate == pytest.approx(heap, rel=0.15)
    text = (ROOT / "docs" / "performance.md").read_text()
    says = re.search(
        r"the shipped set keeps (\d+) kB of state.*?some (\d+) kB on the heap", text, re.S
    )
    assert says, "docs/performance.md says what the shipped set keeps"
    assert int(says[1]) == round(state / 1000)
    assert int(says[2]) == pytest.approx(heap / 1000, rel=0.15)


def test_samples_and_times_are_kept_once() -> None:
    minute = FeatureSet("v", rolling("Speed", ("mean", "std"), (1, 60)))
    assert kept_bytes(minute, 100) == 60 * 100 * (8 + 1)
    shared = FeatureSet("v", rolling("Speed", ("mean",), (1, 60)), lag("Speed", 30))
    assert kept_bytes(shared, 100) == kept_bytes(minute, 100)
    more = FeatureSet("v", minute.features, rolling("Brake", ("mean",), (10,)))
    assert kept_bytes(more, 100) == kept_bytes(minute, 100) + 10 * 100 * 8
    others = FeatureSet("v", minute.features, nan_share("Speed", 5), ticks(1), gaps(0.1, 2))
    assert kept_bytes(others, 100) == kept_bytes(minute, 100) + (5 + 2) * 100 * 8
    assert kept_bytes(FeatureSet("v", last("Speed")), 100) == 0


def test_a_window_that_would_hold_more_ticks_than_are_kept_is_null(raw_run: RawRun) -> None:
    """At a million ticks a second: those of 1 s are all there, those of 2 s are not."""
    features = FeatureSet(
        "v",
        ticks(1),
        ticks(2),
        rolling("Speed", ("count", "mean"), (2,)),
        gaps(0.5, 2),
        lag("Speed", 1, 2),
    )
    (state, _, _), row = measured(raw_run, features, step_us=1, count=MAX_TICKS + 100)
    assert row[:5] == [1e6, *[pytest.approx(float("nan"), nan_ok=True)] * 4]
    lag_1s, lag_2s = row[5:]
    assert 0 <= lag_1s <= 100 and lag_2s != lag_2s
    assert state < 20 * MAX_TICKS, "the samples that are kept have a bound"
