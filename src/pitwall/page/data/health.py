"""The health of a session's data: rate, gaps, delays, late ticks and dead letters."""

from __future__ import annotations

import numpy as np

from pitwall.errors import PitwallError
from pitwall.flink.metrics import job_metrics
from pitwall.kafka.topics import end_offsets
from pitwall.kafka.unreadable import Unreadable
from pitwall.machine.lasting import Lasting
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
        self._thread = Lasting("the reader of the job's metrics", self._read, EVERY_S)
        self._thread.start()

    @property
    def problem(self) -> str:
        """Why the reading does not go on, as a sentence; empty while all is well."""
        return self._thread.problem

    def close(self) -> None:
        """Stop the thread."""
        self._thread.close(15)

    def _read(self) -> None:
        settings = self._settings
        self.metrics = job_metrics(settings)
        try:
            self.dead_letters = sum(end_offsets(settings, settings.dead_letters_topic).values())
        except PitwallError:
            self.dead_letters = None

    def rows(self, session: LiveSession, unreadable: Unreadable) -> list[list[str]]:
        """The rows of the health table: what is measured, and its value.

        `unreadable` are the messages that the page left out; the newest is shown.
        """
        delays = list(session.delays_ms)
        p50_ms, p99_ms = (
            np.percentile(delays, (50, 99)) if delays and session.running else (np.nan, np.nan)
        )
        rate_hz = session.value("ticks_1s") if session.running else 0.0
        gaps = session.value("gaps_30s")
        stored_ms = self.metrics.get("freshness_ms", np.nan)
        longest_ms = self.metrics.get("freshness_max_ms", np.nan)
        newest: list[list[str]] = (
            [[Cell(unreadable.newest, "text"), ""]] if unreadable.newest else []
        )
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
            [
                Cell("Messages this page left out, of all cars", "text"),
                _count(unreadable.total),
            ],
            *newest,
        ]


def _count(count: float | None) -> Cell:
    """A count of what should not happen; None is unknown."""
    return Cell("unknown" if count is None else f"{count:,.0f}", "warn" if count else "")
