"""Which channel a signal of a CAN bus is: by the names of other loggers, as recordings are read."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pitwall.channels.channel import channel_id
from pitwall.channels.names import Names
from pitwall.channels.table import CHANNELS
from pitwall.channels.units import conversion, names_a_unit, wire_factors

Key = TypeVar("Key", bound=Hashable)
UNIT_OF_LAP = "lap"
AMBIGUOUS = ("Temperature", "Pressure")
"""Quantities of which no unit is usual: a signal of them without one keeps its name."""


@dataclass(frozen=True)
class SignalChannel:
    """A signal as it is sent."""

    name: str
    unit: str
    factor: float = 1.0
    offset: float = 0.0
    """The value that is sent is the signal's, times the factor, plus the offset."""


def channels_of(signals: Mapping[Key, tuple[str, str]], names: Names) -> dict[Key, SignalChannel]:
    """The channel of each signal, by its name and unit.

    A signal is a known channel where `names` say so and its unit is one of that channel. Of several
    the one whose name stands first is taken; the others, and all that are no known channel, keep
    their names and units. Units that the job does not know, such as °F, are converted here.
    """
    sent = {key: SignalChannel(*signal) for key, signal in signals.items()}
    taken = {channel_id(name) for name, _ in signals.values()}
    ranked: list[tuple[tuple[int, int], int, Key, SignalChannel]] = []
    for place, (key, (name, unit)) in enumerate(signals.items()):
        meaning = names.meaning("", name, CHANNELS)
        if meaning is None or meaning.channel is None or meaning.unit == UNIT_OF_LAP:
            continue
        channel = CHANNELS[channel_id(meaning.channel)]
        told = unit if names_a_unit(unit) and not meaning.forced else meaning.unit
        if not told and channel.semantic in AMBIGUOUS and channel_id(name) != channel.id:
            continue
        way = conversion(told, channel.unit) if told and channel.unit else None
        if told and channel.unit and way is None:
            continue
        known = SignalChannel(channel.name, told)
        if way is not None and (meaning.sign < 0 or told not in wire_factors(channel)):
            factor, offset = meaning.sign * way.factor, meaning.sign * way.offset
            known = SignalChannel(channel.name, channel.unit, factor, offset)
        ranked.append((meaning.rank, place, key, known))
    for _, _, key, known in sorted(ranked, key=lambda entry: entry[:2]):
        own = channel_id(signals[key][0]) == channel_id(known.name)
        if own or channel_id(known.name) not in taken:
            sent[key] = known
            taken.add(channel_id(known.name))
    return sent
