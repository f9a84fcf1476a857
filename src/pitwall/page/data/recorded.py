"""Both stores as the page reads them.

Features come from the offline store, and channels that are no features from the telemetry history.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from pitwall.channels.table import CHANNELS
from pitwall.channels.units import unit_factors
from pitwall.features import FeatureSet, load
from pitwall.features.feature import Feature
from pitwall.page.data.offline import OfflineRows
from pitwall.page.data.reference import Reference
from pitwall.page.data.rows import Floats
from pitwall.page.data.stored_laps import StoredLap, stored_laps
from pitwall.page.data.trail import INDEX, TRAIL, TRAIL_HZ
from pitwall.settings import Settings
from pitwall.stores.offline.marks import Key, excluded

LIST_AGE_S = 5.0
"""The list of stored laps is read again when it is older than this."""
MOST_CANDIDATES = 100
"""So many stored laps, the fastest first, may be read to find one of the same road."""
SAME_TICK_S = 5e-7
"""Session times closer than this belong to one tick, because the stores keep microseconds."""
UNIT_SAMPLE_S = 30.0
"""So long a part of the offline store is compared with the history to tell the car's unit."""


class Archive:
    """Reads both stores, from several threads.

    Its methods raise `StoreError` when a store does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.feature_sets: dict[str, FeatureSet] = {
            features.name: features for features in load(settings.feature_repo)
        }
        """The feature set of each view, by the view's name."""
        self._offline = OfflineRows(settings, self.feature_sets)
        self._lock = threading.Lock()
        """Guards `_history` and `_references`."""
        self._history: Any = None
        self._references: dict[StoredLap, Reference | None] = {}
        self._list_lock = threading.Lock()
        self._list: tuple[float, list[StoredLap]] = (-LIST_AGE_S, [])
        """When the laps were listed, and the laps."""
        self._excluded: set[Key] = set()
        """Sessions that are excluded, as they were then."""

    def close(self) -> None:
        """Close the connection to Cassandra."""
        with self._lock:
            if self._history is not None:
                self._history.__exit__(None, None, None)
                self._history = None

    def unit(self, name: str) -> str:
        """Unit of a feature of any view, or else of a channel; empty where there is none."""
        for features in self.feature_sets.values():
            for feature in features.features:
                if feature.name == name:
                    return feature.unit
        return CHANNELS[name].unit if name in CHANNELS else ""

    def laps(self) -> list[StoredLap]:
        """All laps of the offline store, the newest session first; at most five seconds old."""
        with self._list_lock:
            if time.monotonic() - self._list[0] > LIST_AGE_S:
                self._list = (
                    time.monotonic(),
                    stored_laps(self._offline, self.feature_sets),
                )
                self._excluded = excluded(self._settings)
            return self._list[1]

    def lap_rows(self, lap: StoredLap, names: Sequence[str]) -> Floats:
        """Rows of a stored lap: session time (s), lap time (s), lap distance (m) and the features.

        The shape is (rows, 3 + names). The lap distance rises from row to row. Rows where it does
        not rise, and rows without lap time or lap distance, are left out. A null is NaN.
        """
        rows = self._offline.features(
            lap.view,
            (lap.vehicle, lap.session),
            ("lap_number", "lap_time", "lap_distance", *names),
            lap.start_s,
            lap.end_s,
        )
        rows = rows[(rows[:, 1] == lap.number) & np.isfinite(rows[:, 2:4]).all(axis=1)]
        distance = rows[:, 3]
        rises = distance > np.r_[-np.inf, np.maximum.accumulate(distance)[:-1]]
        return np.delete(rows[rises], 1, axis=1)

    def reference(self, lap: StoredLap) -> Reference | None:
        """A stored lap to compare with; None for one that is not whole or has no distances."""
        with self._lock:
            if lap in self._references:
                return self._references[lap]
        _, lap_time, distance, x, z = self.lap_rows(lap, ("position_x", "position_z")).T
        reference = (
            Reference(lap.name, distance, lap_time, x, z, lap.time_s)
            if len(distance) > 1 and lap.whole
            else None
        )
        with self._lock:
            self._references[lap] = reference
        return reference

    def fastest(self, view: str, vehicle: str, session: str, trail: Floats) -> Reference | None:
        """The fastest lap of another session on the trail's road; None where none is stored.

        Laps of excluded sessions do not count.
        """
        other_laps = [
            lap
            for lap in self.laps()
            if lap.view == view
            and lap.whole
            and (lap.vehicle, lap.session) not in {(vehicle, session), *self._excluded}
        ]
        for lap in sorted(other_laps, key=lambda lap: lap.time_s)[:MOST_CANDIDATES]:
            reference = self.reference(lap)
            if reference is not None and reference.fits(trail):
                return reference
        return None

    def trail(self, view: str, vehicle: str, session: str, until_s: float | None) -> Floats:
        """The session's trail before session time `until_s`, shape (rows, TRAIL), at 10 Hz.

        `until_s` is not included; None gives all of the trail.
        """
        known_names = self.feature_sets[view].names if view in self.feature_sets else []
        shares = [name for name in known_names if "_out_of_range_share_" in name]
        names = [name for name in TRAIL if name not in ("session_time", "out_of_range")]
        rows = self._offline.features(view, (vehicle, session), [*names, *shares], None, until_s)
        if until_s is not None:
            rows = rows[rows[:, 0] < until_s]
        if not len(rows):
            return np.empty((0, len(TRAIL)))
        slots = np.floor(rows[:, 0] * TRAIL_HZ + 1e-6)
        rows = rows[np.r_[True, np.diff(slots) > 0]]
        trail = np.full((len(rows), len(TRAIL)), np.nan)
        trail[:, : len(names) + 1] = rows[:, : len(names) + 1]
        if shares:
            trail[:, INDEX["out_of_range"]] = rows[:, len(names) + 1 :].max(axis=1)
        return trail

    def channel(
        self,
        vehicle: str,
        session: str,
        channel: str,
        since_s: float | None = None,
        until_s: float | None = None,
    ) -> Floats:
        """Session time (s) and value of a channel by rising time, shape (values, 2).

        They come from the telemetry history, in the unit that the car sent.
        """
        from pitwall.stores.history import HistoryReader

        with self._lock:
            if self._history is None:
                self._history = HistoryReader(self._settings)
            history = self._history.read(
                vehicle, session, channel, since_s=since_s, until_s=until_s
            )
        return np.column_stack([history.times_s[::-1], history.values[::-1]])

    def earlier(
        self,
        view: str,
        vehicle: str,
        session: str,
        name: str,
        since_s: float | None,
        until_s: float,
    ) -> Floats:
        """Session time (s) and value of a feature or channel by rising time, shape (values, 2).

        `until_s` is where the live rows begin; it is not included. A channel, and a feature that
        is the newest value of a channel, comes from the telemetry history, which has it at once.
        Any other feature comes from the offline store, which shows rows after the next checkpoint.
        """
        feature = self._feature(view, name)
        if feature is not None and not feature.is_channel:
            values = self._offline.features(view, (vehicle, session), [name], since_s, until_s)
        else:
            channel = feature.channel if feature and feature.channel else name
            values = self.channel(vehicle, session, channel, since_s, until_s)
            if feature is not None:
                values[:, 1] *= self._unit_factor(view, vehicle, session, feature, values)
        return np.asarray(
            values[(values[:, 0] < until_s - SAME_TICK_S) & np.isfinite(values[:, 1])]
        )

    def _feature(self, view: str, name: str) -> Feature | None:
        features = self.feature_sets[view].features if view in self.feature_sets else []
        return next((feature for feature in features if feature.name == name), None)

    def _unit_factor(
        self, view: str, vehicle: str, session: str, feature: Feature, sent: Floats
    ) -> float:
        """The factor from the unit that the car sent to the feature's unit.

        The history does not hold the unit of the values `sent`, so the factor is the one that fits
        stored rows of the feature best.
        """
        channel = CHANNELS.get(feature.channel or "") or feature.own
        factors = unit_factors(channel) if channel else {}
        if not factors or not len(sent):
            return 1.0
        begin_s = float(sent[0, 0])
        stored = self._offline.features(
            view, (vehicle, session), [feature.name], begin_s, begin_s + UNIT_SAMPLE_S
        )
        if not len(stored):
            return 1.0
        sent_then = np.interp(stored[:, 0], sent[:, 0], sent[:, 1])
        usable = np.abs(sent_then) > 1e-6
        if not usable.any():
            return 1.0
        measured = float(np.median(stored[usable, 1] / sent_then[usable]))
        return min(
            (1.0, *factors.values()),
            key=lambda factor: abs(np.log(max(abs(measured), 1e-12) / factor)),
        )
