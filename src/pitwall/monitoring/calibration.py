"""Bands of channels from the laps in the offline store."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from pitwall.monitoring.bands import LEAST_TICKS, STRETCH_M, Bands, calibrate
from pitwall.stores.offline.database import database
from pitwall.stores.offline.files import Place, files
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
LEAST_LAPS = 4


def from_offline(
    place: Place, channels: tuple[str, ...], excluded: Collection[Key] = ()
) -> Bands | None:
    """Bands from the whole laps of one circuit at `place`; None with fewer than `LEAST_LAPS`.

    Laps of the sessions `excluded` (vehicle and session) are left out.
    A lap is whole where it was seen from its start to within 2 % of the longest lap.
    A channel that is constant over a whole lap was dead: that lap is left out for this channel.
    Raises `duckdb.Error` when files are replaced while they are read.
    """
    paths = files(place)
    if not paths:
        return None
    columns = ", ".join(
        f'avg("{name}") AS mean{i}, stddev_pop("{name}") AS spread{i}'
        for i, name in enumerate(channels)
    )
    query = f"""
        SELECT vehicle, session, lap_number, floor(lap_distance / {STRETCH_M})::INT AS stretch,
            count(*) AS ticks, {columns}
        FROM read_parquet(?, union_by_name = true, hive_partitioning = false)
        WHERE lap_from_start = 1 AND lap_distance >= 0
        GROUP BY ALL
    """
    rows = database(place).execute(query, [paths]).df()
    if excluded:
        keys = zip(rows["vehicle"], rows["session"], strict=True)
        rows = rows[[key not in excluded for key in keys]]
    if rows.empty:
        return None
    # The last stretch of the longest lap is cut short by the finish line.
    count = int(rows["stretch"].max())
    rows = rows[(rows["ticks"] >= LEAST_TICKS) & (rows["stretch"] < count)]
    laps = []
    for _, lap in rows.groupby(["vehicle", "session", "lap_number"]):
        if len(lap) < 0.98 * count:
            continue
        stretches = np.full((len(channels), 2, count), np.nan)
        for i in range(len(channels)):
            stretches[i][:, lap["stretch"]] = lap[[f"mean{i}", f"spread{i}"]].to_numpy().T
        stretches[np.nanmax(stretches[:, 1], axis=1) == 0] = np.nan
        laps.append(stretches)
    return calibrate(channels, laps) if len(laps) >= LEAST_LAPS else None
