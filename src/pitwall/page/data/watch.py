"""Predictions that meet their truth, and sensors that drift: kept for the models view and for
Prometheus.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from pitwall.errors import ModelError
from pitwall.features.topic import FeatureRow
from pitwall.monitoring.calibration import WATCHED, from_offline
from pitwall.monitoring.drift import Drift
from pitwall.monitoring.metrics import exposition
from pitwall.monitoring.truths import Truths
from pitwall.settings import Settings
from pitwall.stores.offline.files import recorded
from pitwall.training.tasks import task, tasks

AGAIN_S = 60.0
"""So often it is looked whether there are laps to calibrate on."""


class Watch:
    """Fed by the page's one reader of the topics.

    The drift bands are calibrated on the offline store, in the background.
    """

    def __init__(self, settings: Settings) -> None:
        self.truths = Truths({name: task(settings, name).label.truth for name in tasks(settings)})
        self._drift: Drift | None = None
        threading.Thread(
            target=self._calibrate, args=(settings,), daemon=True, name="drift"
        ).start()

    def _calibrate(self, settings: Settings) -> None:
        """Once there are laps enough."""
        import duckdb

        from pitwall.training.dataset import laps

        while self._drift is None or self.truths.length_m is None:
            # No whole lap yet, or files that were being replaced.
            with suppress(ModelError, duckdb.Error):
                self.truths.length_m = float(laps(settings)["length_m"].median())
                bands = from_offline(recorded(settings, "car_state"), WATCHED)
                self._drift = Drift(bands) if bands else None
            time.sleep(AGAIN_S)

    def row(self, row: FeatureRow) -> None:
        """One feature row, in its session's order."""
        self.truths.row(
            row.vehicle,
            row.session,
            row.event_us,
            {name: row[name] for name in self.truths.needs if name in row.names},
        )
        if self._drift is not None and set(WATCHED) <= set(row.names):
            values = [row[name] for name in WATCHED]
            self._drift.row(
                row.vehicle, row.session, row["lap_number"], row["lap_distance"], values
            )

    def prediction(self, message: dict[str, Any]) -> None:
        """One prediction as it stands on its topic."""
        self.truths.prediction(message)

    def close_silent(self) -> None:
        """Now and then: laps that ended with their session meet their truth, and what is over is
        forgotten.
        """
        self.truths.close_silent()
        if self._drift is not None:
            self._drift.close_silent()

    @property
    def watched(self) -> tuple[str, ...]:
        """The channels whose drift is watched; none before there are enough laps to calibrate."""
        return self._drift.bands.channels if self._drift else ()

    def doubted(self, vehicle: str, session: str) -> tuple[str, ...]:
        """A session's channels in doubt now."""
        return self._drift.raised.get((vehicle, session), ()) if self._drift else ()

    def metrics(self) -> str:
        """Prometheus' text format."""
        return exposition(self.truths.scores, self._drift.raised if self._drift else {})
