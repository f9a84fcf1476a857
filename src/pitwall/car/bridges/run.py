"""The loop of a live bridge: from the intake through decoder and gathering to the delivery."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from pitwall.car.bridges.counts import Counts
from pitwall.car.bridges.delivery import PATIENCE_S, Delivery
from pitwall.car.bridges.intake import Arrival, Intake
from pitwall.car.bridges.ticks import Gather, Tick
from pitwall.errors import WireError

QUIET_S = 0.05
"""After so long without a frame or packet, a tick waits for no more parts."""
SAID_EVERY_S = 1.0
FLUSH_S = 10.0


class Decoder(Protocol):
    """Makes ticks of frames or packets. It keeps the sessions' clocks."""

    @property
    def session(self) -> str:
        """Id of the newest session; empty before the first one."""

    def ticks(self, arrival: Arrival) -> Iterable[Tick]:
        """The ticks, or parts of ticks, of one frame or packet.

        Raises `WireError` for one that is damaged; its first argument is the kind of damage, and
        a second one may say more.
        """


class Ending:
    """When a bridge ends: from the moment that `stop` is set, it has `FLUSH_S` to finish."""

    def __init__(self, stop: threading.Event, seconds: float | None = None) -> None:
        self._stop = stop
        self._stop_s = None if seconds is None else time.monotonic() + seconds
        self._over_s: float | None = None

    @property
    def has_begun(self) -> bool:
        """Whether nothing new is to be read."""
        if self._over_s is None:
            now_s = time.monotonic()
            if self._stop.is_set() or (self._stop_s is not None and now_s >= self._stop_s):
                self._over_s = now_s + FLUSH_S
        return self._over_s is not None

    def is_over(self) -> bool:
        """Whether nothing more is to be waited for."""
        return self.has_begun and time.monotonic() >= (self._over_s or 0.0)


def run(
    intake: Intake,
    decoder: Decoder,
    gather: Gather,
    delivery: Delivery,
    counts: Counts,
    *,
    stop: threading.Event,
    seconds: float | None = None,
    on_counts: Callable[[Counts], None] = lambda counts: None,
) -> None:
    """Bring what comes to Kafka, until `stop` is set or for so many seconds.

    At the end, what came before it is still delivered, for up to `FLUSH_S`. `on_counts` is called
    every second.
    """
    ending = Ending(stop, seconds)
    said_s = -SAID_EVERY_S
    is_closed = False
    try:
        while True:
            now_s = time.monotonic()
            if now_s - said_s >= SAID_EVERY_S:
                on_counts(counts)
                said_s = now_s
            if ending.has_begun and not is_closed:
                intake.close()
                is_closed = True
            arrival = intake.get(0 if is_closed else QUIET_S)
            if arrival is not None:
                pass_on(arrival, decoder, gather, delivery, counts, ending)
                continue
            if (tick := gather.flush()) is not None:
                delivery.send(tick, ending.is_over)
            delivery.poll()
            if is_closed:
                break
    finally:
        intake.close()
        delivery.close(FLUSH_S)
        on_counts(counts)


def pass_on(
    arrival: Arrival,
    decoder: Decoder,
    gather: Gather,
    delivery: Delivery,
    counts: Counts,
    ending: Ending,
) -> None:
    """Decode one frame or packet, and send the ticks that it completes."""
    try:
        for part in decoder.ticks(arrival):
            if (tick := gather.add(part)) is not None:
                delivery.send(tick, ending.is_over)
    except WireError as error:
        counts.damage(str(error.args[0]), ": ".join(map(str, error.args)))


def replay(
    ticks: Iterable[Tick],
    gather: Gather,
    delivery: Delivery,
    counts: Counts,
    *,
    stop: threading.Event,
    speed: float | None = None,
    on_counts: Callable[[Counts], None] = lambda counts: None,
) -> None:
    """Bring the ticks of a recording to Kafka, at `speed` times real time or as fast as possible.

    Nothing is dropped: a recording waits for Kafka. Returns when Kafka has acknowledged all, or
    when `stop` is set.
    """
    ending = Ending(stop)
    begun_s = time.monotonic()
    first_s: float | None = None
    said_s = -SAID_EVERY_S
    try:
        for part in ticks:
            if ending.has_begun:
                break
            first_s = part.time_s if first_s is None else first_s
            due_s = begun_s + (part.time_s - first_s) / speed if speed else 0.0
            while (wait_s := due_s - time.monotonic()) > 0 and not stop.is_set():
                delivery.poll()
                stop.wait(min(wait_s, QUIET_S))
            if (tick := gather.add(part)) is not None:
                delivery.send(tick, ending.is_over)
            now_s = time.monotonic()
            if now_s - said_s >= SAID_EVERY_S:
                on_counts(counts)
                said_s = now_s
        if (tick := gather.flush()) is not None:
            delivery.send(tick, ending.is_over)
    finally:
        delivery.close(FLUSH_S if stop.is_set() else PATIENCE_S)
        on_counts(counts)
