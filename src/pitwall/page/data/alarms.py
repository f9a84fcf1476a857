"""Alarms on the limits of features and on drift, for all viewers alike.

The data raises an alarm, and a viewer acknowledges it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from pitwall.features.definitions import FeatureSet
from pitwall.features.kinds import Kind
from pitwall.page.data.rows import Floats
from pitwall.page.data.text import number

AlarmKey = tuple[str, str, str, str]
"""Vehicle, session, feature, and what is wrong with it: `below`, `above` or `drift`."""


@dataclass
class Alarm:
    """What is or was wrong with one feature of a session.

    It is listed while it is active or not acknowledged.
    """

    vehicle: str
    session: str
    feature: str
    text: str
    """What is wrong, with the limit."""
    unit: str
    limit: float
    """NaN for drift, which has no limit."""
    worst: float
    """The value furthest from the limit; NaN for drift."""
    first_s: float
    """When it was raised first, seconds since the epoch."""
    active: bool = True
    acknowledged: bool = False
    times: int = 1
    """How often it was raised."""

    @property
    def line(self) -> str:
        """All of it in one line."""
        worst = f": {number(self.worst)} {self.unit}".rstrip() if np.isfinite(self.worst) else ""
        times = f", {self.times} times" if self.times > 1 else ""
        return self.text + worst + times + ("" if self.active else ", ended")


@dataclass
class Limit:
    """The range in which a feature is expected, in its unit; both ends are included."""

    name: str
    """Name of the feature."""
    unit: str
    low: float
    high: float


def limits_of(features: FeatureSet) -> dict[str, Limit]:
    """The channels' ranges as limits of the features that are newest values, by feature."""
    channels = {channel.id: channel for channel in features.channels}
    limits = {}
    for feature in features.features:
        if feature.kind == Kind.LAST and feature.channel:
            channel = feature.own or channels[feature.channel]
            limits[feature.name] = Limit(feature.name, feature.unit, channel.low, channel.high)
    return limits


@dataclass
class Alarms:
    """Checks the rows of all sessions as they come.

    A feature of a session has one alarm for each end of its limit, and one for drift.
    """

    limits: dict[str, dict[str, Limit]] = field(default_factory=dict)
    """By feature view, then by feature."""
    _alarms: dict[AlarmKey, Alarm] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(
        self, view: str, vehicle: str, session: str, names: tuple[str, ...], values: Floats
    ) -> None:
        """Check one row of features, shape (names,), against the limits of its view."""
        for name, limit in self.limits.get(view, {}).items():
            value = float(values[names.index(name)]) if name in names else np.nan
            for side, beyond, bound in (
                ("below", value < limit.low, limit.low),
                ("above", value > limit.high, limit.high),
            ):
                text = f"{name} {side} {bound:g} {limit.unit}".strip()
                key = (vehicle, session, name, side)
                self._set(key, beyond, value, text, limit.unit, bound)

    def check_drift(self, vehicle: str, session: str, in_doubt: Collection[str]) -> None:
        """Raise a drift alarm for each channel in doubt, and end those of all other channels."""
        with self._lock:
            raised_before = [
                name
                for alarm_vehicle, alarm_session, name, cause in self._alarms
                if (alarm_vehicle, alarm_session, cause) == (vehicle, session, "drift")
            ]
        for name in {*raised_before, *in_doubt}:
            text = f"drift: {name} differs from the laps that the model learned from"
            key = (vehicle, session, name, "drift")
            self._set(key, name in in_doubt, np.nan, text, "", np.nan)

    def _set(
        self, key: AlarmKey, raised: bool, value: float, text: str, unit: str, bound: float
    ) -> None:
        """Raise the alarm of this key, or end it."""
        alarm = self._alarms.get(key)
        if alarm is None and not raised:
            return
        with self._lock:
            if alarm is None:
                vehicle, session, name, _ = key
                self._alarms[key] = Alarm(
                    vehicle, session, name, text, unit, bound, value, time.time()
                )
            elif raised:
                if not alarm.active:
                    alarm.times += 1
                    alarm.acknowledged = False
                alarm.active, alarm.text, alarm.limit = True, text, bound
                if abs(value - bound) > abs(alarm.worst - bound):
                    alarm.worst = value
            elif alarm.active:
                alarm.active = False
                if alarm.acknowledged:
                    del self._alarms[key]

    def set_limit(self, view: str, name: str, unit: str, low: float, high: float) -> None:
        """Set the limit of a feature for every car of this view, from now on."""
        limits = self.limits.setdefault(view, {})
        self.limits[view] = {**limits, name: Limit(name, unit, low, high)}

    def listed(self, vehicle: str, session: str) -> list[Alarm]:
        """The session's alarms that are active or not yet acknowledged, the oldest first."""
        with self._lock:
            alarms = [alarm for key, alarm in self._alarms.items() if key[:2] == (vehicle, session)]
        return sorted(
            (alarm for alarm in alarms if alarm.active or not alarm.acknowledged),
            key=lambda alarm: alarm.first_s,
        )

    def forget(self, vehicle: str, session: str) -> None:
        """Forget the alarms of a session that the page no longer holds."""
        with self._lock:
            for key in [key for key in self._alarms if key[:2] == (vehicle, session)]:
                del self._alarms[key]

    def acknowledge(self, vehicle: str, session: str, name: str | None = None) -> None:
        """Acknowledge the session's alarms of one feature, or of all features."""
        with self._lock:
            for key, alarm in list(self._alarms.items()):
                if key[:2] == (vehicle, session) and name in (None, alarm.feature):
                    alarm.acknowledged = True
                    if not alarm.active:
                        del self._alarms[key]
