"""The live sessions: one consumer of the features and predictions topics for all viewers."""

from __future__ import annotations

import time

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from pitwall.channels.table import CHANNELS
from pitwall.errors import PitwallError
from pitwall.features.topic import FeatureRows
from pitwall.kafka.clients import client_config
from pitwall.machine.lasting import Lasting
from pitwall.page.data.intake import Intake
from pitwall.page.data.recorded import Archive
from pitwall.page.data.rows import Rows
from pitwall.page.data.session import LiveSession
from pitwall.page.data.trail import TRAIL, TRAIL_KEPT
from pitwall.page.data.watch import Watch
from pitwall.settings import Settings

LOOK_BACK_S = 120.0
"""A page that starts reads the topics from so long ago. Older rows come from the stores."""
REFERENCE_EVERY_S = 5.0
"""Pause between searches for the fastest stored lap of a session's road."""
FITTED_ROWS = 3000
"""A stored lap must fit these newest rows of the trail: five minutes."""
ROOM_ROWS = 18_000
"""Rows of the trail that stay beside those from the offline store: half an hour."""


class Feed:
    """The live sessions, their alarms, and the live errors of predictions.

    One thread reads the topics and fills the sessions; viewers read them without a lock. A second
    thread asks whether Kafka answers, and a third one completes sessions from the offline store.
    Each begins again after an error; `problems` says which one does not go on.
    """

    def __init__(self, settings: Settings, archive: Archive) -> None:
        self._settings, self._archive = settings, archive
        self.feature_sets = archive.feature_sets
        self.watch = Watch(settings)
        self._intake = Intake(
            FeatureRows(settings, reader="page"),
            settings.predictions_topic,
            self.feature_sets,
            self.watch,
        )
        self.sessions = self._intake.sessions
        """By vehicle and session."""
        self.alarms = self._intake.alarms
        self.unreadable = self._intake.unreadable
        """The messages that were left out."""
        self.state = "connecting"
        """`connecting`, `live`, or a sentence that says why Kafka is not read."""
        self._received_s = 0.0
        """When the newest messages came, seconds since the epoch."""
        self._searched_s = 0.0
        """When stored laps were searched for references, by the monotonic clock."""
        self._threads = [
            Lasting("the reader of the topics", self._read_topics),
            Lasting("the watch on Kafka", self._watch_kafka),
            Lasting("the completion from the offline store", self._complete_sessions, 0.2),
        ]
        for thread in self._threads:
            thread.start()
        self.watch.start()

    @property
    def problems(self) -> list[str]:
        """Why a part of the feed does not go on, as sentences; empty while all is well."""
        problems = [*(thread.problem for thread in self._threads), self.watch.problem]
        return [problem for problem in problems if problem]

    def metrics(self) -> str:
        """Errors, drift and the messages that were left out, in Prometheus' text format."""
        return self.watch.metrics(self.unreadable)

    def close(self) -> None:
        """Stop the threads."""
        for thread in self._threads:
            thread.stop.set()
        for thread in self._threads:
            thread.close()
        self.watch.close()

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
        reading = self._threads[0]
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
            while not reading.stop.is_set():
                if messages := consumer.consume(500, timeout=0.02):
                    self._received_s = time.time()
                    self._intake.take(messages, self._received_s)
                self.watch.close_silent()
                reading.pulse.beat()
        except (KafkaException, PitwallError) as error:
            servers = self._settings.bootstrap_servers
            self.state = f"Kafka at {servers} does not answer ({error}); see ./pitwall status"
            reading.pulse.beat()
            reading.stop.wait(1)
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

    def _watch_kafka(self) -> None:
        """Ask Kafka whether it answers.

        The consumer of the topics raises no error then; it only gets no messages.
        """
        consumer = Consumer(
            {
                **client_config(self._settings),
                "group.id": "pitwall-page-state",
                "enable.auto.commit": False,
            }
        )
        watching = self._threads[1]
        try:
            while not watching.stop.is_set():
                try:
                    consumer.list_topics(self._settings.features_topic, timeout=3)
                    self.state = "live"
                except KafkaException:
                    servers = self._settings.bootstrap_servers
                    self.state = f"Kafka at {servers} does not answer; see ./pitwall status"
                watching.pulse.beat()
                watching.stop.wait(2)
        finally:
            consumer.close()

    # -- what the offline store adds -------------------------------------------------------------

    def _complete_sessions(self) -> None:
        """Give each session its rows before the page was started, and a stored lap as reference.

        A session whose rows cannot be read now is left without them.
        """
        try:
            if self._intake.new_sessions:
                self._add_earlier_trail(self._intake.new_sessions.popleft())
            elif time.monotonic() - self._searched_s > REFERENCE_EVERY_S:
                self._searched_s = time.monotonic()
                self._add_references()
        except PitwallError:
            self._threads[2].stop.wait(1)

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
