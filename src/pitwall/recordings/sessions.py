"""Makes a session of a recording: canonical names and units, one tick a time, its start and laps.

What a recording means is decided here, once for all formats. Nothing is assumed silently: what was
assumed, derived or left out stands in the `Reading`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pitwall.car.session import DEFAULT_VEHICLE, Session
from pitwall.channels.channel import Channel
from pitwall.channels.names import Names
from pitwall.channels.table import CHANNELS
from pitwall.errors import LapFileError
from pitwall.recordings.channel_reading import ChannelReading
from pitwall.recordings.lap_evidence import rises_throughout
from pitwall.recordings.laps import Evidence, TimedLap, find_laps, lap_distance
from pitwall.recordings.lines import line_of_closed_path
from pitwall.recordings.meanings import OURS, TIME_COLUMNS, meanings
from pitwall.recordings.places import metres
from pitwall.recordings.recording import Line, Options, Recording
from pitwall.recordings.starts import Start, session_id, start_of
from pitwall.recordings.ticks import FELL, Ticks, resampled, ticks

Floats = NDArray[np.float64]
UNNAMED = "unnamed car"
"""Vehicle of a file that names none and is no export of the 424."""
MOST_FELL = 0.5
"""A file with a greater share of rows at times that fell back is refused."""
STEPS = ("Gear", "Count")
"""Quantities that go in steps, with no value in between."""


@dataclass(frozen=True)
class Reading:
    """How a recording is read: the session that is sent, and what was decided on the way."""

    recording: Recording = field(repr=False)
    """The facts of the file, without its columns, which would stay in memory a second time."""
    session: Session
    start: datetime | None
    """UTC; None where nothing tells it."""
    start_source: Literal["file", "name", "option"] | None
    channels: tuple[ChannelReading, ...]
    laps: tuple[TimedLap, ...]
    """On the recording's own axis."""
    shift_s: float
    """Seconds to add to a time on that axis for the session's time."""
    left_out: dict[str, int]
    """Rows that were left out, by reason."""
    doubts: tuple[str, ...]

    @property
    def rate_hz(self) -> float:
        """Samples a second of the fastest channel."""
        return max((channel.rate_hz for channel in self.channels), default=0.0)


@np.errstate(over="ignore", invalid="ignore")
def interpret(
    recording: Recording,
    options: Options,
    names: Names,
    channels: Mapping[str, Channel] = CHANNELS,
) -> Reading:
    """The session that a recording is, under the facts that the user gives.

    `channels` are the known channels by id, with a team's own ones. Raises `LapFileError` when no
    column is a known channel and when no sample has a time.
    """
    found, doubts = meanings(recording, names, channels, options.lap_length_m)
    found = [_with_lap_note(recording, each) for each in found]
    ours = _is_ours(recording, names)
    _need_a_channel(recording, found, doubts)
    sent = [
        each for each in found if ours or np.isfinite(recording.columns[each.column].values).any()
    ]
    if not sent:
        raise LapFileError(f"{recording.path}: no column has a number; a recording has some")
    shift, start = _shift(recording, options)
    series = [_series(recording, each) for each in sent]
    if options.resample_hz is not None:
        steps = [_goes_in_steps(each, channels) for each in sent]
        made = resampled(series, options.resample_hz, steps, str(recording.path))
    else:
        made = ticks(series, str(recording.path))
    del series
    fell = made.left_out.get(FELL, 0)
    if fell > MOST_FELL * recording.rows:
        raise LapFileError(
            f"{recording.path}: {fell:,} of {recording.rows:,} rows are earlier than rows above "
            f"them, by {recording.clock or 'their times'}; sort them, or write each drive into a "
            "file of its own"
        )
    if not ours:
        _leave_out_endless(made.values)
    if len(made.times_s) < 2:
        raise LapFileError(
            f"{recording.path}: {len(made.times_s)} rows have a time and a value; a recording has "
            "at least two"
        )
    evidence = _evidence(recording, found, options)
    if options.find_line:
        line = _found_line(recording.path, evidence)
        evidence = replace(evidence, line=line)
        given = f"{line.latitude:.7f},{line.longitude:.7f},{line.heading_deg:.1f}"
        doubts.append(f"the line was found where the path closes: --line {given}")
    laps = find_laps(evidence)
    made, derived = _with_derived(made, sent, evidence, laps, channels)
    sent = _distance_apart(sent, derived, made)
    vehicle = options.vehicle if options.vehicle is not None else recording.vehicle
    if vehicle is None:
        vehicle = DEFAULT_VEHICLE if ours else UNNAMED
        if not ours:
            doubts.append(f"the file names no vehicle: {UNNAMED!r} is sent; give --vehicle")
    session = Session(
        vehicle,
        session_id(recording, options, start),
        tuple(each.channel for each in sent),
        tuple(each.sent_unit for each in sent),
        made.times_s + shift,
        made.values,
        sum(made.left_out.values()) + sum(recording.left_out.values()),
        sparse=not ours,
    )
    left_out = dict(recording.left_out)
    for reason, rows in made.left_out.items():
        left_out[reason] = left_out.get(reason, 0) + rows
    if not laps:
        doubts.append(_no_laps(evidence))
    return Reading(
        replace(recording, columns=()),
        session,
        start.moment,
        start.source,
        (*_as_sent(found, sent), *derived),
        tuple(laps),
        shift,
        left_out,
        tuple(dict.fromkeys([*recording.doubts, *_start_doubts(recording, start), *doubts])),
    )


