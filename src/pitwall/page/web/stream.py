"""Sends columns to the strip charts of a viewer: earlier values first, then rows as they come.

A viewer sends a text message in JSON: `vehicle`, `session`, the `names` of the columns, `have` (the
session time of its newest value, by name), and the number of the `request`.

An answer is a binary frame: the length of a JSON header (uint32, little-endian), the header, padded
with blanks so that 4 bytes and the header fill a multiple of 8 bytes, and then float64s. The header
holds `kind`, `names`, `rows` and `request`. The kinds are:

- `rows`: session time and the named columns, row by row;
- `earlier`: session time and value of one column, pair by pair;
- `failed`: a store did not answer; `names` are the column and the reason;
- `anew`: the session begins anew, and what the viewer has belongs to another drive.

A slow viewer gets fewer and larger frames, so nobody waits for it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from pitwall.channels.table import CHANNELS
from pitwall.errors import PitwallError
from pitwall.page.data.feed import Feed
from pitwall.page.data.recorded import SAME_TICK_S, Archive
from pitwall.page.data.rows import Floats, columns_of
from pitwall.page.data.session import LiveSession

FRAME_S = 0.035
"""Shortest time from one frame of rows to the next."""
HISTORY_S = 1.0
"""How often the history is read for channels that are no features; it gets a row each second."""
MOST_READS = 2
"""Reads of a store that one viewer has under way; what waits is dropped with its request."""
MOST_NAMES = 24
"""Most columns of one viewer."""
MOST_TEXT = 100_000
"""A viewer's message of more characters is refused."""
MALFORMED = 1008
"""The code with which the socket of a viewer is closed whose message has another form."""


def frame(header: Mapping[str, Any], block: Floats) -> bytes:
    """One binary frame; the header's `rows` is added."""
    text = orjson.dumps({**header, "rows": len(block)})
    text += b" " * (-(len(text) + 4) % 8)
    return len(text).to_bytes(4, "little") + text + np.ascontiguousarray(block, "<f8").tobytes()


async def serve(socket: WebSocket, feed: Feed, archive: Archive) -> None:
    """Serve one viewer until it closes the socket. A new message replaces the one before."""
    await socket.accept()
    reads = asyncio.Semaphore(MOST_READS)
    task: asyncio.Task[None] | None = None
    try:
        while True:
            text = await socket.receive_text()
            if len(text) > MOST_TEXT:
                raise ValueError("the message is too long")
            columns = _Columns(socket, feed, archive, orjson.loads(text), reads)
            if task is not None:
                task.cancel()
            task = asyncio.create_task(_answer(columns))
    except (WebSocketDisconnect, RuntimeError):
        pass
    except (LookupError, TypeError, ValueError, AttributeError):  # a message of another form
        await socket.close(MALFORMED)
    finally:
        if task is not None:
            task.cancel()


async def _answer(columns: _Columns) -> None:
    try:
        await columns.send()
    except WebSocketDisconnect:
        pass


