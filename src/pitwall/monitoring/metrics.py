"""Errors of predictions and alarms of drift in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pitwall.kafka.unreadable import Unreadable
from pitwall.machine.space import Space
from pitwall.monitoring.truths import Score
from pitwall.serving.metrics import left_out


class _Monitoring(Collector):
    def __init__(
        self,
        scores: Mapping[tuple[str, int], Score],
        raised: Mapping[tuple[str, str], Sequence[str]],
        unreadable: Unreadable | None,
        disk: Space | None,
    ) -> None:
        self._scores = scores
        self._raised = raised
        self._unreadable = unreadable
        self._disk = disk

    def collect(self) -> Iterable[Metric]:
        model = ["model", "version", "unit"]
        error = GaugeMetricFamily(
            "pitwall_prediction_error",
            "Mean absolute error by tenth of the lap, in the label's unit.",
            labels=[*model, "part"],
        )
        scored = GaugeMetricFamily(
            "pitwall_predictions_scored",
            "Predictions that met their truth since the page started.",
            labels=model,
        )
        coverage = GaugeMetricFamily(
            "pitwall_prediction_coverage",
            "Share of the truths that lay in the predicted interval, 0 to 1.",
            labels=model,
        )
        alarm = GaugeMetricFamily(
            "pitwall_drift_alarm",
            "1 for a channel outside the band of the training laps.",
            labels=["vehicle", "session", "channel"],
        )
        for (name, version), score in sorted(dict(self._scores).items()):
            labels = [name, str(version), score.unit]
            for part, mean in enumerate(score.by_part()):
                if mean is not None:
                    error.add_metric([*labels, str(part)], mean)
            scored.add_metric(labels, float(score.count.sum()))
            if score.promised:
                coverage.add_metric(labels, score.held / score.promised)
        for (vehicle, session), channels in sorted(dict(self._raised).items()):
            for channel in channels:
                alarm.add_metric([vehicle, session, channel], 1)
        yield from (error, scored, coverage, alarm)
        if self._unreadable is not None:
            yield left_out(self._unreadable)
        if self._disk is not None:
            for name, meaning, value in (
                ("free", "Free space on the disk of the stack.", self._disk.free),
                ("least", "With less free space the stack does not start.", self._disk.least),
            ):
                yield GaugeMetricFamily(f"pitwall_disk_{name}_bytes", meaning, value)


def exposition(
    scores: Mapping[tuple[str, int], Score],
    raised: Mapping[tuple[str, str], Sequence[str]],
    unreadable: Unreadable | None = None,
    disk: Space | None = None,
) -> str:
    """The text that Prometheus reads.

    It is of `Truths.scores`, `Drift.raised`, messages left out, and the disk's free space.
    """
    registry = CollectorRegistry()
    registry.register(_Monitoring(scores, raised, unreadable, disk))
    return generate_latest(registry).decode()
