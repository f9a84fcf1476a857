"""What arrived on the topics of features and predictions, and what the two stores hold."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import orjson

from pitwall.car.session import Session
from pitwall.errors import StoreError
from pitwall.features import load
from pitwall.features.topic import FeatureRow, FeatureRows
from pitwall.kafka.clients import client_config
from pitwall.lab.chaos.history import History
from pitwall.settings import Settings

SCORER = "stream"
"""The source of the stream scorer's predictions."""


Event = TypeVar("Event", int, str)
Values = TypeVar("Values", bytes, float)


@dataclass
class Arrivals(Generic[Event, Values]):
    """The messages of one session that arrived on one topic."""

    copies: dict[Event, list[Values]] = field(default_factory=lambda: defaultdict(list))
    """By event time: the values of each copy, in the order of arrival."""
    first_copies_s: list[float] = field(default_factory=list)
    """When the first copy of each message arrived, s of the monotonic clock."""

    def add(self, event: Event, values: Values, now_s: float) -> None:
        """Add a message that arrived at `now_s`, s of the monotonic clock."""
        copies = self.copies[event]
        if not copies:
            self.first_copies_s.append(now_s)
        copies.append(values)


class TopicReader(threading.Thread):
    """Reads the two topics until it is closed, through outages of Kafka, too."""

    def __init__(self, settings: Settings, history: History) -> None:
        super().__init__(daemon=True, name="topics")
        self.rows: dict[str, Arrivals[int, bytes]] = defaultdict(Arrivals)
        """Rows of features by session; a row's key is its event time, µs since the epoch."""
        self.newest: dict[str, FeatureRow] = {}
        """The row that arrived last, by session."""
        self.predictions: dict[str, Arrivals[str, float]] = defaultdict(Arrivals)
        """The scorer's predictions by session; the key is the event time in ISO 8601."""
        self.published: dict[str, float] = {}
        """The endpoint's predictions: value by prediction id."""
        self._settings, self._history, self._closed = settings, history, threading.Event()

    def run(self) -> None:
        """Read committed messages until `close`."""
        from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

        settings = self._settings
        consumer = Consumer(
            {
                **client_config(settings),
                "group.id": "pitwall-chaos",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        consumer.assign(
            [
                TopicPartition(topic, partition, OFFSET_BEGINNING)
                for topic in (settings.features_topic, settings.predictions_topic)
                for partition in range(settings.kafka_partitions)
            ]
        )
        rows = FeatureRows(settings)
        while not self._closed.is_set():
            for message in consumer.consume(500, timeout=0.1):
                now_s, value = time.monotonic(), message.value()
                if message.error() is not None or value is None:
                    continue
                if message.topic() == settings.predictions_topic:
                    self._add_prediction(value, now_s)
                elif (row := rows.one(message)) is not None:
                    self._history.count("rows")
                    self.rows[row.session].add(row.event_us, row.values.tobytes(), now_s)
                    self.newest[row.session] = row
        consumer.close()

    def _add_prediction(self, message: bytes, now_s: float) -> None:
        prediction = orjson.loads(message)
        if prediction["source"] == SCORER:
            self._history.count("predictions")
            arrivals = self.predictions[prediction["session"]]
            arrivals.add(prediction["event_time"], prediction["value"], now_s)
        else:
            self._history.count("answers published")
            self.published[prediction["prediction_id"]] = prediction["value"]

    def close(self) -> None:
        """Stop reading, and wait for the thread's end."""
        self._closed.set()
        self.join()


def offline_differences(
    settings: Settings, session: Session, oracle: Session, patience_s: float = 90.0
) -> tuple[int, int]:
    """Rows of the oracle's session that the offline store lacks for `session`, and rows beyond.

    A row that differs counts in both. Returns once there is no difference, or after `patience_s`.
    """
    from pitwall.stores.offline.database import database
    from pitwall.stores.offline.files import files, recorded

    folder = recorded(settings, "car_state")
    query = """
        WITH rows AS (FROM read_parquet(?, union_by_name = true, hive_partitioning = false)),
        kept AS (SELECT DISTINCT * EXCLUDE created_timestamp FROM rows),
        ours AS (SELECT * EXCLUDE session FROM kept WHERE session = ?),
        theirs AS (SELECT * EXCLUDE session FROM kept WHERE session = ?)
        SELECT (SELECT count(*) FROM (FROM theirs EXCEPT FROM ours)),
               (SELECT count(*) FROM (FROM ours EXCEPT FROM theirs))
    """
    limit, differences = time.monotonic() + patience_s, (len(session.times_s), 0)
    while any(differences) and time.monotonic() < limit:
        time.sleep(1)
        if paths := files(folder):
            names = [paths, session.session, oracle.session]
            row = database(folder).execute(query, names).fetchone()
            differences = (int(row[0]), int(row[1]))
    return differences


def online_row_is_right(settings: Settings, session: Session, newest: bytes) -> bool:
    """Whether the online row of the session holds these values, those of its newest tick."""
    from pitwall.serving.reader import FeatureReader

    names = tuple(load(settings.feature_repo)[-1].names)
    reader = FeatureReader(settings)
    try:
        row = reader.read(session.vehicle, session.session, names)
    except StoreError:
        return False
    finally:
        reader.close()
    if row is None:
        return False
    values = np.array([np.nan if v is None else v for v in row.values], dtype=np.float64)
    return values.tobytes() == newest
