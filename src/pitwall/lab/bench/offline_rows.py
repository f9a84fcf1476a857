"""Files of made-up feature rows, and entity rows to join with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FEATURES = [f"feature_{number}" for number in range(30)]
VEHICLE = "PERRINN 424"
SESSION_ROWS = 6_000
"""A lap of two minutes at 50 Hz."""
TICK_US = 20_000
DAY_SESSIONS = 50
"""Sessions of one day; one begins every five minutes."""
SESSION_GAP_US = 300_000_000
DAY_US = 86_400_000_000
START_US = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z, µs since the epoch."""
ROW_GROUP = 131_072 // SESSION_ROWS * SESSION_ROWS
"""Rows of a row group: whole sessions."""
MICROSECONDS = pa.timestamp("us", "UTC")


def write_rows(folder: Path, rows: int) -> None:
    """Write this number of rows, in sessions of `SESSION_ROWS`, as `pitwall compact` leaves them.

    Each day has one file, sorted by session and time.
    """
    random = np.random.default_rng(0)
    sessions = rows // SESSION_ROWS
    for first in range(0, sessions, DAY_SESSIONS):
        day = first // DAY_SESSIONS
        target = folder / f"event_date=2026-{1 + day // 28:02d}-{1 + day % 28:02d}"
        target.mkdir(parents=True)
        numbers = range(first, min(first + DAY_SESSIONS, sessions))
        table = pa.concat_tables([_session_table(random, number) for number in numbers])
        pq.write_table(table, target / "compact.parquet", row_group_size=ROW_GROUP)


def entity_rows(folder: Path, count: int) -> pa.Table:
    """`count` entity rows at random instants of random sessions in the files of `folder`.

    Columns: vehicle, session, event_timestamp.
    """
    rows = sum(pq.read_metadata(path).num_rows for path in folder.rglob("*.parquet"))
    random = np.random.default_rng(1)
    sessions = random.integers(0, rows // SESSION_ROWS, count)
    times_us = _start_us(sessions) + random.integers(0, SESSION_ROWS * TICK_US, count)
    return pa.table(
        {
            "vehicle": [VEHICLE] * count,
            "session": [_session_id(number) for number in sessions.tolist()],
            "event_timestamp": pa.array(times_us, MICROSECONDS),
        }
    )


def _session_table(random: np.random.Generator, session: int) -> pa.Table:
    event_us = _start_us(session) + np.arange(SESSION_ROWS) * TICK_US
    return pa.table(
        {
            "vehicle": pa.array([VEHICLE] * SESSION_ROWS, pa.string()),
            "session": pa.array([_session_id(session)] * SESSION_ROWS, pa.string()),
            "event_timestamp": pa.array(event_us, MICROSECONDS),
            "created_timestamp": pa.array(event_us + 15_000, MICROSECONDS),
            **{name: random.normal(size=SESSION_ROWS).cumsum() for name in FEATURES},
        }
    )


def _start_us(session: Any) -> Any:
    """Event time of the first row of a session, µs since the epoch.

    `session` is its number, or an array of numbers; the result has the same shape.
    """
    day, number = session // DAY_SESSIONS, session % DAY_SESSIONS
    return START_US + day * DAY_US + number * SESSION_GAP_US


def _session_id(session: int) -> str:
    return f"2026-{session:06d}-bench"
