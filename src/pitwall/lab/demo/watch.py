"""Counts and times a run of the chain from outside: topics, freshness, and the endpoint."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pitwall.car.session import Session
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import end_offsets
from pitwall.serving.listen import trust
from pitwall.settings import Settings


class Tally:
    """Counts new features, dead letters and predictions of some sessions on their topics.

    `sessions` holds the sessions' ids. A dead letter without a key counts, too.
    """

    def __init__(self, settings: Settings, sessions: set[str]) -> None:
        from confluent_kafka import Consumer, TopicPartition

        self.counts: Counter[str] = Counter()
        self._settings = settings
        self._sessions = sessions
        self._consumer = Consumer(
            {
                **client_config(settings),
                "group.id": "pitwall-demo",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 50,
            }
        )
        topics = (
            settings.features_topic,
            settings.dead_letters_topic,
            settings.predictions_topic,
        )
        self._consumer.assign(
            [
                TopicPartition(topic, partition, offset)
                for topic in topics
                for partition, offset in end_offsets(settings, topic).items()
            ]
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(2000, timeout=0.1):
                if message.error() is not None:
                    continue
                key = message.key()
                if key is None or key.decode(errors="replace") in self._sessions:
                    self.counts[str(message.topic())] += 1

    @property
    def features(self) -> int:
        """Number of feature rows."""
        return self.counts[self._settings.features_topic]

    @property
    def dead_letters(self) -> int:
        """Number of dead letters."""
        return self.counts[self._settings.dead_letters_topic]

    @property
    def predictions(self) -> int:
        """Number of predictions."""
        return self.counts[self._settings.predictions_topic]

    def close(self) -> None:
        """Stop counting."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()


class Freshness(threading.Thread):
    """Reads one entity's row again and again, to measure how fresh it is.

    A sample is the time from a tick's record in Kafka until its row was read for the first time.
    """

    def __init__(self, settings: Settings, vehicle: str, session: str) -> None:
        super().__init__(daemon=True)
        from pitwall.serving.reader import FeatureReader

        self._reader = FeatureReader(settings)
        self._key = (vehicle, session)
        self._done = threading.Event()
        self._since = datetime.now(UTC)
        self._samples_ms: list[float] = []

    def run(self) -> None:
        """Read until `stop`."""
        newest = None
        while not self._done.is_set():
            row = self._reader.read(*self._key, ())
            now = datetime.now(UTC)
            if row is not None and row.event_time != newest and row.created >= self._since:
                newest = row.event_time
                self._samples_ms.append((now - row.created) / timedelta(milliseconds=1))
            time.sleep(0.001)

    def stop(self) -> list[float]:
        """Stop reading; returns the samples in ms."""
        self._done.set()
        self.join()
        self._reader.close()
        return self._samples_ms


class Asker(threading.Thread):
    """Asks the endpoint about the live car: every model in turn, with 50 ms between the rounds."""

    def __init__(self, settings: Settings, live: Session, models: list[str]) -> None:
        super().__init__(daemon=True)
        self._settings, self._live, self._models = settings, live, models
        self._done = threading.Event()
        self._latencies_ms: list[float] = []
        self._answers: dict[str, dict[str, Any]] = {}

    def run(self) -> None:
        """Ask until `stop`."""
        import httpx

        token = self._settings.secret("token").get_secret_value()
        with httpx.Client(
            base_url=self._settings.serving_url,
            headers={"Authorization": f"Bearer {token}"},
            verify=trust(self._settings),
        ) as client:
            while not self._done.is_set():
                for model in self._models:
                    question = {
                        "model": model,
                        "vehicle": self._live.vehicle,
                        "session": self._live.session,
                    }
                    before = time.perf_counter()
                    try:
                        answer = client.post("/predict", json=question)
                    except httpx.HTTPError:
                        continue
                    if answer.status_code == 200:
                        self._latencies_ms.append((time.perf_counter() - before) * 1000)
                        self._answers[model] = answer.json()
                self._done.wait(0.05)

    def stop(self) -> tuple[list[float], list[dict[str, Any]]]:
        """Stop asking; returns the latencies in ms and the last answer of each model.

        The first two latencies are left out: they include the connection.
        """
        self._done.set()
        self.join()
        return self._latencies_ms[2:], list(self._answers.values())


class Background:
    """A function that runs in a thread from now on."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._outcome: list[Any] = []
        self._error: list[BaseException] = []

        def target() -> None:
            try:
                self._outcome.append(work())
            except BaseException as error:
                self._error.append(error)

        self._thread = threading.Thread(target=target, daemon=True)
        self._thread.start()

    def result(self) -> Any:
        """Wait for the function's end; returns what it returned, or raises what it raised."""
        self._thread.join()
        if self._error:
            raise self._error[0]
        return self._outcome[0]
