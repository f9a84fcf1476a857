"""Live errors of predictions and drift of channels, for the models view and for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import numpy as np

from pitwall.errors import ModelError, StoreError
from pitwall.features.topic import FeatureRow
from pitwall.kafka.unreadable import Unreadable
from pitwall.machine.lasting import Lasting
from pitwall.machine.space import space
from pitwall.monitoring.bands import Bands
from pitwall.monitoring.calibration import PLACE, WATCHED, from_offline
from pitwall.monitoring.drift import Drift
from pitwall.monitoring.metrics import exposition
from pitwall.monitoring.truths import Truths
from pitwall.settings import Settings
from pitwall.stores.offline.files import files, recorded
from pitwall.stores.offline.marks import Key, excluded
from pitwall.training.tasks import readable

RETRY_S = 60.0
"""Pause before the offline store is asked again for laps to calibrate on."""
FOLLOWED_S = 600.0
"""After so many seconds the bands follow the laps that came since."""


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
        self._calibrated_s = -np.inf
        self._known: tuple[list[str], Collection[Key]] | None = None
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

    def watch_drift(self, *circuits: Bands) -> None:
        """Watch channels for drift out of these bands from now on; the most usual circuit first."""
        if self._drift is None:
            self._drift = Drift(*circuits)
        else:  # alarms of laps that are under way stay
            self._drift.circuits = circuits

    def _calibrate(self) -> None:
        import duckdb

        from pitwall.training.laps import usual_length_m

        now_s = time.monotonic()
        if now_s - self._calibrated_s < FOLLOWED_S:
            return
        # There may be no whole lap yet, or files may be replaced while they are read.
        with suppress(ModelError, StoreError, duckdb.Error):
            place = recorded(self._settings, "car_state")
            known, out = files(place), excluded(self._settings)
            if (known, out) != self._known:
                self.truths.length_m = usual_length_m(self._settings)
                if circuits := from_offline(place, WATCHED, out):
                    self.watch_drift(*circuits)
                    self._known = known, out
            if self._known is not None:
                self._calibrated_s = now_s

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
            x, z = (row[name] if name in row.names else None for name in PLACE)
            self._drift.row(
                row.vehicle, row.session, row["lap_number"], row["lap_distance"], values, (x, z)
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
        return self._drift.circuits[0].channels if self._drift else ()

    def channels_in_doubt(self, vehicle: str, session: str) -> tuple[str, ...]:
        """The channels of a session that are outside of their drift bands now."""
        return self._drift.raised.get((vehicle, session), ()) if self._drift else ()

    def metrics(self, unreadable: Unreadable) -> str:
        """Errors, drift alarms and messages left out in Prometheus' text format."""
        raised = self._drift.raised if self._drift else {}
        return exposition(self.truths.scores, raised, unreadable, space(self._settings))
