"""What each column of a recording means: its channel, its unit, and how it becomes canonical."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pitwall.channels.channel import Channel, channel_id
from pitwall.channels.names import Meaning, Names
from pitwall.channels.units import conversion, is_understood, names_a_unit
from pitwall.recordings.channel_reading import ChannelReading
from pitwall.recordings.own_names import distinct_names
from pitwall.recordings.recording import Column, Recording
from pitwall.recordings.speed_units import with_speed_unit

OURS = "perrinn"
"""The source of the 424's own exports: their columns are channels in canonical units."""
TIME_COLUMNS = ("TIMESTAMP", "TOTALTIME", "TIME")
"""Ids of columns that are the clock of a session and no evidence of a known car."""
AMBIGUOUS = ("Temperature", "Pressure")
"""Quantities of which no unit is usual: a column of them without one is not taken."""
SURE_UNITS = ("Latitude", "Longitude", "HeadingAngle", "EngineRpm", "Time", "TotalTime")
"""Channels whose unit nobody doubts where the file names none."""
UNIT_OF_LAP = "lap"
PLACES = ("Latitude", "Longitude")
MOST_OUTSIDE = 0.01
"""So large a share of samples may lie outside of the range that is expected."""
MOST_FALLS = 0.2
"""A distance falls in fewer of its steps than this share."""
FULL_PEDAL = 0.99
"""A pedal that was pressed so far, and never beyond 1, is told as a ratio."""
_DEVICE = re.compile(r"(.*\S)\s+\*\s*(\w[\w ]*)")
"""A name that ends in the device that gave the column: `Speed *calc`."""
_DEVICES = ("gps", "", "calc", "obd")
"""Where one quantity comes from several devices, the one to believe first."""


@dataclass(frozen=True)
class _Candidate:
    """A column as a channel, before the columns of one meaning were compared."""

    reading: ChannelReading
    rank: tuple[bool, tuple[int, int], int, int]
    doubt: str = ""


def meanings(
    recording: Recording,
    names: Names,
    channels: Mapping[str, Channel],
    lap_length_m: float | None = None,
) -> tuple[list[ChannelReading], list[str]]:
    """The channels that the columns are, in the columns' order, and what is doubtful.

    `channels` are the known ones by id. Of several columns with one meaning one is taken; the
    others, and all that are no known channel, keep their own names, made distinct. A column that
    is the clock is left out, unless it is the channel Time.
    """
    columns = recording.columns
    source = names.source(recording.format, [column.name for column in columns])
    rates = _Rates()
    candidates: list[_Candidate] = []
    for place, column in enumerate(columns):
        if _is_clock(recording, column):
            continue
        candidates.append(
            _candidate(place, column, source, names, channels, lap_length_m, rates.of(column))
        )
    candidates = _pedals(columns, candidates)
    chosen = _chosen(candidates)
    readings, doubts = [], [each.doubt for each in candidates if each.doubt]
    for each in candidates:
        reading = each.reading
        best = chosen.get(reading.channel) if reading.canonical_unit is not None else None
        if best is not None and best is not each:
            same_name = channel_id(reading.source) == channel_id(best.reading.source)
            if same_name and _numbers_differ(columns, reading, best.reading):
                doubts.append(
                    f"columns {best.reading.source!r} and {reading.source!r} have one name: the "
                    f"first is taken as {reading.channel}, the other keeps a name of its own"
                )
            note = f"the same quantity as {best.reading.source!r}, which is taken"
            reading = _own(reading, note)
        readings.append(reading)
    if source != OURS:
        readings, more = with_speed_unit(recording, readings)
        doubts += [*more, *_assumptions(source, names, channels, readings)]
    return distinct_names(columns, readings, channels), doubts


