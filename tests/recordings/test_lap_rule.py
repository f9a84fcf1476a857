"""The rule of distance, on drives that are written down sample by sample."""

from __future__ import annotations

import numpy as np
import pytest

from pitwall.recordings.lap_rule import Part, circuit_length, parts


def drive(*metres: float, step_s: float = 1.0) -> list[Part]:
    return parts(np.arange(len(metres)) * step_s, np.array(metres))


def laps(*metres: float, step_s: float = 1.0) -> list[tuple[float, float, bool]]:
    """Start, end and wholeness of each part."""
    found = drive(*metres, step_s=step_s)
    circuit = circuit_length([part.length_m for part in found if part.measures])
    return [(part.start_s, part.end_s, part.whole(circuit)) for part in found]


def test_the_line_lies_between_the_samples_on_both_sides() -> None:
    assert laps(0, 160, 320, 480, 80, 160) == [(0, 3.5, True), (3.5, 5, False)]


def test_a_car_that_is_pushed_back_has_begun_no_lap() -> None:
    assert len(drive(0, 50, 0, 50, 0)) == 1
    assert len(drive(0, 51, 0)) == 2


def test_a_distance_below_zero_is_before_the_line() -> None:
    assert laps(-30, -10, 10, 30)[0] == (0, 1.5, False)
    assert laps(0, 100, 200, -10, 10, 110) == [(0, 3.5, True), (3.5, 5, False)]


def test_jitter_over_the_line_is_left_out() -> None:
    lap = (40, 80, 120, 160, 190)
    found = drive(0, *lap, 1, 189, 1, 189, 2, *lap, 0, step_s=0.1)
    assert [(part.first, part.end) for part in found] == [(0, 6), (6, 16), (16, 17)]
    assert found[1].jitter == [(7, 8), (9, 10)] and found[1].measures


def test_a_jump_ahead_and_one_back_break_the_lap() -> None:
    steady = np.arange(0, 400, 5.0)
    ahead, back = np.r_[steady[:20], steady[40:]], np.r_[steady[:40], steady[20:]]
    for metres in (ahead, back):
        found = drive(*metres, 0, *steady, 0, step_s=0.1)
        assert [part.continuous for part in found] == [False, True, True]


def test_a_fall_that_does_not_reach_the_laps_beginning_is_no_line() -> None:
    steady = np.arange(0, 4000, 5.0)
    found = drive(*steady[:780], *steady[200:], 0, step_s=0.1)
    assert len(found) == 2 and not found[0].continuous


def test_a_line_that_is_not_at_zero() -> None:
    metres = np.r_[np.arange(2000, 4600, 5.0), np.arange(600, 4600, 5.0), 600, 605]
    found = drive(*metres, step_s=0.1)
    assert [part.from_start for part in found] == [False, True, True]
    assert found[1].end_s - found[1].start_s == pytest.approx(80, abs=0.1)
    assert found[1].length_m == pytest.approx(4000, abs=5)


def test_a_lap_that_was_cut_is_not_whole_and_the_circuit_is_the_median() -> None:
    lap = list(np.arange(0, 4000, 5.0))
    cut = lap[:300]
    assert [each[2] for each in laps(*cut, *lap, *lap, 0, step_s=0.1)] == [False, True, True, False]
    assert circuit_length([1500, 4000]) == 4000
    assert np.isnan(circuit_length([]))


def test_a_lap_first_seen_behind_the_line_is_whole_within_two_percent() -> None:
    lap = list(np.arange(0, 4000, 5.0))
    assert laps(*lap[15:], *lap, 0, step_s=0.1)[0][2]
    assert not laps(*lap[17:], *lap, 0, step_s=0.1)[0][2]
    assert not laps(*lap[20:], *lap, 0, step_s=0.1)[0][2]


def test_without_a_sample_there_is_no_part() -> None:
    assert drive() == []
