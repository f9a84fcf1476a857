"""Which laps were recorded from start to end."""

from __future__ import annotations

import pytest

from pitwall.stores.offline.laps import whole

Lap = tuple[str, float, float, bool]
"""Session, 1 where it was recorded from its start, length in metres, whether a lap follows."""


@pytest.mark.parametrize(
    ("laps", "expected"),
    [
        pytest.param(
            [("a", 0, 150, True), ("a", 1, 2000, True), ("a", 1, 2001, True), ("a", 1, 203, False)],
            [False, True, True, False],
            id="an out-lap, two laps and an in-lap",
        ),
        pytest.param(
            [
                ("a", 1, 2000, True),
                ("a", 1, 203.08, False),
                ("b", 1, 2000, True),
                ("b", 1, 203.27, False),
            ],
            [True, False, True, False],
            id="in-laps that are as long as each other",
        ),
        pytest.param(
            [("a", 1, 20_708, False), ("b", 1, 20_718, False), ("c", 1, 9_000, False)],
            [True, True, False],
            id="recordings of one lap that stop at the line",
        ),
        pytest.param(
            [("a", 1, 2000, True), ("a", 1, 1996, False), ("b", 1, 1999, False)],
            [True, True, True],
            id="the last lap stops at the line, as laps that are followed are long",
        ),
        pytest.param(
            [("a", 1, 2000, True), ("a", 1, 203.08, False), ("b", 1, 203.2, False)],
            [True, False, False],
            id="a recording of one part, as long as another session's in-lap",
        ),
        pytest.param([("a", 1, 30, True)], [False], id="jitter on the line"),
        pytest.param([], [], id="no lap"),
    ],
)
def test_whole_laps(laps: list[Lap], expected: list[bool]) -> None:
    columns = [list(column) for column in zip(*laps, strict=True)] or [[], [], [], []]
    assert whole(columns[0], columns[1], columns[2], columns[3]).tolist() == expected
