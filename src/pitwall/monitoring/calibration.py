"""Bands of channels from the laps in the offline store, for each circuit that was driven there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pitwall.models.circuit import Circuit
from pitwall.monitoring.bands import LEAST_TICKS, NEAR_M, STRETCH_M, Array, Bands, calibrate
from pitwall.stores.offline.database import database
from pitwall.stores.offline.files import Place, files
from pitwall.stores.offline.laps import whole
from pitwall.stores.offline.marks import Key

WATCHED = (
    "speed",
    "acceleration_long",
    "acceleration_lat",
    "acceleration_vert",
    "velocity_yaw",
    "steering_angle",
    "throttle",
    "brake",
)
"""The channels that the page watches for drift."""
PLACE = ("position_x", "position_z")
"""The features that tell where on the ground a car is, m."""
LEAST_LAPS = 4
NEWEST_LAPS = 100
"""The bands of a circuit are of so many laps at most, the newest ones."""
ALIKE = 0.9
"""Two laps are of one circuit where this share of their stretches lies alike."""


@dataclass(frozen=True)
class StoredLap:
    """A whole lap in the offline store."""

    vehicle: str
    session: str
    number: float
    length_m: float
    stretches: Array
    """As `pitwall.monitoring.bands.stretches` gives them, shape (channels, 2, stretches)."""
    line_m: Array
    """Mean place in each stretch, m, shape (stretches, 2); NaN where it is not known."""

    def with_circuit(self, other: StoredLap) -> bool:
        """Whether two laps are of one circuit: lines of one shape, which begin at one place of it.

        The origin of positions may differ: that of latitude and longitude is where a recording
        begins. Their lengths decide where one of them has no positions.
        """
        if not Circuit(self.length_m).has(other.length_m):
            return False
        count = min(len(self.line_m), len(other.line_m))
        apart_m = self.line_m[:count] - other.line_m[:count]
        apart_m = apart_m[np.isfinite(apart_m).all(axis=1)]
        if not len(apart_m):
            return True
        distance_m = np.linalg.norm(apart_m - np.median(apart_m, axis=0), axis=1)
        return float(np.mean(distance_m <= NEAR_M)) >= ALIKE


def from_offline(
    place: Place, channels: tuple[str, ...], excluded: Collection[Key] = ()
) -> list[Bands]:
    """Bands of each circuit with at least `LEAST_LAPS` whole laps at `place`, most laps first.

    Laps of the sessions `excluded` (vehicle and session) are left out.
    Raises `duckdb.Error` when files are replaced while they are read.
    """
    circuits = by_circuit(stored_laps(place, channels, excluded))
    return [bands_of(channels, laps) for laps in circuits if len(laps) >= LEAST_LAPS]


def bands_of(channels: tuple[str, ...], laps: Sequence[StoredLap]) -> Bands:
    """The bands of a circuit by its newest laps, which are the last ones."""
    newest = laps[-NEWEST_LAPS:]
    count = min(lap.stretches.shape[2] for lap in newest)
    bands = calibrate(channels, [lap.stretches[:, :, :count] for lap in newest])
    lines = np.array([lap.line_m[:count] for lap in newest])
    # Each from its own origin: the lines are laid upon one another at their first stretch.
    lines -= lines[:, :1]
    missing = np.isnan(lines).all(axis=0)
    line_m = np.nanmedian(np.where(missing, 0.0, lines), axis=0)
    return replace(bands, line_m=np.where(missing, np.nan, line_m))


def by_circuit(laps: Sequence[StoredLap]) -> list[list[StoredLap]]:
    """The laps by circuit, in their order; the circuit with most laps first."""
    circuits: list[list[StoredLap]] = []
    for lap in laps:
        for circuit in circuits:
            if circuit[0].with_circuit(lap):
                circuit.append(lap)
                break
        else:
            circuits.append([lap])
    return sorted(circuits, key=len, reverse=True)


def stored_laps(
    place: Place, channels: tuple[str, ...], excluded: Collection[Key] = ()
) -> list[StoredLap]:
    """The whole laps at `place`, in the order of their times; see `pitwall.stores.offline.laps`.

    A channel that is constant over a whole lap was dead: it is NaN in this lap.
    """
    rows = _rows(place, channels, excluded)
    keys = ["vehicle", "session", "lap_number"]
    driven = [(key, lap) for key, lap in rows.groupby(keys)]
    seen = {key for key, _ in driven}
    ended = whole(
        [key[:2] for key, _ in driven],
        [lap["from_start"].min() for _, lap in driven],
        [lap["farthest"].max() for _, lap in driven],
        [(*key[:2], key[2] + 1) in seen for key, _ in driven],
    )
    taken = [each for each, has_end in zip(driven, ended, strict=True) if has_end]
    taken.sort(key=lambda each: each[1]["first"].min())
    return [_stored(key, lap, len(channels)) for key, lap in taken]


def _rows(place: Place, channels: tuple[str, ...], excluded: Collection[Key]) -> pd.DataFrame:
    """One row for each stretch of each lap, of the sessions that are not `excluded`."""
    paths = files(place)
    if not paths:
        return pd.DataFrame(columns=["vehicle", "session", "lap_number"])
    read = "read_parquet(?, union_by_name = true, hive_partitioning = false)"
    connection = database(place)
    described = connection.execute(f"DESCRIBE SELECT * FROM {read}", [paths]).fetchall()
    columns = [
        f'avg("{name}") AS mean{i}, stddev_pop("{name}") AS spread{i}'
        for i, name in enumerate(channels)
    ]
    has_place = {name for name, *_ in described}.issuperset(PLACE)
    columns += [
        f'avg("{name}") AS place{i}' if has_place else f"NULL::DOUBLE AS place{i}"
        for i, name in enumerate(PLACE)
    ]
    query = f"""
        SELECT vehicle, session, lap_number, floor(lap_distance / {STRETCH_M})::INT AS stretch,
            count(*) AS ticks, min(event_timestamp) AS first, max(lap_distance) AS farthest,
            min(lap_from_start) AS from_start, {", ".join(columns)}
        FROM {read} WHERE lap_distance >= 0 GROUP BY ALL
    """
    rows = connection.execute(query, [paths]).df()
    keys = zip(rows["vehicle"], rows["session"], strict=True)
    return rows[[key not in excluded for key in keys]]


def _stored(key: tuple[str, str, float], lap: pd.DataFrame, channels: int) -> StoredLap:
    length_m = float(lap["farthest"].max())
    # The last stretch is cut short by the finish line.
    count = int(length_m / STRETCH_M)
    lap = lap[(lap["ticks"] >= LEAST_TICKS) & (lap["stretch"] < count)]
    stretches = np.full((channels, 2, count), np.nan)
    for i in range(channels):
        stretches[i][:, lap["stretch"]] = lap[[f"mean{i}", f"spread{i}"]].to_numpy(float).T
    constant = ~(stretches[:, 1] > 0).any(axis=1)
    stretches[constant] = np.nan
    line_m = np.full((count, 2), np.nan)
    line_m[lap["stretch"]] = lap[["place0", "place1"]].to_numpy(float)
    return StoredLap(*key, length_m, stretches, line_m)
