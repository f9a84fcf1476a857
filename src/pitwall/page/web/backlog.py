"""What waits to be sent to a browser, bounded: a viewer that does not read costs little memory.

NiceGUI sends the changes of a view by Engine.IO, whose queues have no bound.
"""

from __future__ import annotations

import asyncio
from typing import Any

MOST_BYTES = 8 << 20
"""The most bytes that wait for one viewer."""
MOST_PACKETS = 1000
"""The most packets that wait for one viewer."""


class Backlog(asyncio.Queue[Any]):
    """A queue of Engine.IO packets for one viewer, which breaks off where too much waits.

    Then what waits is dropped, and the queue gives None, at which Engine.IO closes the connection.
    The browser connects again, and NiceGUI sends it what it missed, or loads the view anew.
    """

    def __init__(self) -> None:
        super().__init__()
        self.broken = False
        """Whether the viewer was too slow; nothing more is kept for it."""
        self._bytes = 0

    def put_nowait(self, item: Any) -> None:
        """Add a packet, or None for the end. Engine.IO's `put` calls this, too."""
        if item is not None and self.broken:
            return
        waiting = self._bytes + _size(item)
        if self.qsize() and (waiting > MOST_BYTES or self.qsize() >= MOST_PACKETS):
            self.broken = True
            while not self.empty():
                self.get_nowait()
                self.task_done()
            item = None
        super().put_nowait(item)

    def _put(self, item: Any) -> None:
        super()._put(item)
        self._bytes += _size(item)

    def _get(self) -> Any:
        item = super()._get()
        self._bytes -= _size(item)
        return item


def bound(server: Any) -> None:
    """Give the viewers of this Engine.IO server queues with a bound, from now on."""
    server.create_queue = Backlog


def _size(packet: Any) -> int:
    data = getattr(packet, "data", None)
    return len(data) if isinstance(data, str | bytes) else 0
