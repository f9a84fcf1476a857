"""What the page makes of each message: live sessions, their alarms, and errors of predictions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
from confluent_kafka import Message

from pitwall.features.definitions import FeatureSet
from pitwall.features.topic import FeatureRow, FeatureRows
from pitwall.page.data.alarms import Alarms, limits_of
from pitwall.page.data.session import MOST_MODELS, LivePrediction, LiveSession
from pitwall.page.data.watch import Watch
from pitwall.serving.prediction import read_prediction

MOST_SESSIONS = 60
"""Beyond so many sessions, the one whose newest row is oldest is dropped."""
MOST_PREDICTIONS = 36_000
"""So many predictions of each model stay in a session."""
CHALLENGER = " challenger"
"""Follows the model's name in `LiveSession.predictions`, for predictions of a challenger."""


class Intake:
    """Takes messages of the features and predictions topics, in one thread.

    A message that cannot be used is left out and counted in `unreadable`: no message of one car
    keeps those of another one out.
    """

    def __init__(
        self,
        reader: FeatureRows,
        predictions_topic: str,
        feature_sets: Mapping[str, FeatureSet],
        watch: Watch,
    ) -> None:
        self.unreadable = reader.unreadable
        self.sessions: dict[tuple[str, str], LiveSession] = {}
        """By vehicle and session."""
        self.alarms = Alarms({view: limits_of(features) for view, features in feature_sets.items()})
        self.watch = watch
        self.new_sessions: deque[LiveSession] = deque(maxlen=MOST_SESSIONS)
        """Sessions whose earlier rows are still to be read from the offline store."""
        self._reader, self._predictions_topic = reader, predictions_topic

    def take(self, messages: Iterable[Message], received_s: float) -> None:
        """Take messages, which came at `received_s` (seconds since the epoch): first all rows."""
        predictions = []
        for message in messages:
            if message.error() is not None:
                continue
            if message.topic() == self._predictions_topic:
                predictions.append(message)
            elif (row := self._reader.one(message)) is not None:
                self._try(message, lambda row=row: self._add_row(row, received_s))  # type: ignore[misc]
        for message in predictions:
            self._try(
                message,
                lambda message=message: self._add_prediction(  # type: ignore[misc]
                    read_prediction(message.value())
                ),
            )

    def _try(self, message: Message, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self.unreadable.add(message, error)

    def _add_row(self, row: FeatureRow, received_s: float) -> None:
        vehicle, name = row.vehicle, row.session
        session = self.sessions.get((vehicle, name))
        if session is None or session.names != row.names:
            session = LiveSession(vehicle, name, row.view, row.names)
        in_trail = session.add(np.array(row.values), row.event_us, row.created_us, received_s)
        if self.sessions.get((vehicle, name)) is not session:
            self._begin(session)
        if row.view == "car_state":
            self.watch.add_row(row)
        if in_trail:
            self.alarms.check(row.view, vehicle, name, row.names, row.values)
            in_doubt = self.watch.channels_in_doubt(vehicle, name)
            self.alarms.check_drift(vehicle, name, in_doubt)

    def _begin(self, session: LiveSession) -> None:
        """Take in a session that has its first row, or one with new features."""
        self.sessions[(session.vehicle, session.session)] = session
        self.new_sessions.append(session)
        while len(self.sessions) > MOST_SESSIONS:
            oldest = min(self.sessions, key=lambda key: self.sessions[key].received_s)
            del self.sessions[oldest]
            self.alarms.forget(*oldest)

    def _add_prediction(self, message: dict[str, Any]) -> None:
        """Take one prediction. An older one than the newest is left out."""
        self.watch.add_prediction(message)
        session = self.sessions.get((message["vehicle"], message["session"]))
        if session is None or not session.epoch_us:
            return
        event_s = datetime.fromisoformat(message["event_time"]).timestamp()
        prediction = LivePrediction(
            time_s=event_s - session.epoch_us / 1e6,
            value=message["value"],
            low=message["low"],
            high=message["high"],
            version=message["version"],
        )
        name = message["model"] + CHALLENGER * (message["role"] != "champion")
        if name not in session.predictions and len(session.predictions) >= MOST_MODELS:
            return
        predictions = session.predictions.setdefault(name, deque(maxlen=MOST_PREDICTIONS))
        if not predictions or prediction.time_s > predictions[-1].time_s:
            predictions.append(prediction)
