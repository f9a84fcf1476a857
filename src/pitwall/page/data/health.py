"""The health of a session's data: rate, gaps, delays, late ticks and dead letters."""

from __future__ import annotations

import threading

import numpy as np
from confluent_kafka import KafkaException

from pitwall.errors import PitwallError
from pitwall.flink.metrics import job_metrics
from pitwall.kafka.topics import end_offsets
from pitwall.page.data.session import LiveSession
from pitwall.page.data.text import NBSP, Cell, whole_number
from pitwall.settings import Settings

EVERY_S = 5.0


class Health:
    """Reads Flink's metrics and the length of the dead-letter topic every five seconds.

    One thread does it for all viewers.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.metrics: dict[str, float] = {}
        """What `job_metrics` gives; empty while Flink does not answer.

        `freshness_ms` is the p99 of the last minute's writes, and `freshness_max_ms` the longest
        delay, also of rows that still wait.
        """
        self.dead_letters: int | None = None
        """Number of dead letters of all cars; None while Kafka does not answer."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="health")
        self._thread.start()

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()
        self._thread.join(15)

    def _run(self) -> None:
        settings = self._settings
        while not self._stop.is_set():
            self.metrics = job_metrics(settings)
            try:
                self.dead_letters = sum(end_offsets(settings, settings.dead_letters_topic).values())
            except (PitwallError, KafkaException):
                self.dead_letters = None
            self._stop.wait(EVERY_S)

    def rows(self, session: LiveSession) -> list[list[str]]:
        """The rows of the health table: what is measured, and its value."""
        delays = list(session.delays_ms)
        p50_ms, p99_ms = (
            np.percentile(delays, (50, 99)) if delays and session.running else (np.nan, np.nan)
        )
        rate_hz = session.value("ticks_1s") if session.running else 0.0
        gaps = session.value("gaps_30s")
        stored_ms = self.metrics.get("freshness_ms", np.nan)
        longest_ms = self.metrics.get("freshness_max_ms", np.nan)
        return [
            [Cell("Rate", "text"), whole_number(rate_hz, "Hz")],
            [
                Cell(f"Gaps above 0.1{NBSP}s in the last 30{NBSP}s", "text"),
                Cell(whole_number(gaps), "warn" if gaps > 0 else ""),
            ],
            [
                Cell("Delay to this page, p50 / p99", "text"),
                f"{whole_number(p50_ms)} / {whole_number(p99_ms, 'ms')}",
            ],
            [
                Cell("Delay to the online store, p99 / longest", "text"),
                f"{whole_number(stored_ms)} / {whole_number(longest_ms, 'ms')}",
            ],
            [Cell("Late ticks of all cars", "text"), _count(self.metrics.get("late"))],
            [Cell("Dead letters of all cars", "text"), _count(self.dead_letters)],
        ]


def _count(count: float | None) -> Cell:
    """A count of what should not happen; None is unknown."""
    return Cell("unknown" if count is None else f"{count:,.0f}", "warn" if count else "")
