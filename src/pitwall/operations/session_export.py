"""Gathers a session for export: channels of the telemetry history, features of the offline store.

A recording is gathered from its file alone, by `of_file`.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pitwall.car.session import Session
from pitwall.channels.table import CHANNELS
from pitwall.channels.units import unit_factors
from pitwall.errors import LapFileError, UsageError, listed
from pitwall.features import FeatureSet
from pitwall.recordings.files import readings
from pitwall.recordings.recording import Options
from pitwall.recordings.writers.export import Export, Span
from pitwall.settings import Settings
from pitwall.stores.history import History, HistoryReader
from pitwall.stores.offline.entity_features import EntityFeatures, entity_features, vehicles_of
from pitwall.stores.offline.laps import whole

Floats = NDArray[np.float64]
DISTANCE = CHANNELS["LAPDISTANCE"]
SAME_FACTOR = 1e-6
"""Two factors between units are the same where they differ by a smaller share."""


class Gathered(NamedTuple):
    """A session that can be written, and what a user should know of it."""

    export: Export
    notes: tuple[str, ...]


def of_file(path: Path, vehicle: str | None) -> Gathered:
    """A recording with its laps. It has no features. Raises `LapFileError`."""
    first, *more = readings([path], Options(vehicle=vehicle))
    if more:
        raise LapFileError(f"{path}: holds {len(more) + 1} drives; one is expected here")
    laps = [
        Span(lap.number, lap.start_s + first.shift_s, lap.end_s + first.shift_s, lap.whole)
        for lap in first.laps
    ]
    return Gathered(Export(first.session, laps), first.doubts)


def of_stores(
    settings: Settings, feature_sets: list[FeatureSet], session: str, vehicle: str | None
) -> Gathered:
    """A session of the stores, with all of its channels, features and laps.

    Without a vehicle, the session must be of one vehicle alone. Raises `UsageError` where neither
    store has the session, and `StoreError` where one does not answer.
    """
    if vehicle is None:
        vehicles = vehicles_of(settings, feature_sets, session)
        if len(vehicles) != 1:
            names = ", ".join(map(repr, vehicles)) or "no vehicle in the offline store"
            raise UsageError(f"session {session!r} is of {names}; give one: --vehicle NAME")
        (vehicle,) = vehicles
    with HistoryReader(settings) as reader:
        history = reader.read_all(vehicle, session)
    found = next(
        (
            rows
            for features in feature_sets
            if (rows := entity_features(settings, features, vehicle, session)) is not None
        ),
        None,
    )
    if not history and found is None:
        raise UsageError(
            f"vehicle {vehicle!r} has no session {session!r} in the telemetry history or the "
            "offline store; `./pitwall sql` and the page list the sessions"
        )
    units, unknown = _units(history, found)
    channels = _session(vehicle, session, history, units)
    if found is None:
        notes: tuple[str, ...] = ("the offline store has no features of this session",)
        return Gathered(Export(channels), (*notes, *unknown))
    return Gathered(
        Export(channels, laps_of(found), _features(vehicle, session, found)), tuple(unknown)
    )


def laps_of(rows: EntityFeatures) -> list[Span]:
    """The laps that a session's features tell, by their numbers; empty where they tell none."""
    names = ("session_time", "lap_number", "lap_time", "lap_from_start", "lap_distance")
    if not set(names) <= set(rows.values):
        return []
    time_s, number, lap_s, from_start, distance_m = (rows.values[name] for name in names)
    numbered = np.flatnonzero(np.isfinite(number))
    if not len(numbered):
        return []
    changes = numbered[1:][np.diff(number[numbered]) != 0]
    firsts = [int(numbered[0]), *map(int, changes)]
    ends = [*firsts[1:], len(number)]
    starts_s = [
        float(time_s[row] - lap_s[row]) if np.isfinite(lap_s[row]) else float(time_s[row])
        for row in firsts
    ]
    follows = [number[after] == number[row] + 1 for row, after in pairwise(firsts)]
    is_whole = whole(
        [0] * len(firsts),
        [float(from_start[row]) for row in firsts],
        [
            float(np.nanmax(distance_m[row:end], initial=0.0))
            for row, end in zip(firsts, ends, strict=True)
        ],
        [*follows, False],
    )
    ends_s = [*starts_s[1:], float(time_s[-1])]
    return [
        Span(int(number[row]), start_s, end_s, bool(complete))
        for row, start_s, end_s, complete in zip(firsts, starts_s, ends_s, is_whole, strict=True)
    ]


