"""Files that are known and not read: what each is, and how it becomes one that is."""

from __future__ import annotations

import re
from typing import NamedTuple


class Other(NamedTuple):
    """A kind of file without a reader."""

    kind: str
    begins: re.Pattern[bytes]
    """Matches the first bytes."""
    remedy: str


AS_CSV = "export it as CSV from its program"
OTHERS = (
    Other(
        "a GPX track", re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<gpx\b", re.S), AS_CSV
    ),
    Other("a TCX or KML track", re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<(?:Training|kml\b)"), AS_CSV),
    Other(
        "a log of NMEA sentences",
        re.compile(rb"\s*(?:\d+[,; ])?\$G[A-Z]{4},"),
        "convert it to CSV with a column of time, Latitude and Longitude",
    ),
    Other(
        "a MoTeC .ldx file",
        re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<LDXFile\b"),
        "give the .ld file beside it; the .ldx is read with it",
    ),
    Other("a binary log of TunerStudio", re.compile(rb"MLVLG\0"), "export it as .msl or CSV"),
    Other(
        "JSON",
        re.compile(rb"\s*(?:\[\s*)?\{\s*(?:\"|\})"),
        "write its records as CSV or Parquet, with a row for each time",
    ),
    Other(
        "an Excel workbook",
        re.compile(
            rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
            rb"|PK\x03\x04.{26}(?:\[Content_Types\]\.xml|_rels/|xl/|docProps/)",
            re.S,
        ),
        "save it as CSV",
    ),
    Other("a MATLAB or HDF5 file", re.compile(rb"MATLAB 5\.0|\x89HDF\r\n"), "write it as Parquet"),
    Other("an Arrow file", re.compile(rb"ARROW1|FEA1"), "write it as Parquet"),
    Other("a file packed by gzip", re.compile(rb"\x1f\x8b\x08"), "unpack it first: gzip -d"),
    Other(
        "a file packed by xz or 7z",
        re.compile(rb"\xfd7zXZ\0|7z\xbc\xaf\x27\x1c"),
        "unpack it first",
    ),
    Other("a Garmin .fit file", re.compile(rb".{8}\.FIT", re.S), AS_CSV),
    Other("a recording of a CAN bus", re.compile(rb"LOGG"), "send it by `pitwall bridge can`"),
    Other("a page of HTML", re.compile(rb"\s*<(?:!doctype html|html)\b", re.I), "load it again"),
    Other("a video", re.compile(rb".{4}ftyp", re.S), "export its telemetry as CSV"),
)
MARKS = (b"\xef\xbb\xbf",)
"""Bytes that may stand before a text."""


def other(head: bytes) -> Other | None:
    """What a file with these first bytes is, where it is known and has no reader."""
    for mark in MARKS:
        head = head.removeprefix(mark)
    return next((each for each in OTHERS if each.begins.match(head)), None)
