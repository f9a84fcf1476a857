"""Lines crossed by position."""

from __future__ import annotations

import numpy as np
import pytest

from pitwall.recordings.geometry import METRES_PER_DEGREE
from pitwall.recordings.lines import line_of_closed_path, passings, track
from pitwall.recordings.recording import Line

RADIUS_M = 150 / (2 * np.pi)


def circle(laps: float = 3, stands_s: float = 0, rate_hz: float = 20):  # type: ignore[no-untyped-def]
    """A 150 m circle driven clockwise in 15 s a lap, across the date line; it begins in the east.

    The car stands `stands_s` on the line after its first lap.
    """
    times = np.arange(0, 15 * laps + stands_s, 1 / rate_hz)
    driven = np.where(times < 15, times, np.maximum(15, times - stands_s))
    angle = -2 * np.pi * driven / 15
    jitter = np.where((times > 15) & (driven == 15), 0.1 * np.sin(times * 100), 0)
    latitude = 60 + (RADIUS_M * np.sin(angle) + jitter) / METRES_PER_DEGREE
    scale = METRES_PER_DEGREE * np.cos(np.radians(60))
    longitude = (180 + RADIUS_M * np.cos(angle) / scale + 180) % 360 - 180
    return track(times, latitude, longitude)


SOUTH = Line(60 - RADIUS_M / METRES_PER_DEGREE, 180, 270)


def test_a_line_is_crossed_in_its_heading_only() -> None:
    assert passings(circle(), SOUTH) == pytest.approx([3.75, 18.75, 33.75], abs=1e-3)
    assert not len(passings(circle(), SOUTH._replace(heading_deg=90)))


def test_a_car_that_stands_on_the_line_passes_it_once() -> None:
    east = Line(60, -180 + RADIUS_M / METRES_PER_DEGREE / 0.5, 180)
    path = circle(3, stands_s=20)
    times = passings(path, east)
    assert len(times) == 2
    assert times[1] - times[0] == pytest.approx(35, abs=0.1)
    assert times[0] == pytest.approx(15, abs=0.1)


def test_a_narrow_line_beside_the_way_is_not_crossed() -> None:
    aside = Line(60, 180, 270, 10)
    assert not len(passings(circle(), aside))


def test_a_jump_over_the_line_is_no_passing() -> None:
    times = np.arange(4) / 20
    path = track(times, np.array([0.0, 1e-5, 1.0, 1.00001]), np.zeros(4))
    assert not len(passings(path, Line(0.5, 0, 0)))


def test_repeated_positions_are_left_out_where_the_car_moves() -> None:
    times = np.arange(8) * 0.1
    held = np.repeat([0.0, 1e-4, 2e-4, 3e-4], 2)
    path = track(times, held, np.zeros(8))
    assert path.times_s.tolist() == pytest.approx([0, 0.2, 0.4, 0.6])


def test_a_closed_path_has_a_line_and_an_open_one_has_none() -> None:
    line = line_of_closed_path(circle(4))
    assert line is not None
    assert np.diff(passings(circle(4), line)) == pytest.approx(15, abs=0.01)
    times = np.arange(100) / 10
    assert line_of_closed_path(track(times, times * 1e-4, times * 0)) is None
    assert line_of_closed_path(track(times[:2], times[:2], times[:2])) is None
