"""Whatever a channel holds, a feature is a number or null, and what has left leaves no trace."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from dryrun import MAX, Advance, Message, Outcome, Run, Step
from random_features import feature_set

from pitwall.features import (
    Feature,
    FeatureSet,
    delta_to,
    lap,
    lap_integral,
    last,
    rolling,
    sectors,
)
from pitwall.features.kinds import WITH_WINDOW, Kind
from pitwall.features.oracle import reference

pytestmark = pytest.mark.xdist_group("operator")
START_MS = 1_000_000
STEP_US = 20_000
Ticks = Sequence[tuple[int, Mapping[str, float]]]
"""Times in microseconds, and the values that are sent at each by wire id."""

LARGEST = 1.7976931348623157e308
ODD = (
    *(0.0, -0.0, math.nan, math.inf, -math.inf, LARGEST, -LARGEST, 5e-324, -2.2e-308, 1e308),
    *(-1e308, 1e200, -1e154, 1e17, 1e9, 1e-9, 1e-154, 1e-200, -1e-310, 2.15e10, 3.4e38, -5000.0),
)


def message(session: str, time_us: int, values: Mapping[str, float]) -> Message:
    elements = [
        {
            "VehicleId": "car",
            "SessionId": session,
            "Timestamp": time_us / 1e6,
            "ChannelId": channel,
            "ChannelValue": value if math.isfinite(value) else _word(value),
        }
        for channel, value in values.items()
    ]
    now_ms = START_MS + time_us // 1000
    return Message(json.dumps(elements).encode(), now_ms, now_ms + 1, watermark=now_ms)


def _word(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def drive(run: Run, features: FeatureSet, *sessions: Ticks) -> Outcome:
    """The sessions one after the other, named `car/20260101-<number>-x`."""
    steps: list[Step] = [
        message(f"20260101-{number:06d}-x", time_us, values)
        for number, ticks in enumerate(sessions)
        for time_us, values in ticks
    ]
    outcome = run(features, [*steps, Advance(10**12, MAX)])
    assert not outcome.bad and not outcome.late
    for number, ticks in enumerate(sessions):
        assert [t for t, _ in outcome.rows[key(number)]] == [t for t, _ in ticks]
    return outcome


def key(number: int) -> str:
    return f"car/20260101-{number:06d}-x"


WINDOW = FeatureSet("w", rolling("Speed", ("mean", "std", "rms", "slope", "min", "max"), (1,)))
IN_WINDOW = 50
"""Ticks in the window of 1 s."""


@pytest.mark.parametrize("outlier", [1e9, 1e17, -1e17, 1e154, 1e200, LARGEST, -LARGEST, 5e-324])
@pytest.mark.parametrize("place", [0, 500])
def test_a_value_that_has_left_the_window_leaves_no_trace(
    run: Run, outlier: float, place: int
) -> None:
    """Among 100 km/h, and among values that change.

    tick  0 … 499  500      501 … 549  550 … 1099
          100      outlier  100        as if it had never been, to the last bit
    """
    speeds = [np.full(1100, 100.0), 100 + np.random.default_rng(1).uniform(-50, 50, 1100)]
    sessions = []
    for speed in speeds:
        with_outlier = speed.copy()
        with_outlier[place] = outlier
        sessions += [
            [(i * STEP_US, {"SPEED": float(value)}) for i, value in enumerate(values)]
            for values in (speed, with_outlier)
        ]
    rows = drive(run, WINDOW, *sessions).rows
    for clean, disturbed in ((0, 1), (2, 3)):
        gone = place + IN_WINDOW
        for (_, expected), (_, seen) in zip(
            rows[key(clean)][gone:], rows[key(disturbed)][gone:], strict=True
        ):
            assert seen.tobytes() == expected.tobytes()
        at = range(place, gone, 7)
        truth = reference(WINDOW, sessions[disturbed], at)
        for i, row in zip(at, truth, strict=True):
            for value, wanted in zip(rows[key(disturbed)][i][1], row.values(), strict=True):
                assert same_number(float(value), wanted, abs(outlier)), (i, row)


def same_number(value: float, wanted: float | None, scale: float) -> bool:
    """Whether both are null, or as near to each other as numbers of that size can be computed."""
    if wanted is None or math.isnan(value):
        return wanted is None and math.isnan(value)
    difference = abs(value - wanted)
    return difference <= 1e-12 * max(scale, abs(wanted)) + 1e-320


@pytest.mark.parametrize("distance_m", [2.15e10, 3.4e38, LARGEST, -LARGEST, 1e5, -1e5, 1e-300])
def test_no_distance_stops_the_features_of_laps(run: Run, distance_m: float) -> None:
    features = FeatureSet(
        "laps",
        last("LapDistance"),
        lap("number", "time", "last_time", "best_time", "fraction", "delta_to_best"),
        sectors(),
        delta_to("pole"),
    )
    features.references = {"pole": [0.0, 1.0, 2.0]}
    session = [
        (i * STEP_US, {"LAPDISTANCE": float(d)})
        for i, d in enumerate(
            (0, distance_m, *range(0, 1000, 50), 0, distance_m, 50, 0, distance_m)
        )
    ]
    rows = drive(run, features, session).rows[key(0)]
    for (_, values), row in zip(rows, reference(features, session), strict=True):
        for name, value, wanted in zip(features.names, values, row.values(), strict=True):
            assert same_number(float(value), wanted, 1.0), (name, float(value), wanted)


def test_a_lap_that_goes_back_far_before_the_line_has_no_split_time(run: Run) -> None:
    features = FeatureSet("laps", lap("number"), sectors())
    distances = (*range(0, 1001, 100), -5000, -4700)
    session = [(i * STEP_US, {"LAPDISTANCE": float(d)}) for i, d in enumerate(distances)]
    (_, values) = drive(run, features, session).rows[key(0)][-1]
    row = dict(zip(features.names, values.tolist(), strict=True))
    assert row.pop("lap_number") == 1, "the line is ahead"
    assert all(math.isnan(value) for value in row.values())


def test_a_lap_integral_is_that_of_the_channels_own_samples(run: Run) -> None:
    """A constant of 100 kW, sent with each tick and with every fifth one: both are 100 kW × time.

    |--------- lap 1 ---------|--------- lap 2 ----…
    """
    features = FeatureSet("power", lap("time"), lap_integral("BatteryPower", "MotorRpmFront"))
    session = []
    for i in range(400):
        values = {"LAPDISTANCE": (i % 250) * 4.0, "BATTERYPOWER": 100.0}
        session.append((i * STEP_US, values | ({"MOTORRPMFRONT": 100.0} if i % 5 == 0 else {})))
    rows = drive(run, features, session).rows[key(0)]
    for i in (245, 395):
        time_s, each, fifth = rows[i][1].tolist()
        assert each == pytest.approx(100 * time_s, abs=2.5), "the lap begins within a tick"
        assert fifth == pytest.approx(each, rel=1e-12)


def odd_session(dice: random.Random, features: FeatureSet) -> Ticks:
    """Ticks with smooth, constant, missing, odd and lap-like values of the set's channels."""
    ids = sorted({f.channel for f in features.features if f.channel} | {features.distance})
    manners = {
        channel: dice.choice("smooth odd outliers laps constant missing".split()) for channel in ids
    }
    levels = {channel: dice.uniform(-500, 500) for channel in ids}
    time_us, ticks = 0, []
    for _ in range(dice.choice((20, 60, 150))):
        time_us += dice.choice((STEP_US, STEP_US, STEP_US, dice.randint(1, 3_000_000)))
        values = {}
        for channel in ids:
            if dice.random() < 0.05:
                manners[channel] = dice.choice("smooth odd outliers laps constant missing".split())
            level = levels[channel]
            value = {
                "smooth": level + dice.uniform(-1, 1),
                "odd": dice.choice(ODD),
                "outliers": dice.choice(ODD) if dice.random() < 0.05 else dice.uniform(0, 100),
                "laps": level + 40 if 0 <= level < 900 else 0.0,
                "constant": level,
                "missing": None,
            }[manners[channel]]
            if manners[channel] in ("smooth", "laps") and value is not None:
                levels[channel] = value
            if value is not None and dice.random() < 0.9:
                values[channel] = value
        ticks.append((time_us, values or {"THROTTLE": 1.0}))
    return ticks


