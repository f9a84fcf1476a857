"""The `.ldx` file beside a MoTeC `.ld` file: an XML file that holds the laps' beacons."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from pitwall.errors import LapFileError

MOST_BYTES = 16 << 20
"""Files above this size are refused: laps of a year have less."""


def beacons(path: Path) -> tuple[float, ...]:
    """Times in s at which the line was passed, rising, by the `.ldx` file beside `path`.

    Empty where there is no such file. Raises `LapFileError` for one that cannot be read.
    """
    beside = [path.with_suffix(suffix) for suffix in (".ldx", ".LDX", ".Ldx")]
    file = next((candidate for candidate in beside if candidate.is_file()), None)
    if file is None:
        return ()
    if file.stat().st_size > MOST_BYTES:
        raise LapFileError(f"{file}: {file.stat().st_size} bytes, no MoTeC .ldx is so large")
    raw = file.read_bytes()
    try:
        if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
            raise LapFileError(f"{file}: a MoTeC .ldx file defines no entities; {_remedy(path)}")
        root = ElementTree.fromstring(raw)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        raise LapFileError(f"{file}: no readable XML ({error}); {_remedy(path)}") from error
    times: set[float] = set()
    for marker in _markers(root):
        written = marker.get("Time", "")
        try:
            time_s = float(written) / 1e6
        except ValueError:
            time_s = np.nan
        if not np.isfinite(time_s):
            raise LapFileError(
                f"{file}: marker {marker.get('Name', '')!r} has Time {written!r}, expected "
                f"microseconds; {_remedy(path)}"
            )
        times.add(time_s)
    return tuple(sorted(times))


def _markers(root: ElementTree.Element) -> list[ElementTree.Element]:
    """The markers that are beacons: of the class BCN, or in a group of that name."""
    inside = [
        marker
        for group in root.iter("MarkerGroup")
        if group.get("Name") == "Beacons"
        for marker in group.iter("Marker")
    ]
    return inside or [m for m in root.iter("Marker") if m.get("ClassName") == "BCN"]


def _remedy(path: Path) -> str:
    return f"move it away to read {path.name} without its laps"
