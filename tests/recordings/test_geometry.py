"""Which of two points and a path is the line."""

from __future__ import annotations

import numpy as np
import pytest

from pitwall.recordings.geometry import METRES_PER_DEGREE, gate

METRE = 1 / METRES_PER_DEGREE
NORTH = np.arange(-50.0, 51.0, 5.0) * METRE
"""A path due north along the meridian 0, through the point 0, 0."""
EAST = np.zeros_like(NORTH)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("direction", "heading"), [(1, 0.0), (-1, 180.0)])
def test_two_ends_of_a_line(swapped: bool, direction: int, heading: float) -> None:
    ends = [(0.0, -20 * METRE), (0.0, 20 * METRE)]
    first, second = reversed(ends) if swapped else ends
    line = gate(first, second, NORTH[::direction], EAST)
    assert line is not None
    assert line[:2] == pytest.approx((0.0, 0.0), abs=1e-9)
    assert line.heading_deg == pytest.approx(heading)
    assert line.width_m == pytest.approx(40.0)


def test_two_points_along_the_path() -> None:
    line = gate((10 * METRE, 0.0), (-25 * METRE, 0.0), NORTH, EAST)
    assert line is not None
    assert line[:2] == pytest.approx((10 * METRE, 0.0))
    assert line.heading_deg == pytest.approx(0.0)


def test_no_line_far_from_the_path_or_without_one() -> None:
    assert gate((1.0, 1.0), (1.0, 1.001), NORTH, EAST) is None
    assert gate((0.0, 0.0), (0.0, METRE), np.full(3, np.nan), np.full(3, np.nan)) is None
    assert gate((0.0, -METRE), (0.0, METRE), np.zeros(9), np.zeros(9)) is None
