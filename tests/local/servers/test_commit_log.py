"""A commit log whose last section a full disk left half-written."""

from __future__ import annotations

import logging
import struct
import zlib
from pathlib import Path

import pytest

from pitwall.local.servers.commit_log import cut_half_written, half_written_from

NUMBER = 1_795_805_680_655
PARAMETERS = b'{"compressionClass":"LZ4Compressor","compressionParameters":null}'


def segment(folder: Path, *sections: bytes, number: int = NUMBER) -> Path:
    """A segment as Cassandra 5 writes it."""
    content = struct.pack(">iqh", 7, number, len(PARAMETERS)) + PARAMETERS + b"\1\2\3\4"
    for section in sections:
        place = len(content)
        checksum = zlib.crc32(struct.pack(">III", number & 0xFFFFFFFF, number >> 32, place))
        content += struct.pack(">iI", place + 8 + len(section), checksum) + section
    file = folder / f"CommitLog-7-{number}.log"
    file.write_bytes(content)
    return file


def test_a_half_written_section_is_cut_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Cassandra said: bad header at position …, with bad position but valid CRC; at each start."""
    whole = segment(tmp_path, b"a" * 50, b"b" * 70).read_bytes()
    file = segment(tmp_path, b"a" * 50, b"b" * 70, b"c" * 90)
    file.write_bytes(file.read_bytes()[:-30])
    later = segment(tmp_path, b"d" * 10, number=NUMBER + 1)
    untouched = later.read_bytes()
    assert half_written_from(file) == len(whole)
    with caplog.at_level(logging.WARNING):
        cut_half_written(tmp_path)
    assert file.read_bytes() == whole
    assert later.read_bytes() == untouched
    assert "its last 68 bytes" in caplog.text


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content,
        lambda content: content[:5],
        lambda content: content[:-125],  # within the marker of the last section
        lambda content: content + bytes(40),  # room that was never used
        lambda content: content[:95] + b"\xff" + content[96:],  # within the first section
        lambda content: content[:87] + b"\xff" + content[88:],  # the checksum of the first marker
        lambda content: content + b"\xff" * 20,
        lambda content: b"",
    ],
)
def test_any_other_segment_stays_as_it_is(tmp_path: Path, damage: object) -> None:
    file = segment(tmp_path, b"a" * 50, b"b" * 120)
    content = damage(file.read_bytes())  # type: ignore[operator]
    file.write_bytes(content)
    cut_half_written(tmp_path)
    assert file.read_bytes() == content


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    cut_half_written(tmp_path / "commitlog")
    assert list(tmp_path.iterdir()) == []
