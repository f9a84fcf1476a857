"""Splits a session into laps by its distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pitwall.car.session import Session
from pitwall.channels.channel import channel_id
from pitwall.channels.table import CHANNELS
from pitwall.channels.units import unit_factors
from pitwall.errors import LapFileError

START_M = 100
"""A session whose first distance is below this began at the line: its first lap counts."""
SHORTEST_M = 200
"""Only a car that was farther than this can end a lap."""


@dataclass(frozen=True)
class Lap:
    """One lap, seen from its start."""

    number: int
    """Laps begun in the session, as the features count them."""
    whole: bool
    """Whether its end was seen, too."""
    duration_s: float
    times_s: NDArray[np.float64]
    """Seconds since lap start, shape (ticks,)."""
    distance_m: NDArray[np.float64]
    """Distance since lap start, shape (ticks,), rising strictly."""


def split(session: Session) -> list[Lap]:
    """The laps of the session that were seen from their start.

    A lap ends where its distance falls back by more than half of the farthest one. The line was
    crossed between the ticks on both sides, at the speed of the last two ticks before it. Raises
    `LapFileError` for a session without a distance.
    """
    time, distance = _distance(session)
    if len(distance) < 2:
        return []
    laps: list[Lap] = []

    def add(number: int, first: int, end: int, start_s: float, end_s: float, whole: bool) -> None:
        if number > 1 or distance[0] < START_M:
            t, d = time[first:end], distance[first:end]
            rises = d > np.r_[0.0, np.maximum.accumulate(d)[:-1]]
            laps.append(Lap(number, whole, end_s - start_s, t[rises] - start_s, d[rises]))

    number, first, start_s, farthest = 1, 0, float(time[0]), float(distance[0])
    for i in range(1, len(distance)):
        if distance[i] < distance[i - 1] - 0.5 * farthest and farthest > SHORTEST_M:
            crossing = _crossing(time, distance, i, i - first > 1)
            add(number, first, i, start_s, crossing, True)
            number, first, start_s, farthest = number + 1, i, crossing, float(distance[i])
        farthest = max(farthest, float(distance[i]))
    add(number, first, len(distance), start_s, float(time[-1]), False)
    return laps


def _distance(session: Session) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times (s) and lap distances (m) of the ticks that carry one, each of shape (ticks,)."""
    channel = CHANNELS["LAPDISTANCE"]
    ids = [channel_id(name) for name in session.names]
    column = next((ids.index(id) for id in (channel.id, *channel.aliases) if id in ids), None)
    if column is None:
        raise LapFileError(
            f"session {session.session} has no channel {channel.name}; "
            "its laps cannot be told apart"
        )
    carried = np.isfinite(session.values[:, column])
    factor = unit_factors(channel).get(session.units[column].strip(), 1.0)
    return session.times_s[carried], session.values[carried, column] * factor


def _crossing(
    time: NDArray[np.float64], distance: NDArray[np.float64], i: int, has_speed: bool
) -> float:
    """Time (s) at which the line before tick `i` was crossed."""
    speed = (distance[i - 1] - distance[i - 2]) / (time[i - 1] - time[i - 2]) if has_speed else 0.0
    if speed <= 0:
        return float(time[i])
    return float(min(time[i], max(time[i - 1], time[i] - distance[i] / speed)))
