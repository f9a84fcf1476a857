"""The rows of a session that arrived on the features topic and in the two stores."""

from __future__ import annotations

import threading
import time

import numpy as np

from pitwall.car.session import Session
from pitwall.features import load
from pitwall.features.topic import FeatureRows
from pitwall.kafka.clients import client_config
from pitwall.lab.chaos.outcome import Arrivals
from pitwall.settings import Settings


class TopicReader(threading.Thread):
    """Reads the features topic until it is closed, through outages of Kafka, too."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self.sessions: dict[str, Arrivals] = {}
        """The rows that have arrived so far, by session id."""
        self._settings, self._closed = settings, threading.Event()

    def run(self) -> None:
        """Read until `close`."""
        from confluent_kafka import Consumer

        consumer = Consumer(
            {
                **client_config(self._settings),
                "group.id": "pitwall-chaos",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 300_000,
                "max.poll.interval.ms": 600_000,
            }
        )
        consumer.subscribe([self._settings.features_topic])
        rows = FeatureRows(self._settings)
        while not self._closed.is_set():
            for row in rows.read(consumer.consume(500, timeout=0.1)):
                arrivals = self.sessions.setdefault(row.session, Arrivals())
                arrivals.add(row.event_us, row.values.tobytes(), time.monotonic())
        consumer.close()

    def of(self, session: Session) -> Arrivals:
        """The rows of this session that have arrived so far."""
        return self.sessions.get(session.session, Arrivals())

    def close(self) -> None:
        """Stop reading, and wait for the thread's end."""
        self._closed.set()
        self.join()


def offline_rows(
    settings: Settings, session: Session, expected: int, patience_s: float = 60.0
) -> int:
    """Number of distinct rows of the session in the offline store.

    Returns once there are `expected` rows, or after `patience_s` seconds with those that are there.
    """
    from pitwall.stores.offline.database import database
    from pitwall.stores.offline.files import files, recorded

    folder = recorded(settings, "car_state")
    query = (
        "SELECT count(DISTINCT event_timestamp) "
        "FROM read_parquet(?, union_by_name = true, hive_partitioning = false) WHERE session = ?"
    )
    limit, count = time.monotonic() + patience_s, 0
    while count < expected and time.monotonic() < limit:
        time.sleep(1)
        if paths := files(folder):
            row = database(folder).execute(query, [paths, session.session]).fetchone()
            count = int(row[0]) if row else 0
    return count


def online_row_is_right(settings: Settings, session: Session, oracle: Arrivals) -> bool:
    """Whether the online row of the session holds the values of the oracle's newest tick."""
    from pitwall.serving.reader import FeatureReader

    names = tuple(load(settings.feature_repo)[-1].names)
    reader = FeatureReader(settings)
    try:
        row = reader.read(session.vehicle, session.session, names)
    finally:
        reader.close()
    if row is None:
        return False
    values = np.array([np.nan if v is None else v for v in row.values], dtype=np.float64)
    return values.tobytes() == oracle.copies[max(oracle.copies)][0]
