"""Writes small AiM `.xrk` files, as far as the library libxrk knows the format."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from libxrk.gps import lla2ecef

FLOAT, INT16 = 6, 4
"""Codes of the decoders of a channel's numbers."""


@dataclass
class XrkChannel:
    """One channel: its unit as AiM's code (15 rpm, 16 km/h, 17 °C), and its samples."""

    name: str
    unit_code: int
    times_ms: Sequence[int] | np.ndarray
    values: Sequence[float] | np.ndarray
    decoder: int = FLOAT


def message(name: str, content: bytes) -> bytes:
    """One message with its check sum."""
    token = name.encode().ljust(4, b" ")
    total = sum(content) & 0xFFFF
    head = b"<h" + token + struct.pack("<iB", len(content), 1) + b">"
    return head + content + b"<" + token + struct.pack("<H", total) + b">"


def write_xrk(
    path: Path,
    channels: Sequence[XrkChannel],
    laps_ms: Sequence[tuple[int, int]] = (),
    texts: dict[str, str] | None = None,
    fixes: Sequence[tuple[int, float, float]] = (),
    line: tuple[float, float] | None = None,
) -> Path:
    """Write a file. A lap is its duration and its end; `texts` are the messages of its facts.

    `fixes` are time in ms, latitude and longitude; `line` is the place of the start/finish line.
    """
    described = b""
    for index, channel in enumerate(channels):
        chs = bytearray(112)
        struct.pack_into("<H", chs, 0, index)
        chs[12], chs[20], chs[72] = channel.unit_code, channel.decoder, _width(channel)
        chs[24:32] = channel.name.encode()[:7].ljust(8, b"\0")
        chs[32:56] = channel.name.encode()[:23].ljust(24, b"\0")
        described += message("CHS", bytes(chs))
    out = message("CNF", described)
    samples = [
        (int(time), index, _packed(channel, value))
        for index, channel in enumerate(channels)
        for time, value in zip(channel.times_ms, channel.values, strict=True)
    ]
    for time, index, number in sorted(samples, key=lambda sample: sample[0]):
        out += b"(S" + struct.pack("<iH", time, index) + number + b")"
    for number, (duration, end) in enumerate(laps_ms, start=1):
        out += message("LAP", struct.pack("<xBHI8xI", 0, number, duration, end))
    for name, text in (texts or {}).items():
        out += message(name, text.encode() + b"\0")
    for time, latitude, longitude in fixes:
        x, y, z = (round(100 * float(part)) for part in lla2ecef(latitude, longitude, 0.0))
        out += message("GPS", struct.pack("<i12x3i4x3i12x", time, x, y, z, 1000, 0, 0))
    if line is not None:
        place = (round(degrees * 1e7) for degrees in line)
        out += message("TRK", struct.pack("<36s2i4x", b"Oval", *place))
    path.write_bytes(out)
    return path


def _width(channel: XrkChannel) -> int:
    return 4 if channel.decoder == FLOAT else 2


def _packed(channel: XrkChannel, value: float) -> bytes:
    return struct.pack("<f", value) if channel.decoder == FLOAT else struct.pack("<h", int(value))