def _is_ours(recording: Recording, names: Names) -> bool:
    return names.source(recording.format, [each.name for each in recording.columns]) == OURS


def _with_lap_note(recording: Recording, channel: ChannelReading) -> ChannelReading:
    if channel.source != recording.lap_column or channel.canonical_unit is not None:
        return channel
    return replace(channel, note="counts the laps")


def _start_doubts(recording: Recording, start: Start) -> list[str]:
    """What is doubtful about the start, unless the reader says so itself."""
    said = start.source == "file" and any("--start" in doubt for doubt in recording.doubts)
    return [start.doubt] if start.doubt and not said else []


def _leave_out_endless(values: Floats) -> None:
    """Make infinite values missing, in place."""
    for channel in values.T:
        if not np.isfinite(channel.sum()):
            channel[np.isinf(channel)] = np.nan


LAP_TIME = re.compile(r"lap[ _]?time", re.IGNORECASE)
SLOW_HZ = 0.1
"""Rows that are fewer, and that have a lap time, are laps."""


def _need_a_channel(
    recording: Recording, found: Sequence[ChannelReading], doubts: Sequence[str]
) -> None:
    known = [each for each in found if each.canonical_unit is not None or each.is_fraction]
    if all(each.channel.upper() in TIME_COLUMNS for each in known):
        shown = [each.source for each in found if each.channel.upper() not in TIME_COLUMNS]
        rate_hz = max((each.rate_hz for each in found), default=0.0)
        if rate_hz < SLOW_HZ and LAP_TIME.search(" ".join([*shown, *recording.doubts])):
            raise LapFileError(
                f"{recording.path}: this is a table of laps ({', '.join(shown[:6])}), a row for "
                "each; give the telemetry of the laps, with a row for each instant"
            )
        name = shown[0] if shown else "OilTemp"
        why = f" ({doubts[0]})" if doubts else ""
        raise LapFileError(
            f"{recording.path}: none of its columns ({', '.join(shown[:6])}) is a known channel "
            f"such as Speed or LapDistance{why}; say what they mean in feature_repo/names.yaml, or "
            f'define one in feature_repo/features.py: Channel("{name}", unit, low, high)'
        )


def _shift(recording: Recording, options: Options) -> tuple[float, Start]:
    """Seconds from the start in the session's id, which has no fraction, to 0 s on the axis."""
    start = start_of(recording, options)
    return (start.moment.microsecond / 1e6 if start.moment is not None else 0.0), start


def _series(recording: Recording, channel: ChannelReading) -> tuple[Floats, Floats]:
    """Times and canonical values of a channel; its own values where it is no known channel."""
    column = recording.columns[channel.column]
    values = column.values
    if channel.missing is not None:
        values = np.where(values == channel.missing, np.nan, values)
    if channel.factor is not None and (channel.factor, channel.offset) != (1.0, 0.0):
        values = values * channel.factor + channel.offset
    return column.times_s, values


def _goes_in_steps(reading: ChannelReading, channels: Mapping[str, Channel]) -> bool:
    known = next((each for each in channels.values() if each.name == reading.channel), None)
    if known is None:
        return True
    return known.semantic in STEPS or known.name == "HeadingAngle"


def _evidence(recording: Recording, found: Sequence[ChannelReading], options: Options) -> Evidence:
    """All that may tell the laps, on the recording's axis."""
    by_channel = {each.channel: each for each in found if each.canonical_unit is not None}

    def series(*names: str) -> tuple[Floats, Floats] | None:
        for name in names:
            if name in by_channel:
                times, values = _series(recording, by_channel[name])
                known = np.isfinite(values) & np.isfinite(times)
                if known.all():
                    return times, values
                if known.any():
                    return times[known], values[known]
        return None

    latitude, longitude = series("Latitude"), series("Longitude")
    position = None
    if latitude is not None and longitude is not None:
        times = latitude[0]
        if rises_throughout(times) and np.array_equal(times, longitude[0]):
            position = (times, latitude[1], longitude[1])
        else:
            both, at, other = np.intersect1d(times, longitude[0], return_indices=True)
            position = (both, latitude[1][at], longitude[1][other])
    counted = next((each for each in recording.columns if each.name == recording.lap_column), None)
    lap_number = None
    if counted is not None:
        known = np.isfinite(counted.values) & np.isfinite(counted.times_s)
        lap_number = (counted.times_s[known], counted.values[known])
    fraction = next((recording.columns[each.column] for each in found if each.is_fraction), None)
    return Evidence(
        beacons_s=tuple(recording.beacons_s),
        lap_number=lap_number,
        line=options.line or recording.line,
        position=position,
        distance_m=series("LapDistance", "Distance", "TotalDistance"),
        speed_kph=series("Speed"),
        lap_length_m=options.lap_length_m,
        lap_fraction=(fraction.times_s, fraction.values) if fraction is not None else None,
    )


