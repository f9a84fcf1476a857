"""How good each recorded session is: its ticks, pauses, and channels that are missing or dead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pitwall.errors import StoreError
from pitwall.features import load
from pitwall.settings import Settings
from pitwall.stores.offline.database import database
from pitwall.stores.offline.files import files, recorded

GAP_S = 1.0
"""A longer time between two ticks is a pause."""
LEAST_SHARE = 0.01
"""A channel that is null in a smaller share of the ticks is not named."""
READ = "read_parquet($paths, union_by_name = true, hive_partitioning = false)"


@dataclass(frozen=True)
class Quality:
    """One session in one view."""

    vehicle: str
    session: str
    ticks: int
    """Different event times."""
    first: datetime
    last: datetime
    gaps: int
    """Pauses of more than `GAP_S`."""
    longest_gap_s: float
    missing: dict[str, float]
    """Share of the ticks in which a channel's newest value is null, where it is `LEAST_SHARE`."""
    constant: tuple[str, ...]
    """Channels with one value from start to end, as of a sensor that is dead."""

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last tick."""
        return (self.last - self.first).total_seconds()

    def __str__(self) -> str:
        parts = []
        if self.gaps:
            parts.append(f"{self.gaps} pauses (longest {self.longest_gap_s:.1f} s)")
        whole = [name for name, share in self.missing.items() if share == 1]
        parts += [f"no {name}" for name in whole]
        parts += [
            f"{name} missing {share:.0%}" for name, share in self.missing.items() if share < 1
        ]
        parts += [f"{name} constant" for name in self.constant]
        return ", ".join(parts) or "good"


def qualities(settings: Settings, view: str, session: str | None = None) -> list[Quality]:
    """The quality of all sessions of a view, or of those of one name, the oldest first.

    Looked at are the features that hold a channel's newest value. Raises `StoreError` for an
    unknown view and where the store cannot be read.
    """
    import duckdb

    sets = {features.name: features for features in load(settings.feature_repo)}
    if view not in sets:
        raise StoreError(f"there is no view {view!r}; there are {', '.join(sets)}")
    where = recorded(settings, view)
    if not (paths := files(where)):
        return []
    arguments = {"paths": paths, "session": session, "gap_s": GAP_S}
    with database(where) as connection:
        try:
            described = connection.execute(
                f"DESCRIBE SELECT * FROM {READ} LIMIT 0", {"paths": paths}
            ).fetchall()
            present = {row[0] for row in described}
            channels = [
                feature.name
                for feature in sets[view].features
                if feature.is_channel and feature.name in present
            ]
            rows = connection.execute(_sql(channels), arguments).fetchall()
        except duckdb.Error as error:
            raise StoreError(
                f"the offline store in {settings.offline(view)} cannot be read ({error}); try again"
            ) from error
    return [_quality(row, channels) for row in rows]


def _sql(channels: list[str]) -> str:
    columns = "".join(
        f', avg(CASE WHEN "{name}" IS NULL OR isnan("{name}"::DOUBLE) THEN 1.0 ELSE 0.0 END)'
        f', min("{name}") IS NOT DISTINCT FROM max("{name}")'
        for name in channels
    )
    return f"""
        SELECT vehicle, session, count(DISTINCT event_timestamp), epoch_us(min(event_timestamp)),
            epoch_us(max(event_timestamp)), count(*) FILTER (step_s > $gap_s),
            coalesce(max(step_s), 0){columns}
        FROM (
            SELECT *, epoch_us(event_timestamp - lag(event_timestamp) OVER tick) / 1e6 AS step_s
            FROM {READ}
            WHERE $session IS NULL OR session = $session
            WINDOW tick AS (PARTITION BY vehicle, session ORDER BY event_timestamp)
        )
        GROUP BY vehicle, session ORDER BY min(event_timestamp), session, vehicle
    """


def _quality(row: tuple[Any, ...], channels: list[str]) -> Quality:
    vehicle, session, ticks, first_us, last_us, gaps, longest_s = row[:7]
    shares = dict(zip(channels, row[7::2], strict=True))
    constant = [name for name, same in zip(channels, row[8::2], strict=True) if same]
    first, last = (datetime.fromtimestamp(us / 1e6, UTC) for us in (first_us, last_us))
    return Quality(
        vehicle,
        session,
        int(ticks),
        first,
        last,
        int(gaps),
        float(longest_s),
        {name: float(share) for name, share in shares.items() if share >= LEAST_SHARE},
        tuple(name for name in constant if shares[name] < 1) if ticks > 1 else (),
    )
