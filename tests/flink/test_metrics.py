"""The job's own metrics out of Prometheus' text."""

from __future__ import annotations

from pitwall.flink.metrics import read_metrics


def test_flinks_counters_are_summed_and_of_delays_the_longest_counts() -> None:
    text = """flink_x_pitwall_late{a="1"} 2.0
flink_x_pitwall_late{a="2"} 3
flink_y{a="1"} 9
flink_x_pitwall_freshness_ms{a="1",quantile="0.99",} 40.5
flink_x_pitwall_freshness_ms{a="2",quantile="0.99",} 30
flink_x_pitwall_freshness_ms{a="3",quantile="0.99",} NaN
flink_x_pitwall_freshness_ms{a="1",quantile="0.999",} 90
flink_x_pitwall_freshness_max_ms{a="1",} 95
flink_x_pitwall_freshness_max_ms{a="2",} 86400000
flink_x_pitwall_freshness_max_ms{a="3",} NaN
"""
    delays = {"freshness_ms": 40.5, "freshness_max_ms": 86_400_000}
    assert read_metrics(text) == {"late": 5, **delays}
