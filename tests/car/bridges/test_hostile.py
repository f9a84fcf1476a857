"""Damaged recordings, DBC files, frames and packets: one clear error or a count, and no hang."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import can
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitwall.car.bridges.can_file import Capture
from pitwall.car.bridges.can_frames import Frame, Signals
from pitwall.car.bridges.counts import MOST_KINDS, OTHERS, Counts
from pitwall.car.bridges.forza import DASH_AT, ForzaDecoder
from pitwall.car.bridges.intake import Arrival
from pitwall.car.bridges.ticks import Tick
from pitwall.errors import LapFileError, WireError

DBC = Path(__file__).parent / "car.dbc"
SIGNALS = Signals(DBC)
IDS = st.sampled_from([256, 257, 258, 2566834688 & 0x1FFFFFFF, 1])
MUTATIONS = 300


@given(IDS, st.booleans(), st.binary(max_size=64), st.booleans(), st.booleans())
def test_any_frame_is_a_tick_nothing_or_damage(
    id: int, is_extended: bool, data: bytes, is_error: bool, is_remote: bool
) -> None:
    frame = Frame(1.0, id, is_extended, data, is_error, is_remote)
    try:
        part = SIGNALS.part(frame, "car", "20240304-140506-can", 1.0)
    except WireError:
        return
    assert part is None or len(part.values) == len(part.layout.names) == len(part.layout.units)


@given(st.sampled_from(list(DASH_AT)), st.data())
def test_any_packet_is_a_tick_nothing_or_damage(length: int, data: st.DataObject) -> None:
    decoder = ForzaDecoder(None, Counts())
    for _ in range(3):
        body = data.draw(st.binary(min_size=length - 4, max_size=length - 4))
        packet = struct.pack("<i", 1) + body
        try:
            ticks: list[Tick] = list(decoder.ticks(Arrival(packet, 1709561106.5, 0)))
        except WireError:
            continue
        for tick in ticks:
            assert len(tick.values) == len(tick.layout.names)


@settings(max_examples=50)
@given(st.data())
def test_any_change_of_a_dbc_file_is_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(DBC.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=5)):
        raw[place] = data.draw(st.integers(0, 255))
    path = Path(f"/tmp/pitwall-hostile-{random.randrange(10**9)}.dbc")
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        Signals(path).doubts()
    except LapFileError as error:
        assert "\n" not in str(error)
    finally:
        path.unlink()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("suffix", [".blf", ".asc", ".log"])
def test_any_change_of_a_recording_is_read_or_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"whole{suffix}"
    with can.Logger(path) as writer:
        for number in range(40):
            data = struct.pack("<Hhb3x", number, 0, 0)
            writer(
                can.Message(
                    arbitration_id=256,
                    data=data,
                    timestamp=1709561106 + number / 50,
                    is_extended_id=False,
                )
            )
    whole = path.read_bytes()
    chance = random.Random(22)
    refused = 0
    for _ in range(MUTATIONS):
        raw = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            raw[chance.randrange(len(raw))] = chance.choice((0, 1, 255, chance.randrange(256)))
        path.write_bytes(raw[: chance.choice((len(raw), chance.randrange(len(raw))))])
        try:
            capture = Capture(path, SIGNALS)
            assert sum(1 for _ in capture.ticks("car", "s", Counts())) <= 45
        except LapFileError as error:
            refused += 1
            assert str(path) in str(error) and "\n" not in str(error)
    assert 0 < refused < MUTATIONS


def blf(objects: bytes, inflated: bytes | None = None) -> bytes:
    """A `.blf` file with one container."""
    head = struct.pack("<4sLBBBBBBBBQQLL8H8H", b"LOGG", 144, *[0] * 8, 0, 0, 1, 1, *[0] * 16)
    packed = zlib.compress(objects if inflated is None else inflated)
    container = struct.pack("<H6xL4x", 2, 0) + packed
    base = struct.pack("<4sHHLL", b"LOBJ", 16, 1, 16 + len(container), 10)
    return head.ljust(144, b"\0") + base + container


@pytest.mark.timeout(60)
def test_an_object_of_no_size_does_not_hang_and_a_bomb_does_not_unpack(tmp_path: Path) -> None:
    path = tmp_path / "hostile.blf"
    path.write_bytes(blf(struct.pack("<4sHHLL", b"LOBJ", 16, 9, 0, 1) + bytes(64)))
    with pytest.raises(LapFileError, match=r"damaged after 0 frames \(an object of 0 bytes\)"):
        Capture(path, SIGNALS)
    path.write_bytes(blf(b"", bytes(80 << 20)))
    with pytest.raises(LapFileError, match="a container of more than 64 MiB"):
        Capture(path, SIGNALS)


def test_kinds_of_damage_are_counted_in_bounded_memory() -> None:
    counts = Counts()
    for number in range(3 * MOST_KINDS):
        counts.leave_out(f"{number:#x}")
    assert len(counts.unknown) == MOST_KINDS + 1 and counts.unknown[OTHERS] == 2 * MOST_KINDS
    assert "3,000 left out (others: 2,000, " in counts.sentence()
