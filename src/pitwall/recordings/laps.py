"""Laps of recordings: found by the best evidence, and the laps of a session by its distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pitwall.car.session import Session
from pitwall.channels.channel import channel_id
from pitwall.channels.table import CHANNELS
from pitwall.channels.units import wire_factors
from pitwall.errors import LapFileError
from pitwall.recordings.lap_distances import lap_distance
from pitwall.recordings.lap_evidence import Evidence, Series, TimedLap, distance_parts
from pitwall.recordings.lap_rule import circuit_length
from pitwall.recordings.lap_search import find_laps

__all__ = ["Evidence", "Lap", "TimedLap", "find_laps", "lap_distance", "split"]


@dataclass(frozen=True)
class Lap:
    """One lap, seen from its start."""

    number: int
    """Laps begun in the session, as the features count them."""
    whole: bool
    """Whether the whole circuit was driven, without a jump, and its end was seen."""
    duration_s: float
    times_s: NDArray[np.float64]
    """Seconds since lap start, shape (ticks,)."""
    distance_m: NDArray[np.float64]
    """Distance since lap start, shape (ticks,), rising strictly."""


def split(session: Session) -> list[Lap]:
    """The laps of the session that were seen from their start, by the rule of distance.

    Samples that were jitter over the line are left out. Raises `LapFileError` for a session
    without a distance.
    """
    time, distance, found = distance_parts(_distance(session))
    circuit = circuit_length([part.length_m for part in found if part.measures])
    laps = []
    for number, part in enumerate(found, 1):
        if not part.from_start or len(time) < 2:
            continue
        kept = np.ones(part.end - part.first, bool)
        for first, end in part.jitter:
            kept[first - part.first : end - part.first] = False
        t, d = time[part.first : part.end][kept], distance[part.first : part.end][kept]
        rises = d > np.r_[0.0, np.maximum.accumulate(d)[:-1]]
        laps.append(
            Lap(
                number,
                part.whole(circuit),
                part.end_s - part.start_s,
                t[rises] - part.start_s,
                d[rises],
            )
        )
    return laps


def _distance(session: Session) -> Series:
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
    unit = session.units[column].strip()
    factor = wire_factors(channel).get(unit)
    if factor is None:
        raise LapFileError(
            f"session {session.session}: {session.names[column]} is in {unit!r}, which is not "
            f"understood as a distance; give it in {channel.unit}"
        )
    return session.times_s[carried], session.values[carried, column] * factor
