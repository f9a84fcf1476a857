"""The session clock under what happens on the wire, each case with the right outcome."""

from __future__ import annotations

import pytest
from arrival import ID, KEY, Arrival, arrive
from dryrun import RawRun, Restart, Run, frames, parse

from pitwall.features import FeatureSet, lap, last, ticks

pytestmark = pytest.mark.xdist_group("operator")
FEATURES = FeatureSet("clock", lap("number"), last("Speed", "LapDistance"), ticks(10))


def drive(count: int, first: int = 0, **options: object) -> list[Arrival]:
    """So many ticks at 50 Hz, read as they are sent; tick `i` has the speed `i`."""
    return [
        Arrival(20 * i, i / 50, {"SPEED": i, "LAPDISTANCE": i}, **options)  # type: ignore[arg-type]
        for i in range(first, first + count)
    ]


def times_s(outcome: object, key: str = KEY) -> list[float]:
    return [time_us / 1e6 for time_us, _ in outcome.rows.get(key, [])]  # type: ignore[attr-defined]


def test_a_car_whose_clock_is_30_minutes_slow_stops_no_other_car(run: Run) -> None:
    slow = [
        Arrival(20 * i, i / 50, {"SPEED": i}, 1, 20 * i - 1_800_000, "slow") for i in range(1500)
    ]
    running = [a for a in drive(1500, partition=0) if a.time_s != 16]
    new = [Arrival(15_000 + 20 * i, i / 50, {"SPEED": i}, 2, vehicle="new") for i in range(750)]
    outcome = run(FEATURES, arrive([*slow, *running, *new], (0, 1), end=False))
    assert not outcome.late
    assert len(times_s(outcome)) == 1499
    assert len(times_s(outcome, f"slow/{ID}")) == 1500
    assert len(times_s(outcome, f"new/{ID}")) == 750


def test_ticks_of_a_partition_that_is_read_20_s_late_are_late_and_no_new_beginning(
    run: Run,
) -> None:
    late = [
        Arrival(20_000, i / 50, {"SPEED": i}, 1, record_ms=20 * i, topic="p424-telemetry-batch")
        for i in range(10)
    ]
    outcome = run(FEATURES, arrive([*drive(1490, first=10), *late]))
    assert [time_us for _, time_us in outcome.late] == [20_000 * i for i in range(10)]
    assert not outcome.restarts and not outcome.duplicates
    assert times_s(outcome) == [i / 50 for i in range(10, 1500)]


def test_a_first_message_that_comes_again_before_a_pause_is_one_duplicate(run: Run) -> None:
    again = Arrival(30_000, 0.0, {"SPEED": 0, "LAPDISTANCE": 0})
    after = [
        Arrival(31_100 + 20 * i, 30 + i / 50, {"SPEED": i, "LAPDISTANCE": i}) for i in range(500)
    ]
    outcome = run(FEATURES, arrive([*drive(1500), again, *after]))
    assert outcome.duplicates == [(KEY, 0)]
    assert not outcome.restarts and not outcome.late
    assert len(times_s(outcome)) == 2000
    assert outcome.rows[KEY][-1][1][0] == 2, "the second lap goes on"


@pytest.mark.parametrize("partitions", [1, 2, 3])
def test_a_session_that_is_sent_once_more_begins_anew_over_any_partitions(
    run: Run, partitions: int
) -> None:
    first = [Arrival(20 * i, i / 50, {"SPEED": i}, i % partitions) for i in range(200)]
    again = [
        Arrival(4500 + 20 * i + 30 * (i % partitions == 0), i / 50, {"SPEED": i}, i % partitions)
        for i in range(300)
    ]
    outcome = run(FEATURES, arrive([*first, *again]))
    assert outcome.restarts == [KEY]
    assert not outcome.late and not outcome.duplicates
    assert times_s(outcome) == [i / 50 for i in (*range(200), *range(300))]


