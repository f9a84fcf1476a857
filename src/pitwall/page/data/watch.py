"""Live errors of predictions and drift of channels, for the models view and for Prometheus."""

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

RETRY_S = 60.0
"""Pause before the offline store is asked again for laps to calibrate on."""


class Watch:
    """Scores predictions when their truth is known, and watches channels for drift.

    The feed adds all rows and predictions in one thread. A second thread calibrates the drift bands
    on the offline store as soon as that holds enough laps.
    """

    def __init__(self, settings: Settings) -> None:
        self.truths = Truths({name: task(settings, name).label.truth for name in tasks(settings)})
        self._drift: Drift | None = None
        threading.Thread(
            target=self._calibrate, args=(settings,), daemon=True, name="drift"
        ).start()

    def _calibrate(self, settings: Settings) -> None:
        import duckdb

        from pitwall.training.dataset import laps

        while self._drift is None or self.truths.length_m is None:
            # There may be no whole lap yet, or files may be replaced while they are read.
            with suppress(ModelError, duckdb.Error):
                self.truths.length_m = float(laps(settings)["length_m"].median())
                bands = from_offline(recorded(settings, "car_state"), WATCHED)
                self._drift = Drift(bands) if bands else None
            time.sleep(RETRY_S)

    def add_row(self, row: FeatureRow) -> None:
        """Take one row of features, in the order of its session."""
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

    def add_prediction(self, message: dict[str, Any]) -> None:
        """Take one message of the predictions topic."""
        self.truths.prediction(message)

    def close_silent(self) -> None:
        """Score the last laps of sessions that fell silent, and forget those that are over."""
        self.truths.close_silent()
        if self._drift is not None:
            self._drift.close_silent()

    @property
    def watched_channels(self) -> tuple[str, ...]:
        """The channels that are watched for drift; none before the bands are calibrated."""
        return self._drift.bands.channels if self._drift else ()

    def channels_in_doubt(self, vehicle: str, session: str) -> tuple[str, ...]:
        """The channels of a session that are outside of their drift bands now."""
        return self._drift.raised.get((vehicle, session), ()) if self._drift else ()

    def metrics(self) -> str:
        """Errors and drift alarms in Prometheus' text format."""
        return exposition(self.truths.scores, self._drift.raised if self._drift else {})
