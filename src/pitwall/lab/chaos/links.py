"""TCP proxies between clients and servers: they delay, keep back and end connections."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

PIECE, PIECES = 1 << 16, 64
"""Most bytes that are passed on at once, and most pieces that are on their way."""

Pieces = asyncio.Queue[tuple[float, bytes]]
"""Bytes on their way, with when they are due, s of the monotonic clock."""


@dataclass
class Link:
    """One proxy: clients connect to `port`, and it connects to the server at `to_port`.

    Its methods may be called from any thread once it is open.
    """

    host: str
    port: int
    to_port: int
    delay_s: float = 0.0
    """How much longer bytes are on their way, in each direction, s."""
    _loop: asyncio.AbstractEventLoop | None = None
    _server: asyncio.Server | None = None
    _speaks: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def open(self) -> None:
        """Listen on `port`. Raises `OSError` when the port is taken."""
        self._loop = asyncio.get_running_loop()
        self._speaks.set()
        self._server = await asyncio.start_server(self._connected, self.host, self.port)

    def mute(self, muted: bool) -> None:
        """Keep back what the server says, until it may speak again. Nothing of it is lost."""
        self._call(self._speaks.clear if muted else self._speaks.set)

    def drop(self) -> None:
        """Reset every connection. Clients may connect anew."""
        self._call(self._abort_all)

    def _abort_all(self) -> None:
        for writer in self._writers:
            _reset(writer)

    def _call(self, function: Callable[[], None]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(function)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            to_reader, to_writer = await asyncio.open_connection(self.host, self.to_port)
        except OSError:
            _reset(writer)
            self._writers.discard(writer)
            return
        self._writers.add(to_writer)
        try:
            async with asyncio.TaskGroup() as tasks:
                for source, sink, answers in (
                    (reader, to_writer, False),
                    (to_reader, writer, True),
                ):
                    pieces: Pieces = asyncio.Queue(PIECES)
                    tasks.create_task(self._read(source, pieces))
                    tasks.create_task(self._write(pieces, sink, answers))
        except* OSError:
            pass  # one side is gone, and with it the connection
        finally:
            for one in (writer, to_writer):
                _reset(one)
                self._writers.discard(one)

    async def _read(self, reader: asyncio.StreamReader, pieces: Pieces) -> None:
        """Read pieces and say when each is due; the last one is empty."""
        data = b"first"
        while data:
            data = await reader.read(PIECE)
            await pieces.put((time.monotonic() + self.delay_s, data))

    async def _write(self, pieces: Pieces, writer: asyncio.StreamWriter, answers: bool) -> None:
        """Write each piece when it is due; `answers` of a mute server wait."""
        while True:
            due_s, data = await pieces.get()
            await asyncio.sleep(due_s - time.monotonic())
            if answers:
                await self._speaks.wait()
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection at once, so that the other side sees a reset and no orderly end."""
    if not writer.transport.is_closing():
        no_lingering = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, no_lingering
        )
    writer.transport.abort()


class Links:
    """The proxies by the names of their servers, in a thread of their own while the block runs."""

    def __init__(self, links: dict[str, Link]) -> None:
        self._links = links
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="links")

    def __enter__(self) -> dict[str, Link]:
        self._thread.start()
        for link in self._links.values():
            asyncio.run_coroutine_threadsafe(link.open(), self._loop).result()
        return self._links

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
