"""MoTeC `.ld` files, as data loggers and simulators write them, with the laps of their `.ldx`.

MoTeC publishes no description. The layout is as public readers of the format have worked it out:
a head of fixed size, a linked list of blocks that describe a channel each, and each channel's
samples in one piece. A channel has its own rate, and all begin at 0 s.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import LapFileError, listed
from pitwall.recordings.readers.motec_ldx import beacons
from pitwall.recordings.readers.parts import (
    SteadyTimes,
    check_content,
    lap_column,
    longest,
    text_of,
    told_apart,
)
from pitwall.recordings.recording import Column, Options, Recording

NAME = "motec-ld"
SUFFIXES: tuple[str, ...] = (".ld",)

MARK = struct.pack("<II", 0x40, 0)
"""The first eight bytes of the file."""
HEAD_BYTES = 0x762
DATE, TIME = 0x5E, 0x7E
DRIVER, VEHICLE = 0x9E, 0xDE
"""Offsets in the head: texts of 16 bytes (date, time) and of 64 bytes."""
EVENT_TO_VENUE, VENUE_TO_VEHICLE = 1152, 1098
"""Offsets in the blocks of event and venue of the pointer to the next block (16 bits)."""
CHANNEL = struct.Struct("<IIIIHHHHhhhh32s8s12s")
"""Previous block, next block, data, samples, counter, kind, bytes a sample, Hz, shift, multiplier,
scale, decimal places, name, short name, unit."""
INTEGERS: dict[int, np.dtype[np.generic]] = {2: np.dtype("<i2"), 4: np.dtype("<i4")}
FLOATS: dict[int, np.dtype[np.generic]] = {
    2: np.dtype("<f2"),
    4: np.dtype("<f4"),
    8: np.dtype("<f8"),
}
FLOAT_KINDS = (7, 8)
INTEGER_KINDS = (0, 1, 2, 3, 4, 5, 6)
MOST_DECIMALS = 18


class Channel(NamedTuple):
    """The description of one channel."""

    number: int
    name: str
    unit: str
    data: int
    """Offset of the first sample in the file."""
    samples: int
    dtype: np.dtype[np.generic] | None
    """None for a kind of number that is not known."""
    rate_hz: int
    shift: int
    multiplier: int
    scale: int
    decimals: int

    @property
    def fault(self) -> str:
        """Why the channel has no values that can be read; empty if it has."""
        if self.samples == 0:
            return "no samples"
        if self.dtype is None:
            return "an unknown kind of numbers"
        if self.rate_hz == 0:
            return "a rate of 0 Hz"
        if abs(self.decimals) > MOST_DECIMALS:
            return "more decimal places than a number has"
        return "a scale or multiplier of 0" if self.scale == 0 or self.multiplier == 0 else ""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the first 64 KiB begin as a `.ld` file does."""
    return head.startswith(MARK)


def read(path: Path, options: Options) -> Sequence[Recording]:
    """The one recording of a `.ld` file. Its beacons are those of the `.ldx` file beside it.

    Raises `LapFileError` when the head, a channel's block or a channel's samples lie outside the
    file, and when no channel has samples. An empty or unreadable channel is left out and named.
    """
    size = path.stat().st_size
    if size < HEAD_BYTES:
        raise LapFileError(
            f"{path}: MoTeC .ld file of {size} bytes, its head alone has {HEAD_BYTES}: the file is "
            "cut off; copy it from the logger again"
        )
    check_content(path, recognises, "a MoTeC .ld file")
    raw = np.memmap(path, dtype=np.uint8, mode="r")
    head = raw[:HEAD_BYTES].tobytes()
    channels = list(_channels(path, raw, struct.unpack_from("<I", head, 8)[0]))
    readable = [channel for channel in channels if not channel.fault]
    if not readable:
        reason = f"; {channels[0].name!r} has {channels[0].fault}" if channels else ""
        raise LapFileError(
            f"{path}: none of its {len(channels)} channels can be read{reason}; is it a log of "
            "a drive?"
        )
    times = SteadyTimes()
    columns = tuple(
        told_apart(
            Column(
                channel.name,
                channel.unit,
                times.at(channel.samples, channel.rate_hz),
                _values(raw, channel),
            )
            for channel in readable
        )
    )
    start, day_only = _start(head)
    return [
        Recording(
            path,
            NAME,
            columns,
            longest(columns),
            clock="each channel's rate in Hz",
            start=start,
            zone_told=False,
            day_only=day_only,
            vehicle=text_of(head[VEHICLE : VEHICLE + 64]) or _vehicle(raw, head) or None,
            driver=text_of(head[DRIVER : DRIVER + 64]) or None,
            beacons_s=beacons(path),
            lap_column=lap_column(columns),
            doubts=tuple(_doubts(channels)),
        )
    ]


