"""MoTeC's `.ld`, with the `.ldx` of its laps, in the layout that public readers take.

A `.ld` is a head of fixed fields, blocks that describe event, venue and vehicle, a chain of blocks
that describe the channels, and then each channel's numbers. A channel has a constant whole rate
and begins with the file, so its samples are put on a grid (`motec_grid`). Numbers are 32-bit
floats, names have up to 31 characters of ASCII, units up to 11.
"""

from __future__ import annotations

import struct
import unicodedata
from datetime import timedelta
from pathlib import Path

from pitwall.errors import UsageError, listed
from pitwall.recordings.writers import motec_ldx
from pitwall.recordings.writers.export import Export, Written, groups
from pitwall.recordings.writers.motec_grid import Grid, on_grid

HEAD = struct.Struct("<I4xII20xI24xHHHI8sHHI4x16s16x16s16x64s64s64x64s64x1024xI66x64s126x")
"""Marker, first channel, first number, event; three constants, serial number, device, its version,
a constant, channels; date, time, driver, vehicle, venue, a constant that enables analysis, and a
comment."""
EVENT = struct.Struct("<64s64s1024sH")
"""Name, session, comment, place of the venue."""
VENUE = struct.Struct("<64s1034xH")
"""Name, place of the vehicle."""
VEHICLE = struct.Struct("<64s128xI32s32s")
"""Name, weight, type, comment."""
CHANNEL = struct.Struct("<IIIIHHHHhhhh32s8s12s40x")
"""Blocks before and after, place and count of the numbers; a counter, kind and size of a number,
rate; shift, multiplier, scale and decimals, which are neutral here; name, short name, unit."""
FLOAT = (7, 4)
COUNTER = 0x2EE1
MOST_BYTES = 2**32 - 1
SPELLED = {"°": "deg", "µ": "u", "μ": "u", "²": "2", "³": "3", "Ω": "ohm", "·": ".", "Δ": "d"}
UNITS = {"°C": "C", "°F": "F", "°": "deg"}


def write(export: Export, path: Path) -> Written:
    """Write channels and features as `.ld`, and beside it the laps as `.ldx`.

    Time 0 of the files is the first tick. Raises `UsageError` for a session that a `.ld` cannot
    hold.
    """
    session = export.joined()
    begin_s, end_s = float(session.times_s[0]), float(session.times_s[-1])
    grids: dict[int, Grid] = {}
    for group in groups(session):
        for place, column in enumerate(group.columns):
            name = session.names[column]
            grids[column] = on_grid(name, group.times_s, group.values[:, place], begin_s)
    short_names = _short_names(session.names)
    first = HEAD.size + EVENT.size + VENUE.size + VEHICLE.size
    numbers = first + CHANNEL.size * len(short_names)
    size = numbers + sum(grid.values.nbytes for grid in grids.values())
    if size > MOST_BYTES:
        raise UsageError(
            f"session {session.session!r} would have {size / 2**30:.1f} GiB as a .ld, which holds "
            "at most 4; export single laps"
        )
    with path.open("wb") as file:
        file.write(_head(export, begin_s, len(short_names), first, numbers))
        at = numbers
        for column, short_name in enumerate(short_names):
            block = first + CHANNEL.size * column
            grid = grids[column]
            file.write(
                CHANNEL.pack(
                    block - CHANNEL.size if column else 0,
                    block + CHANNEL.size if column + 1 < len(short_names) else 0,
                    at,
                    len(grid.values),
                    (COUNTER + column) & 0xFFFF,
                    *FLOAT,
                    grid.rate_hz,
                    *(0, 1, 1, 0),
                    short_name,
                    short_name[:7],
                    _text(_unit(session.units[column]), 11),
                )
            )
            at += grid.values.nbytes
        for column in range(len(short_names)):
            file.write(grids[column].values.astype("<f4").tobytes())
    laps = path.with_suffix(".ldx")
    document = motec_ldx.document(export.laps, begin_s, end_s)
    document.write(laps, encoding="utf-8", xml_declaration=True)
    return Written((path, laps), _notes(session.names, short_names, grids))


def _head(export: Export, begin_s: float, channels: int, first: int, numbers: int) -> bytes:
    """Head and the blocks of event, venue and vehicle."""
    session = export.session
    start = export.start + timedelta(seconds=begin_s)
    event = HEAD.size
    venue = event + EVENT.size
    vehicle = _text(session.vehicle, 63)
    # The head has whole seconds only.
    comment = _text(f"{session.session}, first tick at {begin_s:.6f} s", 63)
    head = HEAD.pack(
        *(0x40, first if channels else 0, numbers, event),
        *(1, 0x4240, 0xF, 0x1F44, b"ADL", 420, 0xADB0, channels),
        *(f"{start:%d/%m/%Y}".encode(), f"{start:%H:%M:%S}".encode()),
        *(b"", vehicle, b"", 0xC81A4, comment),
    )
    return (
        head
        + EVENT.pack(b"", _text(session.session, 63), b"", venue)
        + VENUE.pack(b"", venue + VENUE.size)
        + VEHICLE.pack(vehicle, 0, b"", b"")
    )


def _notes(
    names: tuple[str, ...], short_names: list[bytes], grids: dict[int, Grid]
) -> tuple[str, ...]:
    """What the file does not hold as the session has it."""
    notes = ["MoTeC's format holds numbers as 32-bit floats"]
    moved = [names[column] for column, grid in sorted(grids.items()) if not grid.exact]
    if moved:
        notes.append(
            "channels without a constant whole rate hold the newest sample at each place: "
            f"{listed(moved, 3)}"
        )
    renamed = [
        f"{name!r} is {short.decode()!r}"
        for name, short in zip(names, short_names, strict=True)
        if name != short.decode()
    ]
    if renamed:
        notes.append(f"names that do not fit are changed: {listed(renamed, 3)}")
    return tuple(notes)


def _short_names(names: tuple[str, ...]) -> list[bytes]:
    """A different name of up to 31 bytes for each name."""
    taken: set[bytes] = set()
    short_names = []
    for name in names:
        short = _text(name, 31) or b"channel"
        number = 2
        while short in taken:
            end = f"~{number}".encode()
            short = (_text(name, 31) or b"channel")[: 31 - len(end)] + end
            number += 1
        taken.add(short)
        short_names.append(short)
    return short_names


def _unit(unit: str) -> str:
    return UNITS.get(unit, unit)


def _text(text: str, length: int) -> bytes:
    """The text in ASCII: accents are left out, and other letters become `?`."""
    spelled = "".join(SPELLED.get(character, character) for character in text)
    plain = unicodedata.normalize("NFKD", spelled)
    kept = "".join(character for character in plain if not unicodedata.combining(character))
    return kept.encode("ascii", "replace")[:length]
