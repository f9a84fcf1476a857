"""What Prometheus reads at `/predict-metrics`; BentoML's own metrics are at `/metrics`."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pitwall.serving.parts import Parts

BUCKETS_S = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
AGE_BUCKETS_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 60, 3600)


class Versions(Collector):
    """The versions in use and those refused, as they are at the moment Prometheus asks."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give both gauges."""
        used = GaugeMetricFamily(
            "pitwall_model_version", "Version in use", labels=["model", "role"]
        )
        refused = GaugeMetricFamily(
            "pitwall_model_refused_version",
            "Version that could not be used",
            labels=["model", "alias"],
        )
        if self._parts.warm:
            for model in self._parts.registry.serving():
                used.add_metric([model.name, model.role], model.version)
            for key, version in self._parts.registry.refused.items():
                refused.add_metric(key, version)
        yield used
        yield refused


class Metrics:
    """The endpoint's counters and histograms, in a registry of their own. Times in seconds."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        registry = self._registry = CollectorRegistry()
        registry.register(Versions(parts))
        self.seconds = Histogram(
            "pitwall_predict_seconds",
            "Time of a prediction",
            ["model"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self.read = Histogram(
            "pitwall_online_read_seconds",
            "Time of a read of the online store",
            buckets=BUCKETS_S,
            registry=registry,
        )
        self.age = Histogram(
            "pitwall_predict_feature_age_seconds",
            "Age of the features of a prediction",
            ["model"],
            buckets=AGE_BUCKETS_S,
            registry=registry,
        )
        self.errors = Counter(
            "pitwall_predict_errors", "Questions that were refused", ["code"], registry=registry
        )
        self.outbox = Gauge(
            "pitwall_predict_outbox", "Predictions Kafka has not acknowledged", registry=registry
        )
        self.refused = Gauge(
            "pitwall_predict_outbox_refused",
            "Messages Kafka has refused and the outbox has set aside",
            registry=registry,
        )

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        self.outbox.set(self._parts.outbox.waiting())
        self.refused.set(self._parts.outbox.refused())
        return generate_latest(self._registry)
