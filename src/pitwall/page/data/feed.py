"""What the page hears: one consumer of the features and predictions topics for all viewers."""

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
from pitwall.features import FeatureSet, load
from pitwall.features.topic import FeatureRows
from pitwall.kafka.clients import client_config
from pitwall.page.data.alarms import Alarms, limits_of
from pitwall.page.data.recorded import Archive
from pitwall.page.data.session import LiveSession, Predicted
from pitwall.page.data.watch import Watch
from pitwall.settings import Settings

LOOK_BACK_S = 120.0
"""How far back a page that starts reads the topics; what is older comes from the stores."""
SESSIONS = 60
REFERENCE_S = 5.0
"""How often a stored lap to compare with is looked for."""
PREDICTIONS = 36_000
SHADOW = " challenger"
"""After the model's name: predictions made beside the champion's, which nobody acts on."""


class Feed:
    """The sessions heard of, newest rows first in mind.

    Read by viewers without locks; written by one thread.
    """

    def __init__(self, settings: Settings, archive: Archive) -> None:
        self._settings, self._archive = settings, archive
        self.sets: dict[str, FeatureSet] = {each.name: each for each in load(settings.feature_repo)}
        self.sessions: dict[tuple[str, str], LiveSession] = {}
        self.alarms = Alarms({name: limits_of(each) for name, each in self.sets.items()})
        self.watch = Watch(settings)
        self.state = "connecting"
        """`connecting`, `live`, or why Kafka is not heard."""
        self._heard = 0.0
        self._seed: deque[LiveSession] = deque()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=work, daemon=True, name=work.__name__)
            for work in (self._run, self._follow_state, self._seeding)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def ordered(self) -> list[LiveSession]:
        """All sessions, the one heard last first."""
        return sorted(
            list(self.sessions.values()),
            key=lambda each: (-round(each.heard / 5), each.vehicle, each.session),
        )

    def label_and_unit(self, view: str, name: str) -> tuple[str, str]:
        """Label and unit of a feature of the view, or else of a channel of the channel table."""
        features = self.sets[view].features if view in self.sets else []
        feature = next((feature for feature in features if feature.name == name), None)
        if feature is not None:
            return name.replace("_", " ").capitalize(), feature.unit
        channel = CHANNELS.get(name)
        return (channel.name, channel.unit) if channel else (name, "")

    def _run(self) -> None:
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
                    self._take(
                        reader,
                        [m for m in consumer.consume(500, timeout=0.02) if m.error() is None],
                    )
                    self.watch.close_silent()
            except (KafkaException, PitwallError) as error:
                servers = self._settings.bootstrap_servers
                self.state = f"Kafka at {servers} does not answer ({error}); see ./pitwall status"
                self._stop.wait(1)
            finally:
                consumer.close()

    def _assign(self, consumer: Consumer) -> None:
        settings = self._settings
        since = int((max(time.time() - LOOK_BACK_S, self._heard)) * 1000)
        parts = [
            TopicPartition(topic, partition, since)
            for topic in (settings.features_topic, settings.predictions_topic)
            for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ]
        found = consumer.offsets_for_times(parts, timeout=10)
        for part in found:
            if part.offset < 0:
                part.offset = OFFSET_END
        consumer.assign(found)

    def _follow_state(self) -> None:
        """Ask Kafka every few seconds whether it is there: a consumer only falls silent when it is
        not.
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

    def _take(self, reader: FeatureRows, messages: list[Message]) -> None:
        if not messages:
            return
        now = self._heard = time.time()
        predictions = self._settings.predictions_topic
        for row in reader.read(m for m in messages if m.topic() != predictions):
            key = (row.vehicle, row.session)
            if row.view == "car_state":
                self.watch.row(row)
            session = self.sessions.get(key)
            if session is None or session.names != row.names:
                session = self._new(row.vehicle, row.session, row.view, row.names)
            if session.add(np.array(row.values), row.event_us, row.created_us, now):
                self.alarms.watch(row.view, row.vehicle, row.session, row.names, row.values)
                self.alarms.drift(
                    row.vehicle, row.session, self.watch.doubted(row.vehicle, row.session)
                )
        for message in messages:
            if message.topic() == predictions and (value := message.value()) is not None:
                prediction = orjson.loads(value)
                self.watch.prediction(prediction)
                self._predicted(prediction)

    def _new(self, vehicle: str, name: str, view: str, names: tuple[str, ...]) -> LiveSession:
        session = LiveSession(vehicle, name, view, names)
        self.sessions[(vehicle, name)] = session
        self._seed.append(session)
        while len(self.sessions) > SESSIONS:
            del self.sessions[min(self.sessions, key=lambda key: self.sessions[key].heard)]
        return session

    def _seeding(self) -> None:
        """Give sessions what the offline store has for them: the trail before the page was there,
        and a lap to compare with.
        """
        looked = 0.0
        while not self._stop.is_set():
            try:
                if self._seed:
                    self._give_trail(self._seed.popleft())
                elif time.monotonic() - looked > REFERENCE_S:
                    looked = time.monotonic()
                    for session in self.ordered():
                        if session.reference is None and session.running:
                            trail = session.trail.since(0)[1][-3000:]
                            session.reference = self._archive.fastest(
                                session.view, session.vehicle, session.session, trail
                            )
                else:
                    self._stop.wait(0.2)
            except PitwallError:
                self._stop.wait(1)

    def _give_trail(self, session: LiveSession) -> None:
        first = session.trail.since(0)[1]
        if len(first) and first[0, 0] < 1.0:
            return
        earlier = self._archive.trail(
            session.view,
            session.vehicle,
            session.session,
            float(first[0, 0]) if len(first) else None,
        )
        trail = type(session.trail)(first.shape[1], max(36_000, len(earlier) + 18_000))
        for row in earlier:
            trail.append(row)
        number = 0
        while len(more := session.trail.since(number)[1]):
            for row in more:
                trail.append(row)
            number += len(more)
        session.trail = trail

    def _predicted(self, value: dict[str, Any]) -> None:
        session = self.sessions.get((value["vehicle"], value["session"]))
        if session is None or not session.epoch_us:
            return
        when = datetime.fromisoformat(value["event_time"]).timestamp() - session.epoch_us / 1e6
        made = Predicted(
            when,
            float(value["value"]),
            float(value["low"]),
            float(value["high"]),
            int(value["version"]),
        )
        challenger = value.get("role", "champion") != "champion"
        known = session.predictions.setdefault(
            value["model"] + SHADOW * challenger, deque(maxlen=PREDICTIONS)
        )
        if known and made.time_s <= known[-1].time_s:
            return
        known.append(made)
