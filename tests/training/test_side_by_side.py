"""Pieces of work on every processor."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

from pitwall.training.side_by_side import alone, side_by_side


def test_answers_come_in_the_items_order_and_every_piece_is_counted() -> None:
    first_waits = threading.Event()
    counts: list[int] = []

    def work(item: int) -> int:
        if item == 0:
            first_waits.wait(5)
        else:
            first_waits.set()
        return item * item

    assert side_by_side(work, [0, 1, 2, 3], counts.append) == [0, 1, 4, 9]
    assert counts == [1, 2, 3, 4]
    assert side_by_side(work, []) == []


def test_the_first_error_is_raised_and_what_was_not_begun_is_left() -> None:
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item"):
        side_by_side(work, range(1000))
    assert len(begun) < 1000


def test_a_piece_has_one_thread_and_gives_the_bits_of_many() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3000, 8))
    labels = rows @ rng.normal(size=8)
    before = _openmp_effective_n_threads()

    def predicted(seed: int) -> NDArray[np.float64]:
        trees = HistGradientBoostingRegressor(max_iter=20, random_state=seed, early_stopping=False)
        return np.asarray(trees.fit(rows, labels).predict(rows))

    usual = predicted(0)
    assert alone(_openmp_effective_n_threads) == 1
    assert side_by_side(lambda item: _openmp_effective_n_threads(), range(4)) == [1] * 4
    assert _openmp_effective_n_threads() == before
    for own in side_by_side(predicted, [0, 0, 0]):
        assert np.array_equal(own, usual)