def _session(
    vehicle: str, session: str, history: dict[str, History], units: dict[str, str]
) -> Session:
    """The channels on the union of their times."""
    ids = sorted(history)
    times_us = {id: np.round(history[id].times_s * 1e6).astype(np.int64) for id in ids}
    all_us = np.unique(np.concatenate([np.empty(0, np.int64), *times_us.values()]))
    values = np.full((len(all_us), len(ids)), np.nan)
    for column, id in enumerate(ids):
        values[np.searchsorted(all_us, times_us[id]), column] = history[id].values
    return Session(
        vehicle,
        session,
        tuple(CHANNELS[id].name if id in CHANNELS else id for id in ids),
        tuple(units.get(id, "") for id in ids),
        all_us / 1e6,
        values,
    )


def _features(vehicle: str, session: str, rows: EntityFeatures) -> Session:
    """The features of one view as a session."""
    names = [name for name in rows.values if name != "session_time"]
    units = {feature.name: feature.unit for feature in rows.features.features}
    return Session(
        vehicle,
        session,
        tuple(names),
        tuple(units[name] for name in names),
        np.round(rows.values["session_time"] * 1e6) / 1e6,
        np.column_stack([rows.values[name] for name in names]),
    )


def _units(
    history: dict[str, History], rows: EntityFeatures | None
) -> tuple[dict[str, str], list[str]]:
    """The unit in which the car sent each channel, and a sentence on those it is unknown of.

    The history does not hold units. A feature that is the newest value of a channel has the
    channel's canonical unit, so the factor between the two tells the unit of the history's values.
    """
    units: dict[str, str] = {}
    features = rows.features.features if rows is not None else []
    for feature in features:
        id = feature.channel or ""
        channel = CHANNELS.get(id) or feature.own
        if rows is None or not feature.is_channel or id not in history or channel is None:
            continue
        if not channel.unit or feature.name not in rows.values:
            continue
        factor = _factor(history[id], rows.values["session_time"], rows.values[feature.name])
        known = {channel.unit: 1.0, **unit_factors(channel)}
        if factor is not None:
            units[id] = next(
                (
                    unit
                    for unit, known_factor in known.items()
                    if abs(factor / known_factor - 1) < SAME_FACTOR
                ),
                "",
            )
    unknown = [
        CHANNELS[id].name if id in CHANNELS else id
        for id in sorted(history)
        if not units.get(id) and not (id in CHANNELS and not CHANNELS[id].unit)
    ]
    if not unknown:
        return units, []
    return units, [
        "the history does not hold the units in which the car sent these channels, so they are "
        f"left empty: {listed(unknown)}"
    ]


def _factor(history: History, times_s: Floats, values: Floats) -> float | None:
    """The factor from the history's values to a feature's at the same times; None without any."""
    history_us = np.round(history.times_s[::-1] * 1e6).astype(np.int64)
    sent = history.values[::-1]
    times_us = np.round(times_s * 1e6).astype(np.int64)
    places = np.clip(np.searchsorted(history_us, times_us), 0, len(history_us) - 1)
    same = (history_us[places] == times_us) & np.isfinite(values) & (np.abs(sent[places]) > 1e-9)
    if not same.any():
        return None
    return float(np.median(values[same] / sent[places][same]))
