"""python-can's reader of `.blf` files, with bounds that a damaged file cannot break.

In python-can 4.6 an object of size 0 is read again for ever, and a container may unpack to any
size. Containers are therefore unpacked here, and their objects' sizes checked, before python-can
reads the frames in them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from can.io.blf import (
    LOG_CONTAINER,
    LOG_CONTAINER_STRUCT,
    NO_COMPRESSION,
    OBJ_HEADER_BASE_STRUCT,
    ZLIB_DEFLATE,
    BLFParseError,
    BLFReader,
)

MARK = b"LOBJ"
MOST_BYTES = 64 << 20
"""A container unpacks to no more; writers make containers of 128 KiB."""
LEAST_OBJECT = 32
"""Bytes of the headers that every object has."""


class BoundedBlfReader(BLFReader):
    """Frames of a `.blf` file. Raises `BLFParseError` or `struct.error` for a damaged one."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """All frames, container by container."""
        head = OBJ_HEADER_BASE_STRUCT
        while base := self.file.read(head.size):
            signature, _, _, size, kind = head.unpack(base)
            if signature != MARK or size < head.size:
                raise BLFParseError("an object without its mark or size")
            body = self.file.read(size - head.size)
            if len(body) < size - head.size:
                raise BLFParseError("the last object is cut off")
            self.file.read(size % 4)
            if kind == LOG_CONTAINER:
                data = _unpacked(body)
                _check_sizes(self._tail + data)
                yield from self._parse_container(data)
                if len(self._tail) > MOST_BYTES:
                    raise BLFParseError(f"an object of more than {MOST_BYTES >> 20} MiB")
        self.stop()


def _unpacked(body: bytes) -> bytes:
    """The content of a container."""
    method, _ = LOG_CONTAINER_STRUCT.unpack_from(body)
    content = body[LOG_CONTAINER_STRUCT.size :]
    if method == NO_COMPRESSION:
        return content
    if method != ZLIB_DEFLATE:
        raise BLFParseError(f"a container of the unknown compression {method}")
    inflate = zlib.decompressobj()
    data = inflate.decompress(content, MOST_BYTES)
    if inflate.unconsumed_tail:
        raise BLFParseError(f"a container of more than {MOST_BYTES >> 20} MiB")
    if not inflate.eof:
        raise BLFParseError("a container that is cut off")
    return data


def _check_sizes(data: bytes) -> None:
    """Walk over the objects as python-can does. Raises where one is smaller than its headers."""
    place = 0
    while True:
        place = data.find(MARK, place, place + 8)
        if place < 0 or place + OBJ_HEADER_BASE_STRUCT.size > len(data):
            return
        size = OBJ_HEADER_BASE_STRUCT.unpack_from(data, place)[3]
        if size < LEAST_OBJECT:
            raise BLFParseError(f"an object of {size} bytes")
        place += size