@pytest.mark.parametrize(
    ("seed", "formulas"), [*((seed, False) for seed in range(8)), (1, True), (3, True)]
)
def test_features_of_absurd_values_agree_with_the_oracle(
    run: Run, seed: int, formulas: bool
) -> None:
    """Any definitions, in sessions of any values: both null, or close in the scale of the samples.

    What is counted, told apart or found is equal.
    """
    features = feature_set(seed, most=60, formulas=formulas)
    dice = random.Random(seed)
    sessions = [odd_session(dice, features) for _ in range(3)]
    rows = drive(run, features, *sessions).rows
    for number, session in enumerate(sessions):
        finite = [
            (t, {c: v if math.isfinite(v) else math.nan for c, v in values.items()})
            for t, values in session
        ]
        for i, ((_, values), row) in enumerate(
            zip(rows[key(number)], reference(features, finite), strict=True)
        ):
            for feature, value in zip(features.features, values.tolist(), strict=True):
                scale = samples_scale(feature, finite, i)
                assert same_number(value, row[feature.name], scale), (i, feature, row[feature.name])


SUMS = frozenset(
    {
        Kind.ROLLING_MEAN,
        Kind.ROLLING_STD,
        Kind.ROLLING_RMS,
        Kind.ROLLING_SLOPE,
        Kind.LAP_MEAN,
        Kind.LAP_INTEGRAL,
    }
)
"""Kinds whose values are sums; those of all others are samples, times or counts."""


def samples_scale(feature: Feature, ticks: Ticks, i: int) -> float:
    """The largest sample that the feature sums at tick `i`, in the feature's unit; 0 for others."""
    if feature.kind not in SUMS:
        return 0.0
    now_us = ticks[i][0]
    from_us = now_us - round(feature.window_s * 1e6) if feature.kind in WITH_WINDOW else -1
    samples = [
        (t, abs(values[feature.channel or ""]))
        for t, values in ticks[: i + 1]
        if t > from_us and math.isfinite(values.get(feature.channel or "", math.nan))
    ]
    largest = max((value for _, value in samples), default=0.0)
    if feature.kind is Kind.LAP_INTEGRAL:
        return largest * max(now_us * 1e-6, 1.0)
    if feature.kind is Kind.ROLLING_SLOPE and len(samples) > 1:
        return largest / ((samples[-1][0] - samples[0][0]) * 1e-6)
    return largest