def test_a_stand_in_that_comes_first_gives_way_to_the_channel_itself(run: Run) -> None:
    a = [
        Arrival(20 * i, i / 50, {"DISTANCE": 5000 + i, "SPEED": i}, 0, topic="p424-a")
        for i in range(500)
    ]
    b = [
        Arrival(20 * i + 1, i / 50, {"LAPDISTANCE": 10 + i}, 1, topic="p424-b") for i in range(500)
    ]
    outcome = run(FEATURES, arrive([*a, *b]))
    assert not outcome.duplicates and not outcome.late
    assert [row[2] for _, row in outcome.rows[KEY]] == [10 + i for i in range(500)]


@pytest.mark.parametrize(
    "changed",
    [last("Throttle"), last("Throttle", "Speed", "LapDistance")],
    ids=["a channel removed", "channels in another order"],
)
def test_ticks_sent_again_are_duplicates_under_other_definitions(run: Run, changed: object) -> None:
    sent = [
        Arrival(20 * i, i / 50, {"SPEED": i, "LAPDISTANCE": i, "THROTTLE": 1}) for i in range(500)
    ]
    again = [Arrival(10_000 + i, a.time_s, a.values) for i, a in enumerate(sent[-20:])]
    fresh = Arrival(10_100, 10.0, {"SPEED": 1, "LAPDISTANCE": 500, "THROTTLE": 1})
    before = FeatureSet("before", last("Speed", "LapDistance", "Throttle"))
    after = FeatureSet("after", changed, *([] if len(changed) == 3 else [ticks(1), ticks(2)]))
    steps = arrive(sent, end=False)
    steps = [*steps, Restart(), *arrive([*again, fresh])]
    outcome = run(before, steps, after)
    assert len(outcome.duplicates) == 20
    assert not outcome.late
    assert len(times_s(outcome)) == 501


def test_a_partition_of_a_new_topic_that_is_read_later_loses_nothing(run: Run) -> None:
    even = [Arrival(20 * i, i / 50, {"SPEED": i}, 0) for i in range(0, 300, 2)]
    odd = [
        Arrival(max(20 * i, 1900), i / 50, {"SPEED": i}, 1, record_ms=20 * i)
        for i in range(1, 300, 2)
    ]
    outcome = run(FEATURES, arrive([*even, *odd], partitions=(0, 1)))
    assert not outcome.late
    assert times_s(outcome) == [i / 50 for i in range(300)]


def test_a_damaged_time_far_ahead_makes_no_other_tick_late(run: Run) -> None:
    damaged = Arrival(5010, 9_000_000.0, {"SPEED": 1})
    outcome = run(FEATURES, arrive([*drive(500), damaged]))
    assert not outcome.late
    assert times_s(outcome) == [*(i / 50 for i in range(500)), 9_000_000.0]


def test_a_session_may_pause_for_an_hour(run: Run) -> None:
    after = [Arrival(20_000 + 20 * i, 3600 + i / 50, {"SPEED": i}) for i in range(100)]
    outcome = run(FEATURES, arrive([*drive(500), *after], end=False))
    assert not outcome.late
    assert len(times_s(outcome)) == 600


def test_a_session_whose_features_cannot_be_computed_is_set_aside_and_others_go_on(
    raw_run: RawRun,
) -> None:
    good = [Arrival(20 * i + 1, i / 50 + 0.001, {"SPEED": i}, vehicle="good") for i in range(100)]
    steps = [*arrive([*drive(100), *good])]
    outcome = parse(raw_run(FEATURES, frames(steps), "fail=400000"), len(FEATURES.features))
    assert times_s(outcome) == [i / 50 for i in range(20)]
    assert [time_us for _, time_us, _ in outcome.failed] == [20_000 * i for i in range(20, 100)]
    assert {key for key, _, _ in outcome.failed} == {KEY}
    assert "set aside" in outcome.failed[0][2] and "fails on purpose" in outcome.failed[0][2]
    assert len(times_s(outcome, f"good/{ID}")) == 100