class _Columns:
    """Sends the columns that one message of a viewer asks for."""

    def __init__(
        self,
        socket: WebSocket,
        feed: Feed,
        archive: Archive,
        message: dict[str, Any],
        reads: asyncio.Semaphore,
    ) -> None:
        self._socket, self._feed, self._archive = socket, feed, archive
        self._reads = reads
        self._entity = (str(message["vehicle"]), str(message["session"]))
        self._names = [str(name) for name in message["names"]][:MOST_NAMES]
        self._have_s = {
            str(name): float(time_s) for name, time_s in (message.get("have") or {}).items()
        }
        """Session time of the viewer's newest value, by name."""
        self._request = int(message.get("request", 0))

    async def send(self) -> None:
        """Send the session's columns from its first row on, and again whenever it begins anew."""
        while True:
            while (session := self._feed.sessions.get(self._entity)) is None:
                await asyncio.sleep(0.5)
            await self._follow(session)
            await self._send_frame("anew", [], np.empty((0, 1)))
            self._have_s = {}

    async def _follow(self, session: LiveSession) -> None:
        """Send the columns until the session begins anew, or the feed has another one."""
        features = [name for name in self._names if name in session.names]
        channels = [name for name in self._names if name in CHANNELS and name not in session.names]
        restarts = session.restarts
        first_row, block = session.rows.since(0)
        next_row = first_row + len(block)
        time_index = session.names.index("session_time")
        begin_s = float(block[0, time_index]) if len(block) else math.inf
        await asyncio.sleep(0)

        # Newest first: the live rows are on the screen before a long session has been read.
        columns = columns_of(session.names, block, ("session_time", *features))
        have_s = {name: self._have_s.get(name, -math.inf) for name in features}
        oldest_s = min(have_s.values(), default=-math.inf)
        await self._send_frame("rows", features, columns[columns[:, 0] > oldest_s])
        jobs = [
            asyncio.create_task(self._send_earlier(session, name, self._have_s.get(name), begin_s))
            for name in features
            if have_s[name] < begin_s
        ]
        jobs += [asyncio.create_task(self._send_history(session, name)) for name in channels]
        try:
            while self._feed.sessions.get(self._entity) is session and session.restarts == restarts:
                first_row, block = session.rows.since(next_row)
                if len(block):
                    if first_row > next_row:
                        # The viewer was so slow that rows are gone from memory.
                        newest_s = float(columns[-1, 0]) if len(columns) else None
                        for name in features:
                            await self._send_earlier(
                                session, name, newest_s, float(block[0, time_index])
                            )
                    columns = columns_of(session.names, block, ("session_time", *features))
                    await self._send_frame("rows", features, columns)
                    next_row = first_row + len(block)
                await asyncio.sleep(FRAME_S)
        finally:
            for job in jobs:
                job.cancel()

    async def _send_earlier(
        self, session: LiveSession, name: str, newest_s: float | None, until_s: float
    ) -> None:
        """Send a feature's values between the viewer's newest one and `until_s`, from a store."""
        try:
            values = await self._read(
                self._archive.earlier,
                session.view,
                session.vehicle,
                session.session,
                name,
                None if newest_s is None else newest_s + SAME_TICK_S,
                until_s,
            )
        except PitwallError as error:
            await self._send_failure(name, error)
            return
        await self._send_frame("earlier", [name], values)

    async def _send_history(self, session: LiveSession, name: str) -> None:
        """Send a channel's values from the history, once each second what is new."""
        newest_s = self._have_s.get(name)
        while True:
            since_s = None if newest_s is None else newest_s + SAME_TICK_S
            try:
                values = await self._read(
                    self._archive.channel, session.vehicle, session.session, name, since_s
                )
                if len(values) or newest_s is None:
                    await self._send_frame("earlier", [name], values)
                if len(values):
                    newest_s = float(values[-1, 0])
            except PitwallError as error:
                await self._send_failure(name, error)
            await asyncio.sleep(HISTORY_S)

    async def _read(self, read: Callable[..., Floats], *arguments: Any) -> Floats:
        """What a store gives. A read that began goes on in its thread when its request is over.

        So its place is free only when the thread is.
        """
        await self._reads.acquire()
        reading = asyncio.ensure_future(asyncio.to_thread(read, *arguments))
        reading.add_done_callback(self._read_ended)
        return await asyncio.shield(reading)

    def _read_ended(self, reading: asyncio.Future[Floats]) -> None:
        self._reads.release()
        if not reading.cancelled():
            reading.exception()  # of a request that is over, nobody else asks for it

    async def _send_failure(self, name: str, error: PitwallError) -> None:
        await self._send_frame("failed", [name, str(error)], np.empty((0, 2)))

    async def _send_frame(self, kind: str, names: list[str], block: Floats) -> None:
        header = {"kind": kind, "names": names, "request": self._request}
        await self._socket.send_bytes(frame(header, block))
