"""The live sessions: one consumer of the features and predictions topics for all viewers."""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import datetime
from typing import Any

import numpy as np
import orjson
from confluent_kafka import OFFSET_END, Consumer, KafkaException, Message, TopicPartition

from pitwall.channels.table import CHANNELS
from pitwall.errors import PitwallError
from pitwall.features.topic import FeatureRows
from pitwall.kafka.clients import client_config
from pitwall.page.data.alarms import Alarms, limits_of
from pitwall.page.data.recorded import Archive
from pitwall.page.data.rows import Rows
from pitwall.page.data.session import LivePrediction, LiveSession
from pitwall.page.data.trail import TRAIL, TRAIL_KEPT
from pitwall.page.data.watch import Watch
from pitwall.settings import Settings

LOOK_BACK_S = 120.0
"""A page that starts reads the topics from so long ago. Older rows come from the stores."""
MOST_SESSIONS = 60
"""Beyond so many sessions, the one whose newest row is oldest is dropped."""
REFERENCE_EVERY_S = 5.0
"""Pause between searches for the fastest stored lap of a session's road."""
FITTED_ROWS = 3000
"""A stored lap must fit these newest rows of the trail: five minutes."""
ROOM_ROWS = 18_000
"""Rows of the trail that stay beside those from the offline store: half an hour."""
MOST_PREDICTIONS = 36_000
"""So many predictions of each model stay in a session."""
CHALLENGER = " challenger"
"""Follows the model's name in `LiveSession.predictions`, for predictions of a challenger."""


