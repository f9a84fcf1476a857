"""Percentiles of the benchmarks, and waiting with a limit."""

from __future__ import annotations

import numpy as np
import pytest

from pitwall.errors import StackError
from pitwall.lab.bench.latency import percentiles
from pitwall.lab.demo.report import p50_and_p99
from pitwall.lab.progress import wait


def test_percentiles_lie_between_samples() -> None:
    latency = percentiles(np.arange(1001.0))
    assert (latency.p50, latency.p99, latency.p99_9) == (500.0, 990.0, 999.0)
    assert latency.figures("ms", start="request_", end="_1_clients") == {
        "request_p50_ms_1_clients": 500.0,
        "request_p99_ms_1_clients": 990.0,
        "request_p99.9_ms_1_clients": 999.0,
    }


def test_there_is_no_p99_9_of_fewer_than_1000_samples() -> None:
    assert percentiles([1.0] * 999).p99_9 is None
    assert percentiles([1.0] * 1000).p99_9 == 1.0
    assert percentiles([0.12345], decimals=3).p50 == 0.123
    with pytest.raises(ValueError, match="no samples"):
        percentiles([])


def test_the_report_of_the_demo_has_p50_and_p99_alone() -> None:
    assert p50_and_p99([]) == {"p50": None, "p99": None}
    assert p50_and_p99([1.0, 2.0, 3.0]) == {"p50": 2.0, "p99": 3.0}


def test_waiting_ends_with_the_condition_or_names_it() -> None:
    answers = iter([False, True])
    wait(lambda: next(answers), 60, "the second answer")
    with pytest.raises(StackError, match="waited 0 s for the third answer"):
        wait(lambda: False, 0, lambda: "the third answer")
