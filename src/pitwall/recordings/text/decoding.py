"""The encoding of a text file, and its lines as UTF-8 in pieces of bounded size."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from charset_normalizer import from_bytes

from pitwall.errors import LapFileError

HEAD = 1 << 16
"""Bytes from the beginning of a file that tell its format and its encoding."""
PIECE = 4 << 20
"""Bytes of a file that are held at once. So many stay in a processor's cache meanwhile."""
LONGEST_LINE = 4 << 20
"""Longest line in bytes; a longer one means that the file is no table."""
FIRST_LINES = 1000
"""Lines that tell the layout of a file."""
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Marks at the beginning of a file, the longer ones first, and the encodings that they name."""
WESTERN = re.compile(rb"[\x09\x0a\x0d\x20-\x7e\xa0-\xff\x80\x91-\x97\x99]*")
"""Bytes that a file in Windows-1252 has: signs such as `°` and `²`, and letters with accents."""


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are text of some encoding, as far as bytes can tell."""
    if not head.strip():
        return False
    if any(head.startswith(mark) for mark in MARKS) or _wide(head):
        return True
    controls = len(re.findall(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", head))
    return controls <= len(head) // 500


def encoding(head: bytes) -> str:
    """Python's name of the encoding that the head of a file is written in.

    A byte order mark decides, then zero bytes at every second place (UTF-16 without a mark), then
    whether the bytes are valid UTF-8. Else a few signs between plain letters are Windows-1252, and
    other bytes are left to charset-normalizer.
    """
    for mark, name in MARKS.items():
        if head.startswith(mark):
            return name
    wide = _wide(head)
    if wide:
        return wide
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return "utf-8"
    except UnicodeDecodeError:
        pass
    high = sum(byte > 0x7F for byte in head)
    if high < len(head) * 0.02 and WESTERN.fullmatch(head):
        return "cp1252"
    best = from_bytes(head[:8192]).best()
    name = best.encoding if best is not None else "cp1252"
    return "cp1252" if name in {"utf_8", "ascii"} or name.startswith("utf_") else name


def text_of(head: bytes, name: str) -> str:
    """The head as text; a character that the cut divides is dropped, an invalid one is replaced."""
    return codecs.getincrementaldecoder(name)(errors="replace").decode(head).replace("\0", "")


def beginning(head: bytes) -> str:
    """The first 4,096 characters of a file, with line feeds as the only ends of lines."""
    text = text_of(head, encoding(head))[:4096]
    return text.replace("\r\n", "\n").replace("\r", "\n")


def pieces(path: Path, name: str, size: int = PIECE) -> Iterator[bytes]:
    """The file as UTF-8, in pieces of whole lines that end in a line feed. Only one is in memory.

    A character that is not valid in the encoding becomes U+FFFD. A piece may be longer than `size`
    where one line is. Raises `LapFileError` for a line that is longer than `LONGEST_LINE`.
    """
    rest = b""
    for block in _utf_8(path, name, size):
        cut = block.rfind(b"\n") + 1
        if not cut:
            # The last one may be the first half of a line's end.
            cut = block.rfind(b"\r", 0, -1) + 1
        with memoryview(block) as whole:
            lines = b"".join((rest, whole[:cut])) if cut else b""
            rest = bytes(whole[cut:]) if cut else b"".join((rest, whole))
        if len(rest) > LONGEST_LINE:
            raise LapFileError(
                f"{path}: a line is longer than {LONGEST_LINE >> 20} MiB; this is no table"
            )
        if lines:
            yield _lines(lines)
    if rest:
        yield _lines(rest if rest.endswith((b"\n", b"\r")) else rest + b"\n")


def _utf_8(path: Path, name: str, size: int) -> Iterator[bytes]:
    """The bytes of the file as UTF-8, `size` bytes of the file at a time, without its mark."""
    direct = name in {"utf-8", "utf-8-sig", "ascii"}
    decoder = codecs.getincrementaldecoder(name)(errors="replace")
    with path.open("rb") as file:
        if direct and file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            file.seek(0)
        while raw := file.read(size):
            yield raw if direct else decoder.decode(raw).encode("utf-8", errors="replace")
    if not direct:
        yield decoder.decode(b"", final=True).encode("utf-8", errors="replace")


def first_lines(path: Path, name: str, most: int = FIRST_LINES) -> list[str]:
    """The first lines of the file, at most so many."""
    parts = b"".join(islice(pieces(path, name, LONGEST_LINE), 2))
    return parts.decode("utf-8", errors="replace").removesuffix("\n").split("\n")[:most]


def _lines(block: bytes) -> bytes:
    """The block with valid UTF-8 and line feeds as the only ends of lines."""
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\0" in block:
        block = block.replace(b"\0", b"")
    if not block.isascii():
        try:
            block.decode("utf-8")
        except UnicodeDecodeError:
            block = block.decode("utf-8", errors="replace").encode("utf-8")
    return block


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark, told by zeros at every second place."""
    even, odd = head[:2000:2], head[1:2000:2]
    if len(head) < 8 or not odd:
        return None
    if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return None
