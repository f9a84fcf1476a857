"""The thread that reads a live source, finds it again when it is lost, and its bounded queue."""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Any, NamedTuple, Protocol

from pitwall.car.bridges.counts import Counts
from pitwall.errors import StackError

LOG = logging.getLogger("pitwall.bridge")
CAPACITY = 50_000
"""Frames or packets that wait at most: ten seconds of a full CAN bus."""
TAKE_S = 0.2
"""So long a source is waited for at a time."""
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 10.0
"""Wait before a lost source is opened again; it doubles from the first to the longest."""


class Arrival(NamedTuple):
    """A frame or packet."""

    item: Any
    """As the source gave it."""
    received_s: float
    """When it came, seconds since the epoch, on a clock that never steps."""
    connection: int
    """Number of the connection that brought it, from 0."""


class Source(Protocol):
    """Something that is read live. Only one thread calls it."""

    name: str
    """For messages, e.g. `CAN bus vcan0 (socketcan)`."""

    def open(self) -> None:
        """Connect. Raises `StackError`, which says what to do."""

    def take(self, timeout_s: float) -> Any | None:
        """The next frame or packet, None when none came in this time.

        Raises `StackError` when the connection is lost.
        """

    def close(self) -> None:
        """Disconnect; does nothing when that is done already. Never raises."""


class Intake:
    """Reads a source in a thread. Its first connection is made when the object is.

    A frame or packet that finds the queue full is dropped and counted: the newest one, because
    those before it are on their way. Raises `StackError` when the source cannot be opened at first.
    """

    def __init__(self, source: Source, counts: Counts, capacity: int = CAPACITY) -> None:
        self._source = source
        self._counts = counts
        self._queue: queue.Queue[Arrival] = queue.Queue(capacity)
        self._stop = threading.Event()
        self._begun_s = time.time() - time.monotonic()
        source.open()
        self._thread = threading.Thread(target=self._run, name="bridge-intake", daemon=True)
        self._thread.start()

    def get(self, timeout_s: float) -> Arrival | None:
        """The next frame or packet, None when none came in this time."""
        try:
            return self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None

    @property
    def waiting(self) -> int:
        """Frames or packets in the queue."""
        return self._queue.qsize()

    def close(self) -> None:
        """Stop reading. What is in the queue stays there."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        connection, wait_s = 0, FIRST_WAIT_S
        is_open = True
        while not self._stop.is_set():
            try:
                if not is_open:
                    self._source.open()
                    is_open = True
                    connection += 1
                    LOG.warning("%s is back", self._source.name)
                item = self._source.take(TAKE_S)
            except StackError as error:
                if is_open:
                    self._counts.lost += 1
                    self._counts.newest_fault = str(error)
                    LOG.warning("%s is lost, and tried again: %s", self._source.name, error)
                    is_open = False
                self._source.close()
                self._stop.wait(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                continue
            if item is None:
                continue
            wait_s = FIRST_WAIT_S
            self._counts.received += 1
            arrival = Arrival(item, self._begun_s + time.monotonic(), connection)
            try:
                self._queue.put_nowait(arrival)
            except queue.Full:
                self._counts.dropped += 1
        self._source.close()