def _candidate(
    place: int,
    column: Column,
    source: str,
    names: Names,
    channels: Mapping[str, Channel],
    lap_length_m: float | None,
    rate_hz: float,
) -> _Candidate:
    name, device = told_device(column)
    own = ChannelReading(column.name, column.unit, column.name, None, None, 0.0, rate_hz, "", place)
    meaning = names.meaning(source, name, channels) or _alias(name, channels)
    empty = not np.isfinite(column.values).any()
    rank = (empty, meaning.rank if meaning else (9, 0), _device_rank(device), place)
    if meaning is None:
        return _Candidate(replace(own, note="no known name"), rank)
    if meaning.channel is None:
        return _Candidate(replace(own, note=meaning.note or "no known channel"), rank)
    channel = channels.get(channel_id(meaning.channel))
    if channel is None:
        note = f"names.yaml says {meaning.channel}, which is no known channel"
        return _Candidate(replace(own, note=note), rank, doubt=f"{column.name}: {note}")
    named = column.unit if names_a_unit(column.unit) else ""
    unit = meaning.unit if meaning.forced else named or meaning.unit
    if unit == UNIT_OF_LAP:
        return _Candidate(_share_of_lap(own, channel, lap_length_m), rank)
    if _is_flag(column, channel, named, source):
        return _Candidate(replace(own, note="on or off, no per cent"), rank)
    if channel.name == "Distance" and _falls(column.values):
        note = "it falls in many steps, so it is no distance since the start"
        return _Candidate(replace(own, note=note), rank, doubt=f"{column.name}: {note}")
    if not unit and channel.semantic in AMBIGUOUS and meaning.rank[0] > 1:
        note = f"no unit is named, so it may not be {channel.unit}"
        return _Candidate(replace(own, note=note), rank, doubt=f"{column.name}: {note}")
    if not unit and source != OURS and _beyond(column.values, channel):
        note = f"no unit is named, and its values are beyond those of {channel.name} in "
        note += f"{channel.unit}: say the unit in feature_repo/names.yaml"
        return _Candidate(replace(own, note=note), rank, doubt=f"{column.name}: {note}")
    way = conversion(unit or channel.unit, channel.unit)
    if not channel.unit and (not unit or not is_understood(unit)):
        factor, offset = 1.0, 0.0
    elif way is None and unit:
        problem = (
            f"unit {unit!r} is no unit of {channel.name} ({channel.unit or 'a number'})"
            if is_understood(unit)
            else f"unit {unit!r} is not understood"
        )
        doubt = f"{column.name}: {problem}; it is not taken as {channel.name}"
        return _Candidate(replace(own, note=problem), rank, doubt=doubt)
    else:
        factor, offset = way or (1.0, 0.0)
    if channel.name in PLACES and source != OURS and _outside(column.values * factor, channel):
        note = f"its values are beyond those of {channel.name} in degrees: give degrees with a "
        note += "decimal point, or say the unit in feature_repo/names.yaml"
        return _Candidate(replace(own, note=note), rank, doubt=f"{column.name}: {note}")
    reading = replace(
        own,
        channel=channel.name,
        canonical_unit=channel.unit,
        factor=meaning.sign * factor,
        offset=meaning.sign * offset,
        note=_note(unit, named, meaning, channel, offset),
        assumed=not unit and bool(channel.unit),
        missing=meaning.missing,
    )
    return _Candidate(reading, rank)


def told_device(column: Column) -> tuple[str, str]:
    """Name and device of a column; some files write the device behind the name."""
    match = _DEVICE.fullmatch(column.name)
    return (match[1], column.source or match[2]) if match else (column.name, column.source)


def _note(unit: str, named: str, meaning: Meaning, channel: Channel, offset: float) -> str:
    """What is said of a known channel's unit."""
    if named and offset:
        return f"then {offset:+.6g} {channel.unit}"
    if not channel.unit or (named and not meaning.forced):
        return ""
    return f"{unit} by the source" if unit else f"no unit is named: {channel.unit} is assumed"


def _share_of_lap(
    own: ChannelReading, channel: Channel, lap_length_m: float | None
) -> ChannelReading:
    if lap_length_m is None:
        note = "the share of a lap, whose length is not told: give --lap-length"
        return replace(own, note=note, is_fraction=True)
    return replace(
        own,
        channel=channel.name,
        canonical_unit=channel.unit,
        factor=lap_length_m,
        is_fraction=True,
        note=f"the share of a lap of {lap_length_m:g} m",
    )


def _is_flag(column: Column, channel: Channel, named: str, source: str) -> bool:
    if channel.unit != "%" or named or source == OURS:
        return False
    known = column.values[np.isfinite(column.values)]
    return column.boolean or bool((known == 1).any() and np.isin(known, (0.0, 1.0)).all())


