"""Reads the telemetry history: every value of one channel, newest first (`docs/adr/0007`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import StoreError
from pitwall.settings import Settings
from pitwall.stores.cassandra import connect, keyspace_of

MINUTES = -(2**31)
"""The bucket that lists the minutes of a session."""
MINUTE_US = 60_000_000
ROW_US = 1_000_000
"""A row's ticks are of one second."""


@dataclass(frozen=True)
class History:
    """Times in seconds since session start, falling, and a value each, in the channel's own unit, never NaN."""

    times_s: NDArray[np.float64]
    values: NDArray[np.float64]


def read(
    settings: Settings,
    vehicle: str,
    session: str,
    channel: str,
    *,
    newest: int | None = None,
    since_s: float | None = None,
    until_s: float | None = None,
) -> History:
    """One read of `HistoryReader` on a connection of its own."""
    with HistoryReader(settings) as reader:
        return reader.read(
            vehicle, session, channel, newest=newest, since_s=since_s, until_s=until_s
        )


class HistoryReader:
    """Keeps a connection. Raises `StoreError` when Cassandra does not answer."""

    def __init__(self, settings: Settings) -> None:
        from cassandra import ConsistencyLevel

        self._session: Any = connect(settings, keyspace=keyspace_of(settings), role="reader")
        where = "FROM telemetry_history WHERE vehicle = ? AND session = ? AND bucket = ?"
        self._minutes = self._session.prepare(f"SELECT start_us {where}")
        self._rows = self._session.prepare(
            f"SELECT times_us, channels[?] {where} AND start_us > ? AND start_us <= ?"
        )
        self._rows.fetch_size = 30
        self._rows.consistency_level = self._minutes.consistency_level = ConsistencyLevel.LOCAL_ONE

    def __enter__(self) -> HistoryReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.cluster.shutdown()

    def read(
        self,
        vehicle: str,
        session: str,
        channel: str,
        *,
        newest: int | None = None,
        since_s: float | None = None,
        until_s: float | None = None,
    ) -> History:
        """The channel's values from `since_s` to `until_s`, both included, or of them the `newest` so many.

        Minutes are read one by one, the newest first, and no more of them than that takes. A tick in several rows, as a
        late or replayed one may be, counts once; a tick in which the channel had no value does not count.
        """
        since = _micros(since_s, -(2**62), math.ceil)
        until = _micros(until_s, 2**62, math.floor)
        times: list[NDArray[np.int64]] = []
        values: list[NDArray[np.float64]] = []
        found = 0
        for (minute,) in self._execute(self._minutes, (vehicle, session, MINUTES)):
            if minute * MINUTE_US > until or (minute + 1) * MINUTE_US <= since:
                continue
            rows = self._execute(
                self._rows, (channel, vehicle, session, minute, since - ROW_US, until)
            )
            at, value = _merged([(row[0], row[1]) for row in rows if row[1] is not None])
            chosen = (at >= since) & (at <= until)
            times.append(at[chosen])
            values.append(value[chosen])
            found += int(chosen.sum())
            if newest is not None and found >= newest:
                break
        return History(
            np.concatenate([np.empty(0, np.int64), *times])[:newest] / 1e6,
            np.concatenate([np.empty(0, np.float64), *values])[:newest],
        )

    def _execute(self, statement: Any, arguments: tuple[Any, ...]) -> list[Any]:
        try:
            return list(self._session.execute(statement, arguments))
        except Exception as error:
            raise StoreError(f"Cassandra did not answer: {error}") from error


def _micros(time_s: float | None, otherwise: int, towards: Any) -> int:
    return otherwise if time_s is None else int(towards(round(time_s * 1e6, 3)))


def _merged(rows: list[tuple[bytes, bytes]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows of (times, values) as one, newest first. Of equal times the one in the longest row counts: others came late."""
    rows.sort(key=lambda row: -len(row[0]))
    times = np.frombuffer(b"".join(row[0] for row in rows), "<i8").astype(np.int64)
    values = np.frombuffer(b"".join(row[1] for row in rows), "<f8").astype(np.float64)
    real = ~np.isnan(values)
    times, first = np.unique(times[real], return_index=True)
    return times[::-1], values[real][first][::-1]
