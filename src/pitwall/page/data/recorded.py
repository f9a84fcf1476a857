"""What the stores remember: features from the offline store, other channels from the telemetry
history.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from pitwall.channels.table import CHANNELS
from pitwall.channels.units import unit_factors
from pitwall.errors import StoreError
from pitwall.features import FeatureSet, load
from pitwall.features.kinds import Kind
from pitwall.page.data.laps import Reference
from pitwall.page.data.session import AT, TRAIL, Floats
from pitwall.settings import Settings
from pitwall.stores.offline.database import database
from pitwall.stores.offline.files import files, recorded
from pitwall.stores.offline.laps import whole

LISTED_S = 5.0
LOOKED_AT = 100
"""So many laps, the fastest first, are looked at for one of the same road."""
SAME_S = 5e-7
"""Two times closer than this are one tick's: the stores keep microseconds."""


@dataclass(frozen=True)
class StoredLap:
    """One lap of the offline store.

    Times in seconds of session time; `time_s` is NaN unless the lap was seen whole.
    """

    vehicle: str
    session: str
    view: str
    number: int
    start_s: float
    end_s: float
    time_s: float


class Archive:
    """Reads both stores, from several threads. Raises `StoreError` when one does not answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.sets: dict[str, FeatureSet] = {each.name: each for each in load(settings.feature_repo)}
        self._lock = threading.Lock()
        self._history: Any = None
        self._listing = threading.Lock()
        self._listed: tuple[float, list[StoredLap]] = (-LISTED_S, [])
        self._references: dict[StoredLap, Reference | None] = {}
        self._index = threading.Lock()
        self._holds: dict[str, set[tuple[str, str]]] = {}
        """The entities of each file of the offline store."""

    def features(
        self,
        view: str,
        vehicle: str,
        session: str,
        names: Sequence[str],
        since_s: float | None = None,
        until_s: float | None = None,
    ) -> Floats:
        """Shape (rows, 1 + names): session time and the features, by rising time, both ends
        included. NaN for null.
        """
        known = self.sets[view].names if view in self.sets else []
        chosen = ", ".join(
            f'"{name}"' if name in known else "NULL::DOUBLE" for name in ("session_time", *names)
        )
        rows = self._query(
            view,
            f"SELECT {chosen} FROM rows WHERE vehicle = $vehicle AND session = $session "
            "AND ($since IS NULL OR session_time >= $since) "
            "AND ($until IS NULL OR session_time <= $until) "
            "QUALIFY row_number() OVER "
            "(PARTITION BY event_timestamp ORDER BY created_timestamp DESC) = 1 "
            "ORDER BY event_timestamp",
            {"vehicle": vehicle, "session": session, "since": since_s, "until": until_s},
        )
        return rows if len(rows) else np.empty((0, 1 + len(names)))

    def unit(self, name: str) -> str:
        """Unit of a feature of any view, or else of a channel; empty where there is none."""
        for features in self.sets.values():
            for feature in features.features:
                if feature.name == name:
                    return feature.unit
        return CHANNELS[name].unit if name in CHANNELS else ""

    def trail(self, view: str, vehicle: str, session: str, until_s: float | None) -> Floats:
        """The session's trail before `until_s` (not included), at 10 Hz."""
        known = self.sets[view].names if view in self.sets else []
        shares = [name for name in known if "_out_of_range_share_" in name]
        names = [name for name in TRAIL if name not in ("session_time", "out_of_range")]
        block = self.features(view, vehicle, session, [*names, *shares], None, until_s)
        if until_s is not None:
            block = block[block[:, 0] < until_s]
        if not len(block):
            return np.empty((0, len(TRAIL)))
        slots = np.floor(block[:, 0] * 10 + 1e-6)
        block = block[np.r_[True, np.diff(slots) > 0]]
        out = np.full((len(block), len(TRAIL)), np.nan)
        out[:, : len(names) + 1] = block[:, : len(names) + 1]
        if shares:
            out[:, AT["out_of_range"]] = block[:, len(names) + 1 :].max(axis=1)
        return out

    def laps(self) -> list[StoredLap]:
        """All laps of the offline store, newest session first; looked for again when five seconds
        have passed.
        """
        with self._listing:
            if time.monotonic() - self._listed[0] > LISTED_S:
                self._listed = (time.monotonic(), self._laps())
            return self._listed[1]

    def _laps(self) -> list[StoredLap]:
        found = []
        for view, features in self.sets.items():
            if not {
                "lap_number",
                "lap_time",
                "lap_last_time",
                "lap_from_start",
                "session_time",
            } <= set(features.names):
                continue
            rows = self._query(
                view,
                "WITH laps AS (SELECT vehicle, session, lap_number, "
                "min(session_time) AS begun, max(session_time) AS ended, "
                "min(lap_from_start) AS from_start, min(lap_last_time) AS before, "
                "max(lap_time) AS longest, max(lap_distance) AS metres "
                "FROM rows WHERE lap_number IS NOT NULL GROUP BY ALL), "
                "ends AS (SELECT *, lead(lap_number) OVER entity = lap_number + 1 AS follows, "
                "lead(before) OVER entity AS final FROM laps "
                "WINDOW entity AS (PARTITION BY vehicle, session ORDER BY lap_number)) "
                "SELECT vehicle, session, lap_number, begun, ended, "
                "coalesce(follows, false), coalesce(from_start, 0), coalesce(metres, 0), "
                "CASE WHEN follows THEN final ELSE longest END FROM ends "
                "ORDER BY session DESC, vehicle, lap_number",
                {},
                arrays=False,
            )
            seen = whole([r[6] for r in rows], [r[7] for r in rows], [r[5] for r in rows])
            found += [
                StoredLap(v, s, view, int(n), a, b, float(t) if ended and t is not None else np.nan)
                for (v, s, n, a, b, _, _, _, t), ended in zip(rows, seen, strict=True)
            ]
        return found

    def reference(self, lap: StoredLap) -> Reference | None:
        """A stored lap to compare with; None for one without distances."""
        with self._lock:
            if lap in self._references:
                return self._references[lap]
        names = ("lap_number", "lap_distance", "lap_time", "position_x", "position_z")
        block = self.features(lap.view, lap.vehicle, lap.session, names, lap.start_s, lap.end_s)
        block = block[(block[:, 1] == lap.number) & np.isfinite(block[:, 2:4]).all(axis=1)]
        block = block[block[:, 2] > np.r_[-np.inf, np.maximum.accumulate(block[:, 2])[:-1]]]
        name = f"{lap.session} lap {lap.number}"
        distance, lap_time, x, z = block[:, 2:].T
        found = (
            Reference(name, distance, lap_time, x, z, lap.time_s)
            if len(block) > 1 and np.isfinite(lap.time_s)
            else None
        )
        with self._lock:
            self._references[lap] = found
        return found

    def fastest(self, view: str, vehicle: str, session: str, trail: Floats) -> Reference | None:
        """The fastest stored lap, of another session, of the road that a trail is on."""
        others = [
            lap
            for lap in self.laps()
            if lap.view == view
            and (lap.vehicle, lap.session) != (vehicle, session)
            and lap.time_s == lap.time_s
        ]
        for lap in sorted(others, key=lambda lap: lap.time_s)[:LOOKED_AT]:
            found = self.reference(lap)
            if found is not None and found.fits(trail):
                return found
        return None

    def channel(
        self,
        vehicle: str,
        session: str,
        channel: str,
        since_s: float | None = None,
        until_s: float | None = None,
    ) -> Floats:
        """Shape (values, 2): session time and the channel's value as the car sent it, by rising
        time; from the telemetry history.
        """
        from pitwall.stores.history import HistoryReader

        with self._lock:
            if self._history is None:
                self._history = HistoryReader(self._settings)
            found = self._history.read(vehicle, session, channel, since_s=since_s, until_s=until_s)
        return np.column_stack([found.times_s[::-1], found.values[::-1]])

    def earlier(
        self,
        view: str,
        vehicle: str,
        session: str,
        name: str,
        since_s: float | None,
        until_s: float,
    ) -> Floats:
        """Shape (values, 2): one feature or channel before the live rows begin, `until_s` not
        included.

        A channel comes from the telemetry history, at once and whole; a computed feature from the
        offline store, which shows rows once a checkpoint has made them visible.
        """
        feature = (
            next((f for f in self.sets[view].features if f.name == name), None)
            if view in self.sets
            else None
        )
        if feature is not None and not (feature.kind == Kind.LAST and feature.channel):
            block = self.features(view, vehicle, session, [name], since_s, until_s)
        else:
            block = self.channel(
                vehicle,
                session,
                feature.channel if feature and feature.channel else name,
                since_s,
                until_s,
            )
            block[:, 1] *= self._factor(view, vehicle, session, name, block) if feature else 1.0
        return np.asarray(block[(block[:, 0] < until_s - SAME_S) & np.isfinite(block[:, 1])])

    def _factor(self, view: str, vehicle: str, session: str, name: str, block: Floats) -> float:
        """From the unit the car sent to the feature's.

        The history does not hold the unit: a stored row of the feature tells.
        """
        feature = next(f for f in self.sets[view].features if f.name == name)
        channel = CHANNELS.get(feature.channel or "") or feature.own
        factors = unit_factors(channel) if channel else {}
        if not factors or not len(block):
            return 1.0
        stored = self.features(
            view, vehicle, session, [name], float(block[0, 0]), float(block[0, 0]) + 30
        )
        pairs = np.interp(stored[:, 0], block[:, 0], block[:, 1]) if len(stored) else np.empty(0)
        usable = np.abs(pairs) > 1e-6
        if not usable.any():
            return 1.0
        seen = float(np.median(stored[usable, 1] / pairs[usable]))
        return min(
            (1.0, *factors.values()), key=lambda factor: abs(np.log(max(abs(seen), 1e-12) / factor))
        )

    def close(self) -> None:
        """Let go of Cassandra."""
        with self._lock:
            if self._history is not None:
                self._history.__exit__(None, None, None)
                self._history = None

    def _query(self, view: str, sql: str, values: dict[str, Any], arrays: bool = True) -> Any:
        try:
            with database(recorded(self._settings, view)) as con:
                con.execute("SET threads = 1")
                paths = self._paths(
                    con,
                    view,
                    (values["vehicle"], values["session"]) if "vehicle" in values else None,
                )
                if not paths:
                    return []
                used = {
                    "paths": paths,
                    **{key: value for key, value in values.items() if f"${key}" in sql},
                }
                rows = con.execute(
                    sql.replace(
                        "FROM rows",
                        "FROM (SELECT * FROM read_parquet("
                        "$paths, union_by_name = true, hive_partitioning = false)) AS rows",
                        1,
                    ),
                    used,
                ).fetchall()
        except duckdb.Error as error:
            raise StoreError(
                f"the offline store in {self._settings.offline(view)} cannot be read ({error})"
            ) from error
        return np.array(rows, dtype=float) if arrays else rows

    def _paths(
        self, con: duckdb.DuckDBPyConnection, view: str, entity: tuple[str, str] | None
    ) -> list[str]:
        """The finished files of a view, or those that hold rows of one entity: a file is looked
        into once, it never changes.
        """

        paths = files(recorded(self._settings, view))
        if entity is None:
            return paths
        with self._index:
            if new := [path for path in paths if path not in self._holds]:
                for path in new:
                    self._holds[path] = set()
                found = con.execute(
                    "SELECT DISTINCT filename, vehicle, session "
                    "FROM read_parquet($paths, filename = true, hive_partitioning = false)",
                    {"paths": new},
                )
                for path, vehicle, session in found.fetchall():
                    self._holds[path].add((vehicle, session))
        return [path for path in paths if entity in self._holds[path]]