def _pedals(columns: Sequence[Column], candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The candidates, with pedals of 0 to 1 without a unit taken as a ratio where that is sure."""
    unclear = []
    sure = False
    for number, each in enumerate(candidates):
        if each.reading.assumed and each.reading.canonical_unit == "%":
            known = columns[each.reading.column].values
            known = known[np.isfinite(known)]
            within = len(known) and known.min() >= 0 and 0 < known.max() <= 1
            if within and ((known > 0) & (known < 1)).any():
                unclear.append(number)
                sure |= float(known.max()) >= FULL_PEDAL
    result = list(candidates)
    for number in unclear:
        each = result[number]
        name = each.reading.source
        if sure:
            doubt = f"{name}: no unit is named, and its values are 0 to 1: taken as a ratio"
            note = "0 to 1 without a unit: a ratio"
            reading = replace(each.reading, factor=100.0, note=note, assumed=False)
        else:
            doubt = f"{name}: no unit is named, and its values are 0 to 1: a ratio or %, so not"
            doubt += f" taken as {each.reading.channel}; name it in feature_repo/names.yaml"
            reading = _own(each.reading, "0 to 1 without a unit: a ratio or %")
        result[number] = replace(each, reading=reading, doubt=doubt)
    return result


def _chosen(candidates: Sequence[_Candidate]) -> dict[str, _Candidate]:
    """The best candidate of each known channel."""
    chosen: dict[str, _Candidate] = {}
    for each in candidates:
        name = each.reading.channel
        if each.reading.canonical_unit is not None and (
            name not in chosen or each.rank < chosen[name].rank
        ):
            chosen[name] = each
    return chosen


def _assumptions(
    source: str,
    names: Names,
    channels: Mapping[str, Channel],
    readings: Sequence[ChannelReading],
) -> list[str]:
    """What was assumed of columns because the file and its source do not tell it."""
    doubts = []
    units = [
        f"{each.source} ({each.canonical_unit})"
        for each in readings
        if each.assumed and each.channel not in SURE_UNITS
    ]
    if units:
        doubts.append(f"no unit is named, so the canonical one is assumed: {', '.join(units)}")
    for each in readings:
        if each.canonical_unit is not None and each.channel in ("AccelerationLat", "SteeringAngle"):
            meaning = names.meaning(source, each.source, channels)
            if meaning is not None and meaning.rank[0] > 1:
                doubts.append(
                    f"{each.source}: which turn is positive is not told; right is assumed"
                )
    return doubts


def _numbers_differ(
    columns: Sequence[Column], reading: ChannelReading, taken: ChannelReading
) -> bool:
    """Whether two columns, brought to one unit, hold other numbers."""
    one, other = columns[reading.column], columns[taken.column]
    if one.times_s is not other.times_s:
        return True
    left = one.values * (reading.factor or 1.0) + reading.offset
    right = other.values * (taken.factor or 1.0) + taken.offset
    both = np.isfinite(left) & np.isfinite(right)
    return not np.allclose(left[both], right[both], rtol=0.01, atol=0.5)


def _beyond(values: NDArray[np.float64], channel: Channel) -> bool:
    """Whether an acceleration is beyond the channel's range too often for noise."""
    return channel.semantic == "Acceleration" and _outside(values, channel)


def _outside(values: NDArray[np.float64], channel: Channel) -> bool:
    """Whether more values are beyond the channel's range than noise explains."""
    known = values[np.isfinite(values)]
    outside = (known < channel.low) | (known > channel.high)
    return len(known) > 0 and float(outside.mean()) > MOST_OUTSIDE


def _falls(values: NDArray[np.float64]) -> bool:
    """Whether a distance falls far too often for one."""
    steps = np.diff(values[np.isfinite(values)])
    return len(steps) > 10 and float((steps < 0).mean()) > MOST_FALLS


def _own(reading: ChannelReading, note: str) -> ChannelReading:
    return replace(
        reading,
        channel=reading.source,
        canonical_unit=None,
        factor=None,
        offset=0.0,
        note=note,
        assumed=False,
    )


def _alias(name: str, channels: Mapping[str, Channel]) -> Meaning | None:
    """The channel of which the name is an alias on the wire."""
    id = channel_id(name)
    for channel in channels.values():
        if id in channel.aliases:
            return Meaning(channel.name, (1, 1))
    return None


def _device_rank(device: str) -> int:
    words = device.lower()
    for rank, known in enumerate(_DEVICES):
        if known and known in words:
            return rank
    return _DEVICES.index("") if not words else len(_DEVICES)


def _is_clock(recording: Recording, column: Column) -> bool:
    """Whether the column is the clock and not also the channel Time or TotalTime."""
    if not recording.clock or column.name != recording.clock:
        return False
    if channel_id(column.name) not in TIME_COLUMNS[1:]:
        return True
    way = conversion(column.unit or "s", "s")
    factor = way.factor if way else 1.0
    return not np.allclose(
        column.values * factor, column.times_s, rtol=0, atol=1e-3, equal_nan=True
    )


class _Rates:
    """Samples a second of columns; columns without gaps share the answer of their times."""

    def __init__(self) -> None:
        self._of_times: dict[int, float] = {}

    def of(self, column: Column) -> float:
        known = np.isfinite(column.values)
        if not known.all():
            return _rate_hz(column.times_s[known])
        key = id(column.times_s)
        if key not in self._of_times:
            self._of_times[key] = _rate_hz(column.times_s)
        return self._of_times[key]


def _rate_hz(times_s: NDArray[np.float64]) -> float:
    steps = np.diff(times_s[np.isfinite(times_s)])
    steps = steps[steps > 5e-7]
    return round(float(1 / np.median(steps)), 3) if len(steps) else 0.0
