"""Le Mans Ultimate's `.duckdb` files, one table a channel, by the library DuckDB.

`channelsList` tells each channel's rate and unit, `eventsList` the unit of each event. A channel's
table has no times: its rows lie on a grid of its rate, which begins at the first `GPS Time`. A
channel of four wheels has the columns `value1` to `value4`. An event's table has a time `ts` and
its value. The library runs in a child process and may open no other file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import LapFileError, listed
from pitwall.recordings import isolated
from pitwall.recordings.readers.parts import SteadyTimes, check_content, longest
from pitwall.recordings.recording import Column, Options, Recording

NAME = "lmu-duckdb"
SUFFIXES: tuple[str, ...] = (".duckdb",)

MARK = b"DUCK"
MARK_AT = 8
CHANNELS, EVENTS, FACTS = "channelsList", "eventsList", "metadata"
CLOCK = "GPS Time"
LAP = "Lap"
WHEELS = {"value1": " FL", "value2": " FR", "value3": " RL", "value4": " RR"}
"""What is put behind a channel's name for each wheel."""
NUMBERS = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|REAL|BOOLEAN|DECIMAL.*)")
SETTINGS = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",
    "lock_configuration": "true",
}


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file is a DuckDB database."""
    return head[MARK_AT : MARK_AT + len(MARK)] == MARK


def read(path: Path, options: Options) -> Sequence[Recording]:
    """The one recording of a file. Each start of a lap after the first is a beacon.

    Raises `LapFileError` when DuckDB cannot open the file, when it is no telemetry of Le Mans
    Ultimate, and when a channel has no rate.
    """
    check_content(path, recognises, "a DuckDB file")
    return isolated.read(__name__, path, options)


def load() -> None:
    """Load the library."""
    import duckdb  # noqa: F401


@np.errstate(all="ignore")
def read_here(path: Path, options: Options) -> list[Recording]:
    """As `read`, in this process."""
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True, config=dict(SETTINGS)) as base:
            return [_recording(path, base)]
    except duckdb.Error as error:
        reason = " ".join(str(error).split())[:200]
        raise LapFileError(
            f"{path}: DuckDB cannot read it ({reason}); copy the file again, when the game has "
            "ended"
        ) from error


def _recording(path: Path, base: Any) -> Recording:
    tables = _tables(base)
    if CHANNELS not in tables:
        raise LapFileError(
            f"{path}: a DuckDB file without the table {CHANNELS!r}, so no telemetry of Le Mans "
            f"Ultimate; its tables are {listed(sorted(tables)) or 'none'}"
        )
    doubts: list[str] = []
    left_out: list[str] = []
    clock = _values(base, CLOCK, "value") if "value" in tables.get(CLOCK, ()) else np.empty(0)
    origin = float(clock[0]) if len(clock) else 0.0
    columns = list(_channels(path, base, tables, clock, doubts, left_out))
    units = _rows(base, EVENTS, ("eventName", "unit")) if EVENTS in tables else []
    events = list(_events(base, tables, dict(units), origin, left_out))
    if not columns:
        raise LapFileError(f"{path}: no channel of {CHANNELS} has numbers; is the file damaged?")
    if left_out:
        doubts.append(f"{listed(left_out)}: no numbers, left out.")
    if not len(clock):
        doubts.append(f"There is no {CLOCK}: channels and events are taken to begin at 0 s.")
    facts = dict(_rows(base, FACTS, ("key", "value"))) if FACTS in tables else {}
    laps = next((event for event in events if event.name == LAP), None)
    start, zone_told = _start(str(facts.get("RecordingTime") or ""))
    return Recording(
        path,
        NAME,
        (*columns, *events),
        longest(columns),
        clock=CLOCK if len(clock) else "each channel's rate in Hz",
        start=start,
        zone_told=zone_told,
        vehicle=str(facts.get("CarName") or "") or None,
        driver=str(facts.get("DriverName") or "") or None,
        beacons_s=_beacons(laps),
        lap_column=LAP if laps else None,
        doubts=tuple(doubts),
    )


def _tables(base: Any) -> dict[str, list[str]]:
    """The columns of numbers and others of each table, by its name. Views are none."""
    found: dict[str, list[str]] = {}
    for table, column, kind in base.execute(
        "SELECT c.table_name, c.column_name, c.data_type FROM duckdb_columns() c "
        "JOIN duckdb_tables() t USING (table_oid, schema_name, database_name) "
        "WHERE c.schema_name = 'main' AND NOT t.internal ORDER BY c.column_index"
    ).fetchall():
        columns = found.setdefault(table, [])
        if table in (CHANNELS, EVENTS, FACTS) or NUMBERS.fullmatch(kind):
            columns.append(column)
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _rows(base: Any, table: str, columns: Sequence[str]) -> list[Any]:
    picked = ", ".join(map(_quoted, columns))
    return list(base.execute(f"SELECT {picked} FROM {_quoted(table)}").fetchall())


def _values(base: Any, table: str, column: str) -> NDArray[np.float64]:
    """The values of a column in the order of the table, NaN for null."""
    query = f"SELECT CAST({_quoted(column)} AS DOUBLE) AS v FROM {_quoted(table)}"
    found: Any = base.execute(query).fetchnumpy()["v"]
    values: NDArray[np.float64] = np.array(found, dtype=np.float64)
    if isinstance(found, np.ma.MaskedArray):
        values[np.ma.getmaskarray(found)] = np.nan  # type: ignore[no-untyped-call]
    values[~np.isfinite(values)] = np.nan
    return values


def _channels(
    path: Path,
    base: Any,
    tables: dict[str, list[str]],
    clock: NDArray[np.float64],
    doubts: list[str],
    left_out: list[str],
) -> Iterator[Column]:
    rates = dict(_rows(base, CHANNELS, ("channelName", "frequency")))
    units = dict(_rows(base, CHANNELS, ("channelName", "unit")))
    grid = _Grid(clock, float(rates.get(CLOCK) or 0))
    for name, rate in rates.items():
        columns = [c for c in tables.get(name, ()) if c == "value" or c in WHEELS]
        if name == CLOCK:
            continue
        if not columns:
            left_out.append(str(name))
            continue
        if not rate or float(rate) <= 0:
            raise LapFileError(
                f"{path}: table {CHANNELS}, channel {name!r}: its frequency is {rate}, expected Hz"
            )
        for column in columns:
            values = _values(base, name, column)
            if not len(values):
                continue
            times, doubt = grid.times(len(values), float(rate))
            if doubt and column == columns[0]:
                doubts.append(f"{name}: {doubt}")
            yield Column(name + WHEELS.get(column, ""), units.get(name) or "", times, values)


class _Grid:
    """The times of the channels, which lie on that of the clock or a part of it."""

    def __init__(self, clock: NDArray[np.float64], rate_hz: float) -> None:
        rising = len(clock) > 1 and bool((np.diff(clock) > 0).all())
        self._clock = clock - clock[0] if rising else np.empty(0)
        self._rate_hz = rate_hz
        self._parts: dict[int, NDArray[np.float64]] = {}
        self._steady = SteadyTimes()

    def times(self, samples: int, rate_hz: float) -> tuple[NDArray[np.float64], str]:
        """The times of so many samples, and what is doubtful about them."""
        if not len(self._clock) or self._rate_hz <= 0:
            return self._steady.at(samples, rate_hz), ""
        step = self._rate_hz / rate_hz
        if step == int(step) and samples == -(-len(self._clock) // int(step)):
            part = self._parts.setdefault(int(step), self._clock[:: int(step)])
            return part, ""
        span = float(self._clock[-1]) + 1 / self._rate_hz
        expected = span * rate_hz
        if abs(samples - expected) <= 1:
            return self._steady.at(samples, rate_hz), ""
        real_hz = samples / span
        doubt = f"told at {rate_hz:g} Hz, its {samples} samples are taken at {real_hz:.4f} Hz."
        return self._steady.at(samples, real_hz), doubt


def _events(
    base: Any,
    tables: dict[str, list[str]],
    units: dict[str, str | None],
    origin: float,
    left_out: list[str],
) -> Iterator[Column]:
    for name, unit in units.items():
        columns = tables.get(name, [])
        values = [c for c in columns if c == "value" or c in WHEELS]
        if "ts" not in columns or not values:
            left_out.append(str(name))
            continue
        times = _values(base, name, "ts") - origin
        for column in values if len(times) else ():
            yield Column(
                name + WHEELS.get(column, ""), unit or "", times, _values(base, name, column)
            )


def _beacons(laps: Column | None) -> tuple[float, ...]:
    """Where the count of laps changes. Its first row is the start of the recording."""
    if laps is None:
        return ()
    times, counts = laps.times_s[np.isfinite(laps.times_s)], laps.values[np.isfinite(laps.times_s)]
    changes = np.flatnonzero(np.diff(counts) > 0) + 1
    return tuple(sorted(float(time) for time in times[changes] if time > 0))


def _start(written: str) -> tuple[datetime | None, bool]:
    """The start, e.g. of `2026-01-20T19_22_38Z`, and whether its zone is told."""
    plain = re.sub(r"(\d\d)[_.:-](\d\d)[_.:-](\d\d)(?=Z|$|[+.])", r"\1:\2:\3", written.strip())
    try:
        start = datetime.fromisoformat(plain)
    except ValueError:
        return None, False
    return (
        (start.replace(tzinfo=UTC), False)
        if start.tzinfo is None
        else (start.astimezone(UTC), True)
    )
