"""Rows of the telemetry history become one falling series."""

from __future__ import annotations

import math

import numpy as np

from pitwall.stores.history import merged


def row(times_us: list[int], values: list[float]) -> tuple[bytes, bytes]:
    return np.array(times_us, "<i8").tobytes(), np.array(values, "<f8").tobytes()


def test_rows_are_merged_newest_first_and_a_time_counts_once() -> None:
    late = row([20], [9.0])
    times_us, values = merged([row([60, 80], [4.0, 5.0]), late, row([0, 20, 40], [1.0, 2.0, 3.0])])
    assert times_us.tolist() == [80, 60, 40, 20, 0]
    assert values.tolist() == [5.0, 4.0, 3.0, 2.0, 1.0]


def test_a_tick_without_the_channel_gives_way_to_the_late_rest_of_it() -> None:
    times_us, values = merged([row([-20, 0, 20], [1.0, math.nan, math.nan]), row([0], [2.0])])
    assert (times_us.tolist(), values.tolist()) == ([0, -20], [2.0, 1.0])


def test_no_row_gives_an_empty_series() -> None:
    times_us, values = merged([])
    assert (len(times_us), len(values)) == (0, 0)