def _with_derived(
    made: Ticks,
    sent: Sequence[ChannelReading],
    evidence: Evidence,
    laps: Sequence[TimedLap],
    channels: Mapping[str, Channel],
) -> tuple[Ticks, list[ChannelReading]]:
    """The ticks with the channels that follow from others: x and y, and the lap distance."""
    names = [each.channel for each in sent if each.canonical_unit is not None]
    places = {each.channel: place for place, each in enumerate(sent)}
    derived: list[ChannelReading] = []
    more: list[Floats] = []
    values = made.values

    def add(name: str, sources: str, note: str, column: Floats) -> None:
        known = np.isfinite(column)
        if not known.any():
            return
        more.append(column)
        unit = next(each.unit for each in channels.values() if each.name == name)
        rate = _rate_hz(made.times_s[known])
        derived.append(ChannelReading(sources, "", name, unit, None, 0.0, rate, note, -1))

    if {"Latitude", "Longitude"} <= set(names) and not {"PositionX", "PositionZ"} & set(names):
        east, north = metres(values[:, places["Latitude"]], values[:, places["Longitude"]])
        note = "metres from the first position"
        add("PositionX", "Latitude, Longitude", f"{note} to the east", east)
        add("PositionZ", "Latitude, Longitude", f"{note} to the north", north)
    if laps and not ("LapDistance" in names and laps[0].told_by == "distance"):
        distance = lap_distance(evidence, laps, made.times_s)
        note = f"since the start of the lap, which the {laps[0].told_by} tells"
        if "LapDistance" not in names:
            add("LapDistance", "laps", note, distance)
        elif np.isfinite(distance).any():
            values[:, places["LapDistance"]] = distance
    return made.with_channels(more), derived


def _distance_apart(
    sent: Sequence[ChannelReading], derived: Sequence[ChannelReading], made: Ticks
) -> list[ChannelReading]:
    """All channels, with Distance as TotalDistance where it would stand in for LapDistance.

    On the wire a tick without LapDistance takes Distance for it.
    """
    every = [*sent, *derived]
    places = {each.channel: place for place, each in enumerate(every)}
    if not {"Distance", "LapDistance"} <= set(places) or "TotalDistance" in places:
        return every
    running = np.isfinite(made.values[:, places["Distance"]])
    if (running & ~np.isfinite(made.values[:, places["LapDistance"]])).any():
        note = "not as Distance, which stands in where a tick has no LapDistance"
        distance = every[places["Distance"]]
        every[places["Distance"]] = replace(distance, channel="TotalDistance", note=note)
    return every


def _as_sent(
    found: Sequence[ChannelReading], sent: Sequence[ChannelReading]
) -> list[ChannelReading]:
    """The channels of the file in its order, as they are sent; also those that are not sent."""
    by_column = {each.column: each for each in sent if each.column >= 0}
    return [by_column.get(each.column, each) for each in found]


def _rate_hz(times_s: Floats) -> float:
    return round(float(1 / np.median(np.diff(times_s))), 3) if len(times_s) > 1 else 0.0


def _found_line(path: Path, evidence: Evidence) -> Line:
    """A line at which the path closes."""
    track = evidence.track()
    if track is None:
        raise LapFileError(
            f"{path}: --line is closed-path, and the file has no latitude and longitude; "
            "give --lap-length METRES, or leave --line out"
        )
    line = line_of_closed_path(track)
    if line is None:
        raise LapFileError(
            f"{path}: --line is closed-path, and the path passes no place twice in one direction; "
            "give --line LAT,LON,HEADING"
        )
    return line


def _no_laps(evidence: Evidence) -> str:
    """What is said of a recording without laps: what would tell them."""
    if evidence.position is not None and evidence.line is None:
        return "no laps are told; give the line: --line LAT,LON,HEADING or --line closed-path"
    if evidence.distance_m is not None and evidence.lap_length_m is None:
        return "no laps are told: the distance never falls; give --lap-length METRES"
    return "no laps are told"
