"""Live errors of predictions and drift of channels, for the models view and for Prometheus."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pitwall.errors import ModelError, StoreError
from pitwall.features.topic import FeatureRow
from pitwall.kafka.unreadable import Unreadable
from pitwall.machine.lasting import Lasting
from pitwall.monitoring.bands import Bands
from pitwall.monitoring.calibration import WATCHED, from_offline
from pitwall.monitoring.drift import Drift
from pitwall.monitoring.metrics import exposition
from pitwall.monitoring.truths import Truths
from pitwall.settings import Settings
from pitwall.stores.offline.files import recorded
from pitwall.stores.offline.marks import excluded
from pitwall.training.tasks import readable

RETRY_S = 60.0
"""Pause before the offline store is asked again for laps to calibrate on."""


class Watch:
    """Scores predictions when their truth is known, and watches channels for drift.

    The feed adds all rows and predictions in one thread. A second thread calibrates the drift bands
    on the offline store as soon as that holds enough laps.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.truths = Truths(
            {name: chosen.label.truth for name, chosen in readable(settings).items()}
        )
        self._drift: Drift | None = None
        self._thread = Lasting("the calibration of drift", self._calibrate, RETRY_S)

    def start(self) -> None:
        """Begin to calibrate."""
        self._thread.start()

    @property
    def problem(self) -> str:
        """Why the calibration does not go on, as a sentence; empty while all is well."""
        return self._thread.problem

    def close(self) -> None:
        """Stop calibrating."""
        self._thread.close(0)

    def watch_drift(self, bands: Bands) -> None:
        """Watch channels for drift out of these bands from now on."""
        self._drift = Drift(bands)

    def _calibrate(self) -> None:
        import duckdb

        from pitwall.training.laps import usual_length_m

        if self._drift is not None and self.truths.length_m is not None:
            return
        # There may be no whole lap yet, or files may be replaced while they are read.
        with suppress(ModelError, StoreError, duckdb.Error):
            self.truths.length_m = usual_length_m(self._settings)
            if bands := from_offline(
                recorded(self._settings, "car_state"), WATCHED, excluded(self._settings)
            ):
                self.watch_drift(bands)

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

    def metrics(self, unreadable: Unreadable) -> str:
        """Errors, drift alarms and messages left out in Prometheus' text format."""
        raised = self._drift.raised if self._drift else {}
        return exposition(self.truths.scores, raised, unreadable)
