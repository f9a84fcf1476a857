"""Names of channels that no table knows: their own, made distinct and fit for the wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pitwall.channels.channel import Channel, channel_id
from pitwall.recordings.channel_reading import ChannelReading
from pitwall.recordings.recording import Column

MOST_CHARACTERS = 120
"""A longer name is cut."""


def distinct_names(
    columns: Sequence[Column],
    readings: Sequence[ChannelReading],
    channels: Mapping[str, Channel],
) -> list[ChannelReading]:
    """The channels, where those without a canonical unit have names of their own.

    None of these names has the id or the alias of a known channel, so nobody takes them for one.
    """
    taken = set(channels)
    taken |= {alias for channel in channels.values() for alias in channel.aliases}
    result = []
    for reading in readings:
        if reading.canonical_unit is None:
            options = _options(columns[reading.column], reading)
            name = next(name for name in options if channel_id(name) not in taken)
            taken.add(channel_id(name))
            reading = replace(reading, channel=name)
        result.append(reading)
    return result


def _options(column: Column, reading: ChannelReading) -> Iterator[str]:
    name = _plain(reading.source)
    if not channel_id(name):
        name = f"column {reading.column + 1} {name}".strip()
    yield name
    for more in (column.source, reading.unit):
        if channel_id(more):
            yield _plain(f"{name} ({more})")
    yield f"{name} (file)"
    number = 1
    while True:
        number += 1
        yield f"{name} {number}"


def _plain(text: str) -> str:
    """The text without control characters, of at most `MOST_CHARACTERS`."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split())[:MOST_CHARACTERS]
