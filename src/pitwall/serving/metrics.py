"""What Prometheus reads at `/predict-metrics`; BentoML's own metrics are at `/metrics`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from pitwall.kafka.unreadable import Unreadable
from pitwall.serving.parts import Parts
from pitwall.serving.registry import Registry

BUCKETS_S = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
AGE_BUCKETS_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 60, 3600)


class Versions(Collector):
    """The versions in use, refused and withdrawn, as they are at the moment Prometheus asks.

    `registry` gives None before the models are loaded.
    """

    def __init__(self, registry: Callable[[], Registry | None]) -> None:
        self._registry = registry

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the three gauges."""
        used = GaugeMetricFamily(
            "pitwall_model_version", "Version in use", labels=["model", "role"]
        )
        refused = GaugeMetricFamily(
            "pitwall_model_refused_version",
            "Version that could not be used",
            labels=["model", "alias"],
        )
        withdrawn = GaugeMetricFamily(
            "pitwall_model_withdrawn_version",
            "Version that is no longer served, because its alias or its task is gone",
            labels=["model"],
        )
        if (registry := self._registry()) is not None:
            for model in registry.serving():
                used.add_metric([model.name, model.role], model.version)
            for key, version in registry.refused.items():
                refused.add_metric(key, version)
            for name, version in registry.withdrawn.items():
                withdrawn.add_metric([name], version)
        yield from (used, refused, withdrawn)


def left_out(unreadable: Unreadable) -> CounterMetricFamily:
    """The messages that a reader left out, as a counter by topic and cause."""
    counter = CounterMetricFamily(
        "pitwall_messages_left_out",
        "Messages that the reader left out: damaged ones, and those that met a fault of ours.",
        labels=["reader", "topic", "cause"],
    )
    for cause, counts in (("damaged", unreadable.damaged), ("fault", unreadable.failed)):
        for topic, count in sorted(dict(counts).items()):
            counter.add_metric([unreadable.reader, topic, cause], count)
    return counter


class Metrics:
    """The endpoint's counters and histograms, in a registry of their own. Times in seconds."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        registry = self._registry = CollectorRegistry()
        registry.register(Versions(lambda: parts.registry if parts.warm else None))
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
        if self._parts.warm:
            self.outbox.set(self._parts.outbox.waiting())
            self.refused.set(self._parts.outbox.refused())
        return generate_latest(self._registry)