class Feed:
    """The live sessions, their alarms, and the live errors of predictions.

    One thread reads the topics and fills the sessions; viewers read them without a lock. A second
    thread asks whether Kafka answers, and a third one completes sessions from the offline store.
    """

    def __init__(self, settings: Settings, archive: Archive) -> None:
        self._settings, self._archive = settings, archive
        self.feature_sets = archive.feature_sets
        self.sessions: dict[tuple[str, str], LiveSession] = {}
        """By vehicle and session."""
        self.alarms = Alarms(
            {view: limits_of(features) for view, features in self.feature_sets.items()}
        )
        self.watch = Watch(settings)
        self.state = "connecting"
        """`connecting`, `live`, or a sentence that says why Kafka is not read."""
        self._received_s = 0.0
        """When the newest messages came, seconds since the epoch."""
        self._new_sessions: deque[LiveSession] = deque()
        """Sessions whose earlier rows are still to be read from the offline store."""
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=work, daemon=True, name=work.__name__)
            for work in (self._read_topics, self._watch_kafka, self._complete_sessions)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop the threads."""
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def newest_first(self) -> list[LiveSession]:
        """All sessions, the one with the newest row first.

        Times are rounded to five seconds and the ids decide between equal ones, so that the order
        of sessions that run side by side does not change all the time.
        """
        return sorted(
            list(self.sessions.values()),
            key=lambda session: (
                -round(session.received_s / 5),
                session.vehicle,
                session.session,
            ),
        )

    def label_and_unit(self, view: str, name: str) -> tuple[str, str]:
        """Label and unit of a feature of the view, or else of a channel of the channel table."""
        features = self.feature_sets[view].features if view in self.feature_sets else []
        feature = next((feature for feature in features if feature.name == name), None)
        if feature is not None:
            return name.replace("_", " ").capitalize(), feature.unit
        channel = CHANNELS.get(name)
        return (channel.name, channel.unit) if channel else (name, "")

    # -- reading the topics ----------------------------------------------------------------------

    def _read_topics(self) -> None:
        reader = FeatureRows(self._settings)
        while not self._stop.is_set():
            consumer = Consumer(
                {
                    **client_config(self._settings),
                    "group.id": "pitwall-page",
                    "enable.auto.commit": False,
                    "fetch.wait.max.ms": 20,
                    "auto.offset.reset": "latest",
                }
            )
            try:
                self._assign(consumer)
                while not self._stop.is_set():
                    messages = consumer.consume(500, timeout=0.02)
                    self._add(reader, [message for message in messages if message.error() is None])
                    self.watch.close_silent()
            except (KafkaException, PitwallError) as error:
                servers = self._settings.bootstrap_servers
                self.state = f"Kafka at {servers} does not answer ({error}); see ./pitwall status"
                self._stop.wait(1)
            finally:
                consumer.close()

    def _assign(self, consumer: Consumer) -> None:
        """Read on from the newest message taken, or from `LOOK_BACK_S` ago."""
        settings = self._settings
        since_ms = int(max(time.time() - LOOK_BACK_S, self._received_s) * 1000)
        times = [
            TopicPartition(topic, partition, since_ms)
            for topic in (settings.features_topic, settings.predictions_topic)
            for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ]
        offsets = consumer.offsets_for_times(times, timeout=10)
        for partition in offsets:
            if partition.offset < 0:
                partition.offset = OFFSET_END
        consumer.assign(offsets)

    def _add(self, reader: FeatureRows, messages: list[Message]) -> None:
        """Take messages of both topics, which have no error."""
        if not messages:
            return
        self._received_s = time.time()
        predictions_topic = self._settings.predictions_topic
        for row in reader.read(
            message for message in messages if message.topic() != predictions_topic
        ):
            vehicle, name = row.vehicle, row.session
            if row.view == "car_state":
                self.watch.add_row(row)
            session = self.sessions.get((vehicle, name))
            if session is None or session.names != row.names:
                session = self._begin(vehicle, name, row.view, row.names)
            in_trail = session.add(
                np.array(row.values), row.event_us, row.created_us, self._received_s
            )
            if in_trail:
                self.alarms.check(row.view, vehicle, name, row.names, row.values)
                in_doubt = self.watch.channels_in_doubt(vehicle, name)
                self.alarms.check_drift(vehicle, name, in_doubt)
        for message in messages:
            value = message.value()
            if message.topic() == predictions_topic and value is not None:
                prediction = orjson.loads(value)
                self.watch.add_prediction(prediction)
                self._add_prediction(prediction)

    def _begin(self, vehicle: str, name: str, view: str, names: tuple[str, ...]) -> LiveSession:
        """Make the session of a row that is the first one of its session, or has new features."""
        session = LiveSession(vehicle, name, view, names)
        self.sessions[(vehicle, name)] = session
        self._new_sessions.append(session)
        while len(self.sessions) > MOST_SESSIONS:
            del self.sessions[min(self.sessions, key=lambda key: self.sessions[key].received_s)]
        return session

    def _add_prediction(self, message: dict[str, Any]) -> None:
        """Take one message of the predictions topic. An older one than the newest is left out."""
        session = self.sessions.get((message["vehicle"], message["session"]))
        if session is None or not session.epoch_us:
            return
        event_s = datetime.fromisoformat(message["event_time"]).timestamp()
        prediction = LivePrediction(
            time_s=event_s - session.epoch_us / 1e6,
            value=float(message["value"]),
            low=float(message["low"]),
            high=float(message["high"]),
            version=int(message["version"]),
        )
        is_challenger = message.get("role", "champion") != "champion"
        predictions = session.predictions.setdefault(
            message["model"] + CHALLENGER * is_challenger, deque(maxlen=MOST_PREDICTIONS)
        )
        if not predictions or prediction.time_s > predictions[-1].time_s:
            predictions.append(prediction)

    def _watch_kafka(self) -> None:
        """Ask Kafka every two seconds whether it answers.

        The consumer of the topics raises no error then; it only gets no messages.
        """
        consumer = Consumer(
            {
                **client_config(self._settings),
                "group.id": "pitwall-page-state",
                "enable.auto.commit": False,
            }
        )
        while not self._stop.is_set():
            try:
                consumer.list_topics(self._settings.features_topic, timeout=3)
                self.state = "live"
            except KafkaException:
                servers = self._settings.bootstrap_servers
                self.state = f"Kafka at {servers} does not answer; see ./pitwall status"
            self._stop.wait(2)
        consumer.close()

    # -- what the offline store adds -------------------------------------------------------------

    def _complete_sessions(self) -> None:
        """Give each session its rows before the page was started, and a stored lap as reference."""
        searched_s = 0.0
        while not self._stop.is_set():
            try:
                if self._new_sessions:
                    self._add_earlier_trail(self._new_sessions.popleft())
                elif time.monotonic() - searched_s > REFERENCE_EVERY_S:
                    searched_s = time.monotonic()
                    self._add_references()
                else:
                    self._stop.wait(0.2)
            except PitwallError:
                self._stop.wait(1)

    def _add_references(self) -> None:
        for session in self.newest_first():
            if session.reference is None and session.running:
                trail = session.trail.since(0)[1][-FITTED_ROWS:]
                session.reference = self._archive.fastest(
                    session.view, session.vehicle, session.session, trail
                )

    def _add_earlier_trail(self, session: LiveSession) -> None:
        """Put the rows of the offline store before the session's trail, unless it is complete."""
        live = session.trail.since(0)[1]
        if len(live) and live[0, 0] < 1.0:
            return
        begin_s = float(live[0, 0]) if len(live) else None
        earlier = self._archive.trail(session.view, session.vehicle, session.session, begin_s)
        trail = Rows(len(TRAIL), max(TRAIL_KEPT, len(earlier) + ROOM_ROWS))
        for row in earlier:
            trail.append(row)
        # Rows go on coming while they are copied.
        copied = 0
        while len(rows := session.trail.since(copied)[1]):
            for row in rows:
                trail.append(row)
            copied += len(rows)
        session.trail = trail
