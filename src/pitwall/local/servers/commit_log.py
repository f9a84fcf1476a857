"""Cuts off what a full disk left half-written at the end of Cassandra's commit log.

A segment is a descriptor and sections. Each begins with a marker: where it ends, and a checksum of
its own place. Where the disk is full, Cassandra ends in the middle of a section, and its next start
refuses the segment for ever: the marker's end lies behind the end of the file. What such a section
holds was never written whole, so no client was told that it is safe on disk.
"""

from __future__ import annotations

import logging
import struct
import zlib
from pathlib import Path

LOG = logging.getLogger("pitwall.local")
DESCRIPTOR = struct.Struct(">iqh")
"""Version of the format, the segment's id, and the length of the parameters that follow."""
MARKER = struct.Struct(">iI")
"""Place at which the section ends, and the checksum."""
CHECKSUM_BYTES = 4


def cut_half_written(folder: Path) -> None:
    """Cut each segment in the folder at the marker of a section that goes beyond its end.

    Cassandra must not run. Segments that are damaged in another way stay as they are: Cassandra
    says what is wrong with them.
    """
    for segment in sorted(folder.glob("CommitLog-*.log")):
        place = half_written_from(segment)
        if place is not None:
            size = segment.stat().st_size
            with segment.open("r+b") as file:
                file.truncate(place)
            LOG.warning(
                "%s: its last %d bytes are a section that a full disk left half-written; "
                "they are cut off",
                segment,
                size - place,
            )


def half_written_from(segment: Path) -> int | None:
    """Where the section begins that goes beyond the segment's end; None where there is none."""
    size = segment.stat().st_size
    with segment.open("rb") as file:
        head = file.read(DESCRIPTOR.size)
        if len(head) < DESCRIPTOR.size:
            return None
        _, number, length = DESCRIPTOR.unpack(head)
        place: int = DESCRIPTOR.size + length + CHECKSUM_BYTES
        while place + MARKER.size <= size:
            file.seek(place)
            end, checksum = MARKER.unpack(file.read(MARKER.size))
            words = (number & 0xFFFFFFFF, number >> 32 & 0xFFFFFFFF, place)
            if checksum != zlib.crc32(struct.pack(">III", *words)):
                return None
            if end > size:
                return place
            if end <= place:
                return None
            place = end
    return None
