"""The laps of the offline store, in all feature views that have laps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from pitwall.features import FeatureSet
from pitwall.page.data.offline import ROWS, OfflineRows
from pitwall.page.data.text import seconds
from pitwall.stores.offline.laps import whole

NEEDED = {"lap_number", "lap_time", "lap_last_time", "lap_from_start", "session_time"}
"""The features that a view must have so that its laps are listed."""
LAPS_SQL = f"""
WITH laps AS (
    SELECT
        vehicle, session, lap_number, min(session_time) AS start_s, max(session_time) AS end_s,
        min(lap_from_start) AS from_start, min(lap_last_time) AS lap_before_s,
        max(lap_time) AS longest_s, max(lap_distance) AS length_m
    FROM {ROWS} WHERE lap_number IS NOT NULL GROUP BY ALL
),
followed AS (
    SELECT
        *, lead(lap_number) OVER entity = lap_number + 1 AS follows,
        lead(lap_before_s) OVER entity AS final_s
    FROM laps WINDOW entity AS (PARTITION BY vehicle, session ORDER BY lap_number)
)
SELECT
    vehicle, session, lap_number, start_s, end_s, coalesce(follows, false),
    coalesce(from_start, 0), coalesce(length_m, 0),
    CASE WHEN follows THEN final_s ELSE longest_s END
FROM followed ORDER BY session DESC, vehicle, lap_number
"""
"""One row for each lap, with the columns of `_LapRow`. The next lap holds this lap's time."""


@dataclass(frozen=True)
class StoredLap:
    """One lap of the offline store."""

    vehicle: str
    session: str
    view: str
    """Name of its feature view."""
    number: int
    start_s: float
    """Session time of its first row."""
    end_s: float
    """Session time of its last row."""
    time_s: float
    """Lap time; NaN unless the lap was recorded whole."""

    @property
    def whole(self) -> bool:
        """Whether the lap was recorded from its start to its end, so that its time is known."""
        return not math.isnan(self.time_s)

    @property
    def name(self) -> str:
        """Session and number, which name a lap within its vehicle."""
        return f"{self.session} lap {self.number}"

    @property
    def title(self) -> str:
        """Session, number, time and vehicle, as lists and legends show a lap."""
        time = seconds(self.time_s) if self.whole else "not whole"
        return f"{self.name} ({time}) {self.vehicle}"


class _LapRow(NamedTuple):
    """A row of `LAPS_SQL`. Times are in seconds."""

    vehicle: str
    session: str
    number: float
    start_s: float
    end_s: float
    follows: bool
    """Whether the next lap was recorded, too."""
    from_start: float
    """1 for a lap that was recorded from its start."""
    length_m: float
    time_s: float | None


def stored_laps(offline: OfflineRows, feature_sets: dict[str, FeatureSet]) -> list[StoredLap]:
    """All laps of the offline store: view by view, the newest session first.

    Raises `StoreError` when the store cannot be read.
    """
    laps = []
    for view, features in feature_sets.items():
        if not set(features.names) >= NEEDED:
            continue
        rows = [_LapRow(*row) for row in offline.query(view, LAPS_SQL, {})]
        complete = whole(
            [(row.vehicle, row.session) for row in rows],
            [row.from_start for row in rows],
            [row.length_m for row in rows],
            [row.follows for row in rows],
        )
        laps += [
            StoredLap(
                row.vehicle,
                row.session,
                view,
                int(row.number),
                row.start_s,
                row.end_s,
                float(row.time_s) if is_whole and row.time_s is not None else math.nan,
            )
            for row, is_whole in zip(rows, complete, strict=True)
        ]
    return laps
