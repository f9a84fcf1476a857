"""Reads the telemetry history: values of one channel or of all of them (`docs/adr/0007`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import StoreError
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import keyspace_of
from pitwall.stores.names import HISTORY_TABLE

LIST_OF_MINUTES = -(2**31)
"""The bucket whose rows list the minutes of a session; any other bucket is one minute."""
MINUTE_US = 60_000_000
ROW_US = 1_000_000
"""A row holds the ticks of one second."""


@dataclass(frozen=True)
class History:
    """The values of a channel, newest first. Both arrays have the shape (values,)."""

    times_s: NDArray[np.float64]
    """Seconds since the session started, falling."""
    values: NDArray[np.float64]
    """In the channel's own unit, never NaN."""


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
    """As `HistoryReader.read`, on a connection that is opened and closed for this one read."""
    with HistoryReader(settings) as reader:
        return reader.read(
            vehicle, session, channel, newest=newest, since_s=since_s, until_s=until_s
        )


class HistoryReader:
    """Keeps a connection open until the end of its `with` block.

    Raises `StoreError` when Cassandra does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        from cassandra import ConsistencyLevel

        self._session: Any = connect(settings, keyspace=keyspace_of(settings), role="reader")
        where = f"FROM {HISTORY_TABLE} WHERE vehicle = ? AND session = ? AND bucket = ?"
        self._minutes = self._session.prepare(f"SELECT start_us {where}")
        self._rows = self._session.prepare(
            f"SELECT times_us, channels[?] {where} AND start_us > ? AND start_us <= ?"
        )
        self._whole_rows = self._session.prepare(f"SELECT times_us, channels {where}")
        self._rows.fetch_size = self._whole_rows.fetch_size = 30
        for statement in (self._minutes, self._rows, self._whole_rows):
            statement.consistency_level = ConsistencyLevel.LOCAL_ONE

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
        """The channel's values from `since_s` to `until_s` (seconds since session start, included).

        With `newest`, only so many values, the newest of them. Minutes are read one by one, newest
        first, until there are enough values. A tick that is stored in several rows, because it came
        late or was replayed, counts once. A tick without a value of the channel does not count.
        """
        since = _micros(since_s, -(2**62), math.ceil)
        until = _micros(until_s, 2**62, math.floor)
        times: list[NDArray[np.int64]] = []
        values: list[NDArray[np.float64]] = []
        count = 0
        for (minute,) in self._execute(self._minutes, (vehicle, session, LIST_OF_MINUTES)):
            if minute * MINUTE_US > until or (minute + 1) * MINUTE_US <= since:
                continue
            rows = self._execute(
                self._rows, (channel, vehicle, session, minute, since - ROW_US, until)
            )
            times_us, minute_values = merged(
                [(row[0], row[1]) for row in rows if row[1] is not None]
            )
            inside = (times_us >= since) & (times_us <= until)
            times.append(times_us[inside])
            values.append(minute_values[inside])
            count += int(inside.sum())
            if newest is not None and count >= newest:
                break
        return History(
            np.concatenate([np.empty(0, np.int64), *times])[:newest] / 1e6,
            np.concatenate([np.empty(0, np.float64), *values])[:newest],
        )

    def read_all(self, vehicle: str, session: str) -> dict[str, History]:
        """All values of all channels of a session, by channel id; empty for an unknown session.

        Rows count as in `read`. One minute of all channels is in memory twice, the rest once.
        """
        parts: dict[str, list[tuple[NDArray[np.int64], NDArray[np.float64]]]] = {}
        for (minute,) in self._execute(self._minutes, (vehicle, session, LIST_OF_MINUTES)):
            rows: dict[str, list[tuple[bytes, bytes]]] = {}
            for times_us, channels in self._execute(self._whole_rows, (vehicle, session, minute)):
                for channel, values in (channels or {}).items():
                    rows.setdefault(channel, []).append((times_us, values))
            for channel, pairs in rows.items():
                parts.setdefault(channel, []).append(merged(pairs))
        return {
            channel: History(
                np.concatenate([times_us for times_us, _ in minutes]) / 1e6,
                np.concatenate([values for _, values in minutes]),
            )
            for channel, minutes in parts.items()
        }

    def _execute(self, statement: Any, arguments: tuple[Any, ...]) -> list[Any]:
        try:
            return list(self._session.execute(statement, arguments))
        except Exception as error:
            raise StoreError(f"Cassandra did not answer: {error}") from error


def _micros(time_s: float | None, default: int, rounding: Any) -> int:
    return default if time_s is None else int(rounding(round(time_s * 1e6, 3)))


def merged(rows: list[tuple[bytes, bytes]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Join rows of (times, values) into one series of times in µs and values, newest first.

    `times` are int64 and `values` float64, both little-endian. Of equal times the value in the
    longest row counts, because a shorter row holds ticks that came late.
    """
    rows.sort(key=lambda row: -len(row[0]))
    times = np.frombuffer(b"".join(row[0] for row in rows), "<i8").astype(np.int64)
    values = np.frombuffer(b"".join(row[1] for row in rows), "<f8").astype(np.float64)
    real = ~np.isnan(values)
    times, first = np.unique(times[real], return_index=True)
    return times[::-1], values[real][first][::-1]
