"""Alarms on channel limits and on drift: raised by the data, acknowledged by the user, for all
viewers alike.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from pitwall.features.definitions import FeatureSet
from pitwall.features.kinds import Kind
from pitwall.page.data.session import Floats
from pitwall.page.data.text import number


@dataclass
class Alarm:
    """One limit that was crossed; stays until it is over and acknowledged."""

    vehicle: str
    session: str
    name: str
    text: str
    unit: str
    limit: float
    worst: float
    """Furthest from the limit; NaN for drift, which has no number of its own."""
    first: float
    """Wall clock, s."""
    active: bool = True
    acknowledged: bool = False
    times: int = 1

    @property
    def said(self) -> str:
        """All of it in one line."""
        worst = f": {number(self.worst)} {self.unit}".rstrip() if np.isfinite(self.worst) else ""
        return (
            self.text
            + worst
            + (f", {self.times} times" if self.times > 1 else "")
            + ("" if self.active else ", over")
        )


@dataclass
class Limit:
    """Expected range of a feature, in its unit."""

    name: str
    unit: str
    low: float
    high: float


def limits_of(features: FeatureSet) -> dict[str, Limit]:
    """The channel table's ranges for the channels that are features."""
    by_id = {channel.id: channel for channel in features.channels}
    limits = {}
    for feature in features.features:
        if feature.kind == Kind.LAST and feature.channel:
            channel = by_id[feature.channel]
            limits[feature.name] = Limit(feature.name, feature.unit, channel.low, channel.high)
    return limits


@dataclass
class Alarms:
    """Watches rows as they come. One alarm for each session, feature and side."""

    limits: dict[str, dict[str, Limit]] = field(default_factory=dict)
    """By view, then feature."""
    _known: dict[tuple[str, str, str, str], Alarm] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(
        self, view: str, vehicle: str, session: str, names: tuple[str, ...], values: Floats
    ) -> None:
        """Look at one row."""
        for name, limit in self.limits.get(view, {}).items():
            value = float(values[names.index(name)]) if name in names else np.nan
            for side, over, bound in (
                ("below", value < limit.low, limit.low),
                ("above", value > limit.high, limit.high),
            ):
                self._set(
                    (vehicle, session, name, side),
                    over,
                    value,
                    f"{name} {side} {bound:g} {limit.unit}".strip(),
                    limit.unit,
                    bound,
                )

    def drift(self, vehicle: str, session: str, raised: Collection[str]) -> None:
        """The channels in doubt now, as `pitwall.monitoring.drift` tells; those in doubt before and
        not now are over.
        """
        with self._lock:
            before = [
                key[2] for key in self._known if key[:2] == (vehicle, session) and key[3] == "drift"
            ]
        for name in {*before, *raised}:
            self._set(
                (vehicle, session, name, "drift"),
                name in raised,
                np.nan,
                f"drift: {name} is not as in the laps learned from",
                "",
                np.nan,
            )

    def _set(
        self,
        key: tuple[str, str, str, str],
        over: bool,
        value: float,
        text: str,
        unit: str,
        bound: float,
    ) -> None:
        known = self._known.get(key)
        if known is None and not over:
            return
        with self._lock:
            if known is None:
                self._known[key] = Alarm(
                    key[0], key[1], key[2], text, unit, bound, value, time.time()
                )
            elif over:
                if not known.active:
                    known.times += 1
                    known.acknowledged = False
                known.active, known.text, known.limit = True, text, bound
                known.worst = (
                    value if abs(value - bound) > abs(known.worst - bound) else known.worst
                )
            elif known.active:
                known.active = False
                if known.acknowledged:
                    del self._known[key]

    def set_limit(self, view: str, name: str, unit: str, low: float, high: float) -> None:
        """From now on a feature of this view, of every car, is to stay within these ends."""
        limits = self.limits.setdefault(view, {})
        self.limits[view] = {**limits, name: Limit(name, unit, low, high)}

    def shown(self, vehicle: str, session: str) -> list[Alarm]:
        """The session's alarms that are active or not yet acknowledged, oldest first."""
        with self._lock:
            mine = [alarm for key, alarm in self._known.items() if key[:2] == (vehicle, session)]
        return sorted(
            (alarm for alarm in mine if alarm.active or not alarm.acknowledged),
            key=lambda alarm: alarm.first,
        )

    def acknowledge(self, vehicle: str, session: str, name: str | None = None) -> None:
        """Of one feature, or of all."""
        with self._lock:
            for key, alarm in list(self._known.items()):
                if key[:2] == (vehicle, session) and name in (None, alarm.name):
                    alarm.acknowledged = True
                    if not alarm.active:
                        del self._known[key]