def _channels(path: Path, raw: NDArray[np.uint8], block: int) -> Iterator[Channel]:
    """The channels in the order of the file's list of blocks, which begins at offset `block`."""
    seen: set[int] = set()
    data_bytes = 0
    while block:
        if block in seen or block + CHANNEL.size > len(raw):
            raise LapFileError(
                f"{path}: the block of channel {len(seen) + 1} should be at byte {block}, "
                f"{'which is that of another channel' if block in seen else 'behind the end'} "
                f"(file of {len(raw)} bytes): the file is damaged; copy it from the logger again"
            )
        seen.add(block)
        _, following, data, samples, _, kind, width, rate_hz, *numbers, name, short, unit = (
            CHANNEL.unpack(raw[block : block + CHANNEL.size].tobytes())
        )
        dtypes = FLOATS if kind in FLOAT_KINDS else INTEGERS if kind in INTEGER_KINDS else {}
        label = text_of(name) or text_of(short) or f"channel {len(seen)}"
        channel = Channel(
            len(seen), label, text_of(unit), data, samples, dtypes.get(width), rate_hz, *numbers
        )
        if not channel.fault:
            assert channel.dtype is not None
            end = data + samples * channel.dtype.itemsize
            data_bytes += end - data
            if end > len(raw) or data < HEAD_BYTES:
                raise LapFileError(
                    f"{path}: channel {label!r}: its {samples} samples lie in bytes {data} to "
                    f"{end} of a file of {len(raw)} bytes: the file is cut off or damaged; copy "
                    "it from the logger again"
                )
            if data_bytes > len(raw):
                raise LapFileError(
                    f"{path}: channel {label!r}: up to here the channels have {data_bytes} bytes "
                    f"of samples, the file has {len(raw)}: the file is damaged; copy it from the "
                    "logger again"
                )
        yield channel
        block = following


def _values(raw: NDArray[np.uint8], channel: Channel) -> NDArray[np.float64]:
    """The samples in the channel's unit, shape (samples,)."""
    assert channel.dtype is not None
    width = channel.samples * channel.dtype.itemsize
    stored = raw[channel.data : channel.data + width].view(channel.dtype)
    with np.errstate(all="ignore"):
        values = stored.astype(np.float64)
        if channel.scale != 1:
            values /= channel.scale
        if channel.decimals > 0:
            values /= 10.0**channel.decimals
        elif channel.decimals < 0:
            values *= 10.0**-channel.decimals
        if channel.shift:
            values += channel.shift
        if channel.multiplier != 1:
            values *= channel.multiplier
        if not np.isfinite(values.sum()):
            values[~np.isfinite(values)] = np.nan
    return values


def _start(head: bytes) -> tuple[datetime | None, bool]:
    """The date and time of the head, and whether there is only a date."""
    day, time = text_of(head[DATE : DATE + 16]), text_of(head[TIME : TIME + 16])
    for pattern, day_only in (
        ("%d/%m/%Y %H:%M:%S", False),
        ("%d/%m/%Y %H:%M", False),
        ("%d/%m/%Y ", True),
    ):
        try:
            written = f"{day} " if day_only else f"{day} {time}"
            return datetime.strptime(written, pattern).replace(tzinfo=UTC), day_only
        except ValueError:
            continue
    return None, False


def _vehicle(raw: NDArray[np.uint8], head: bytes) -> str:
    """The vehicle's name in the blocks of event, venue and vehicle; empty where one is missing."""
    at = struct.unpack_from("<I", head, 0x24)[0]
    for offset in (EVENT_TO_VENUE, VENUE_TO_VEHICLE):
        pointer = raw[at + offset : at + offset + 2].tobytes()
        if at == 0 or len(pointer) < 2:
            return ""
        at = struct.unpack("<H", pointer)[0]
    return text_of(raw[at : at + 64].tobytes()) if at else ""


def _doubts(channels: Sequence[Channel]) -> Iterator[str]:
    left_out: dict[str, list[str]] = {}
    for channel in channels:
        if channel.fault:
            left_out.setdefault(channel.fault, []).append(channel.name)
    for fault, names in left_out.items():
        verb = "has" if len(names) == 1 else "have"
        yield f"{listed(names)} {verb} {fault} and {'is' if verb == 'has' else 'are'} left out."
