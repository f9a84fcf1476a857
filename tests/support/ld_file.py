"""Writes small MoTeC `.ld` and `.ldx` files, to be read by tests."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HEAD_BYTES = 0x762
BLOCK_BYTES = 124
KINDS = {"<i2": (3, 2), "<i4": (5, 4), "<f2": (7, 2), "<f4": (7, 4)}


@dataclass
class LdChannel:
    """One channel: `stored` are the numbers as they stand in the file."""

    name: str
    unit: str
    rate_hz: int
    stored: Sequence[float] | np.ndarray
    dtype: str = "<f4"
    shift: int = 0
    multiplier: int = 1
    scale: int = 1
    decimals: int = 0


def write_ld(
    path: Path,
    channels: Sequence[LdChannel],
    day: str = "04/03/2024",
    time: str = "14:05:06",
    driver: str = "A. Driver",
    vehicle: str = "Kart 7",
    vehicle_of_event: str = "",
) -> Path:
    """Write a `.ld` file. `vehicle_of_event` stands in the blocks behind the head, if given."""
    event = HEAD_BYTES if vehicle_of_event else 0
    venue, car = event + 1154, event + 1154 + 1100
    blocks = car + 260 if event else HEAD_BYTES
    at = blocks + BLOCK_BYTES * len(channels)
    head = bytearray(HEAD_BYTES)
    struct.pack_into("<IIII", head, 0, 0x40, 0, blocks if channels else 0, at)
    struct.pack_into("<I", head, 0x24, event)
    for offset, text in ((0x5E, day), (0x7E, time), (0x9E, driver), (0xDE, vehicle)):
        head[offset : offset + len(text.encode())] = text.encode()
    out = bytearray(head)
    if event:
        out += struct.pack("<64s64s1024sH", b"Event", b"", b"", venue)
        out += struct.pack("<64s1034sH", b"Venue", b"", car)
        out += struct.pack("<64s128xI32s32s", vehicle_of_event.encode(), 0, b"", b"")
    data = bytearray()
    for number, channel in enumerate(channels):
        samples = np.asarray(channel.stored, dtype=channel.dtype)
        here = blocks + number * BLOCK_BYTES
        out += struct.pack(
            "<IIIIHHHHhhhh32s8s12s40x",
            here - BLOCK_BYTES if number else 0,
            here + BLOCK_BYTES if number + 1 < len(channels) else 0,
            at,
            len(samples),
            number,
            *KINDS[channel.dtype],
            channel.rate_hz,
            channel.shift,
            channel.multiplier,
            channel.scale,
            channel.decimals,
            channel.name.encode()[:32],
            channel.name.encode()[:8],
            channel.unit.encode()[:12],
        )
        data += samples.tobytes()
        at += samples.nbytes
    path.write_bytes(out + data)
    return path


def write_ldx(path: Path, beacons_s: Sequence[float]) -> Path:
    """Write a `.ldx` file with a beacon at each of these times."""
    markers = "".join(
        f'<Marker Version="100" ClassName="BCN" Name="Manual.{i}" Flags="77" Time="{t * 1e6:.6g}"/>'
        for i, t in enumerate(beacons_s, start=1)
    )
    path.write_text(
        '<?xml version="1.0"?><LDXFile Locale="en" Version="1.6"><Layers><Layer>'
        '<MarkerBlock><MarkerGroup Name="Beacons" Index="3">'
        f"{markers}</MarkerGroup></MarkerBlock></Layer></Layers></LDXFile>"
    )
    return path
