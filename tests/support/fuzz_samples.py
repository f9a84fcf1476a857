"""A small sample of each format, to be damaged: real beginnings of texts, and files made here."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ibt_file import IbtVariable, write_ibt
from ld_file import LdChannel, write_ld
from xrk_file import INT16, XrkChannel, write_xrk

from pitwall.errors import LapFileError
from pitwall.recordings import files, isolated
from pitwall.recordings.recording import Options, Recording

TEXT_BYTES = 4000
"""So much of a text is read: its header and some rows."""
ROWS = 120
TIMES = np.arange(ROWS) / 20
ISOLATED = {
    reader: f"pitwall.recordings.readers.{reader.replace('-', '_')}"
    for reader in ("mcap", "mdf4", "aim-xrk", "lmu-duckdb")
}
"""Formats whose libraries are run in a process of their own, and their modules."""


@dataclass(frozen=True)
class Sample:
    """A small good file."""

    reader: str
    file_name: str
    content: bytes
    is_text: bool = False
    hot: int | None = None
    """Bytes at the beginning that half of the damage falls into."""

    @property
    def name(self) -> str:
        """For messages and seeds."""
        return f"{self.reader} {self.file_name}"

    @property
    def isolated(self) -> str | None:
        """The module that is run in a process of its own, or None."""
        return ISOLATED.get(self.reader)

    @contextmanager
    def here(self) -> Iterator[None]:
        """While this runs, libraries that have a process of their own are called in this one."""
        before = isolated.read
        isolated.read = _read_here
        try:
            yield
        finally:
            isolated.read = before


def _read_here(module: str, path: Path, options: Options) -> list[Recording]:
    """As `isolated.read`, without its process; a library's own errors are the file's."""
    try:
        recordings: list[Recording] = importlib.import_module(module).read_here(path, options)
    except (LapFileError, MemoryError):
        raise
    except Exception as error:
        raise LapFileError(f"{path}: the library failed ({type(error).__name__})") from error
    return recordings


def samples_of(shared: Path, readers: Sequence[str]) -> dict[str, list[Sample]]:
    """The samples by reader; of the named readers, or of all."""
    samples: dict[str, list[Sample]] = {}
    for sample in [*_texts(shared), *_made()]:
        if not readers or sample.reader in readers:
            samples.setdefault(sample.reader, []).append(sample)
    return samples


def _texts(shared: Path) -> Iterator[Sample]:
    for path in sorted((shared / "data" / "formats").iterdir()):
        content = path.read_bytes()[:TEXT_BYTES]
        known = [each for each in files.READERS if each.recognises(path, content)]
        if known:
            yield Sample(known[0].NAME, path.name, content, is_text=True)
    for path in sorted((shared / "data" / "cases").glob("*.csv")):
        if path.stat().st_size < 200:
            yield Sample("delimited", path.name, path.read_bytes(), is_text=True)


def _made() -> Iterator[Sample]:
    with tempfile.TemporaryDirectory(prefix="pitwall-samples-") as name:
        for reader, (suffix, write, hot) in MAKERS.items():
            path = Path(name) / f"sample{suffix}"
            write(path)
            yield Sample(reader, path.name, path.read_bytes(), hot=hot)


def _motec_ld(path: Path) -> None:
    channels = [
        LdChannel("Ground Speed", "km/h", 20, np.linspace(0, 50, ROWS)),
        LdChannel("Engine RPM", "rpm", 100, np.arange(ROWS * 5), "<i2"),
        LdChannel("GPS Latitude", "deg", 10, np.full(60, 504994866), "<i4", decimals=7),
        LdChannel("G Force Lat", "G", 50, np.sin(np.arange(ROWS)), "<f2"),
    ]
    write_ld(path, channels, vehicle="", vehicle_of_event="Kart 7")


def _iracing_ibt(path: Path) -> None:
    variables = [
        IbtVariable("SessionTime", "s", TIMES, "<f8"),
        IbtVariable("Speed", "m/s", np.linspace(0, 70, ROWS)),
        IbtVariable("Lap", "", np.arange(ROWS) // 60, "<i4"),
        IbtVariable("OnPitRoad", "", np.arange(ROWS) < 10, "?"),
        IbtVariable("LatAccel_ST", "m/s^2", np.arange(6.0 * ROWS).reshape(ROWS, 6), "<f4", True),
    ]
    write_ibt(path, variables)


def _aim_xrk(path: Path) -> None:
    times_ms = np.arange(0, 10_000, 50)
    channels = [
        XrkChannel("Ground Speed", 16, times_ms, np.linspace(0, 99.5, 200)),
        XrkChannel("RPM", 15, times_ms[::2], np.arange(100) * 50, INT16),
    ]
    write_xrk(path, channels, [(2023, 2023), (4000, 6023)], {"VEH": "Kart 7", "TMT": "14:05:06"})


def _parquet(path: Path) -> None:
    columns = {"Timestamp": TIMES, "Speed": np.linspace(0, 50, ROWS), "Gear": np.arange(ROWS) % 6}
    pq.write_table(pa.table(columns), path)


def _mdf4(path: Path) -> None:
    from asammdf import MDF, Signal

    with MDF(version="4.10") as file:
        speed = Signal(np.linspace(0, 50, ROWS), TIMES, name="Speed", unit="m/s")
        gear = Signal((np.arange(ROWS) % 6).astype(np.uint8), TIMES, name="Gear")
        file.append([speed, gear], acq_name="ecu", common_timebase=True)
        file.save(path, overwrite=True, compression=2)


def _mcap(path: Path) -> None:
    import json

    from mcap.writer import Writer

    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        schema = writer.register_schema("car", "jsonschema", b"{}")
        channel = writer.register_channel("/car", "json", schema)
        for row in range(ROWS):
            at = 1_709_561_106_000_000_000 + row * 50_000_000
            message = {"speed": row / 2, "tyres": {"fl": 80.5}, "on": row > 9}
            writer.add_message(channel, at, json.dumps(message).encode(), at)
        writer.finish()


def _lmu_duckdb(path: Path) -> None:
    import duckdb

    with duckdb.connect(str(path)) as base:
        base.execute("CREATE TABLE metadata (key VARCHAR, value VARCHAR)")
        base.execute("CREATE TABLE channelsList (channelName VARCHAR, frequency INT, unit VARCHAR)")
        base.execute("CREATE TABLE eventsList (eventName VARCHAR, unit VARCHAR)")
        for name, unit in (("GPS Time", "s"), ("Ground Speed", "km/h")):
            base.execute("INSERT INTO channelsList VALUES (?, 20, ?)", [name, unit])
            base.execute(f'CREATE TABLE "{name}" AS SELECT i / 20.0 value FROM range({ROWS}) r(i)')


MAKERS: dict[str, tuple[str, Callable[[Path], None], int | None]] = {
    "motec-ld": (".ld", _motec_ld, None),
    "iracing-ibt": (".ibt", _iracing_ibt, 1300),
    "parquet": (".parquet", _parquet, None),
    "aim-xrk": (".xrk", _aim_xrk, 600),
    "mcap": (".mcap", _mcap, None),
    "mdf4": (".mf4", _mdf4, None),
    "lmu-duckdb": (".duckdb", _lmu_duckdb, 16_384),
}
"""By reader: suffix, what writes a sample, and where half of the damage falls."""
