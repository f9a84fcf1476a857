"""Reads MoTeC `.ld` and `.ldx` files by the public layout, apart from the code of the package.

The offsets are those that public readers name. Nothing here is shared with the package's writer
or reader, so a file that both understand is laid out as the world expects it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BLOCK = np.dtype(
    {
        "names": ["before", "next", "place", "count", "kind", "size", "rate", "shift", "mul"],
        "formats": ["<u4", "<u4", "<u4", "<u4", "<u2", "<u2", "<u2", "<i2", "<i2"],
        "offsets": [0, 4, 8, 12, 18, 20, 22, 24, 26],
        "itemsize": 124,
    }
)
NUMBERS = {(7, 2): "<f2", (7, 4): "<f4", (0, 2): "<i2", (3, 2): "<i2", (5, 4): "<i4"}


@dataclass
class Channel:
    """A channel as it stands in the file."""

    name: str
    short: str
    unit: str
    rate_hz: int
    values: np.ndarray


@dataclass
class LdFile:
    """The fields and channels of a `.ld`."""

    day: str
    time: str
    vehicle: str
    event_vehicle: str
    count: int
    channels: dict[str, Channel]


def read_ld(path: Path) -> LdFile:
    """Read a `.ld`, following its chain of channels in both directions."""
    raw = path.read_bytes()
    (marker, first, _data) = np.frombuffer(raw, "<u4", 4)[[0, 2, 3]]
    assert marker == 0x40
    event = int(np.frombuffer(raw, "<u4", 1, 0x24)[0])
    venue = int(np.frombuffer(raw, "<u2", 1, event + 64 + 64 + 1024)[0])
    vehicle = int(np.frombuffer(raw, "<u2", 1, venue + 64 + 1034)[0])
    channels, before, place = {}, 0, int(first)
    while place:
        block = np.frombuffer(raw, BLOCK, 1, place)[0]
        assert block["before"] == before
        scale, decimals = np.frombuffer(raw, "<i2", 2, place + 28)
        stored = np.frombuffer(
            raw,
            NUMBERS[int(block["kind"]), int(block["size"])],
            int(block["count"]),
            int(block["place"]),
        )
        if int(block["kind"]) != 7:
            stored = (stored / scale * 10.0**-decimals + block["shift"]) * block["mul"]
        assert (scale, decimals, block["shift"], block["mul"]) == (1, 0, 0, 1)
        name = text(raw, place + 32, 32)
        channels[name] = Channel(
            name, text(raw, place + 64, 8), text(raw, place + 72, 12), int(block["rate"]), stored
        )
        before, place = place, int(block["next"])
    return LdFile(
        text(raw, 0x5E, 16),
        text(raw, 0x7E, 16),
        text(raw, 0xDE, 64),
        text(raw, vehicle, 64),
        int(np.frombuffer(raw, "<u4", 1, 0x56)[0]),
        channels,
    )


def read_beacons_s(path: Path) -> list[float]:
    """Times of the beacons of a `.ldx`, by the text of its markers alone."""
    markers = re.findall(r"<Marker [^>]*>", path.read_text())
    return [
        float(match[1]) / 1e6
        for marker in markers
        if 'ClassName="BCN"' in marker and (match := re.search(r'Time="([^"]+)"', marker))
    ]


def text(raw: bytes, place: int, length: int) -> str:
    """A field of text, which ends at its first zero byte."""
    return raw[place : place + length].split(b"\0")[0].decode("ascii")
