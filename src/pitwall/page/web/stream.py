"""Carries the displayed columns to a viewer: first what was, then rows as they come.

Each viewer at its own pace.

A viewer asks for a session and names, and says up to when it has each. Frames are binary: length of
a JSON header (uint32), the header padded with blanks to eight bytes, then float64s. `rows` frames
hold session time and the names row by row; `earlier` frames hold (time, value) pairs of one name. A
viewer that is slow gets fewer, larger frames: nothing waits for it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
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
RAW_S = 1.0
"""How often channels that are no feature are looked up in the history, which gets a row a second.
"""
NAMES = 24


def frame(header: Mapping[str, Any], block: Floats) -> bytes:
    """One binary message."""
    text = orjson.dumps({**header, "rows": len(block)})
    text += b" " * (-(len(text) + 4) % 8)
    return len(text).to_bytes(4, "little") + text + np.ascontiguousarray(block, "<f8").tobytes()


async def serve(socket: WebSocket, feed: Feed, archive: Archive) -> None:
    """Serve one viewer until it goes. Its every text message replaces what it asked for before."""
    await socket.accept()
    task: asyncio.Task[None] | None = None
    try:
        while True:
            asked = orjson.loads(await socket.receive_text())
            if task is not None:
                task.cancel()
            task = asyncio.create_task(_show(socket, feed, archive, asked))
    except (WebSocketDisconnect, orjson.JSONDecodeError, KeyError, RuntimeError):
        pass
    finally:
        if task is not None:
            task.cancel()


async def _show(socket: WebSocket, feed: Feed, archive: Archive, asked: dict[str, Any]) -> None:
    vehicle, name = str(asked["vehicle"]), str(asked["session"])
    wanted = [str(each) for each in asked["names"]][:NAMES]
    have: dict[str, float] = {
        str(key): float(value) for key, value in (asked.get("have") or {}).items()
    }
    number = int(asked.get("request", 0))
    try:
        while (session := feed.sessions.get((vehicle, name))) is None:
            await asyncio.sleep(0.5)
        await _follow(socket, archive, session, feed, wanted, have, number)
    except WebSocketDisconnect:
        pass


async def _follow(
    socket: WebSocket,
    archive: Archive,
    session: LiveSession,
    feed: Feed,
    wanted: list[str],
    have: dict[str, float],
    number: int,
) -> None:
    features = [each for each in wanted if each in session.names]
    raw = [each for each in wanted if each in CHANNELS and each not in session.names]
    restarts = session.restarts
    at, block = session.rows.since(0)
    clock = session.names.index("session_time")
    begin = float(block[0, clock]) if len(block) else math.inf
    await asyncio.sleep(0)

    async def send(kind: str, names: list[str], rows: Floats) -> None:
        await socket.send_bytes(frame({"kind": kind, "names": names, "request": number}, rows))

    # Newest first: the live rows are on the screen before a long session has been read.
    shown = columns_of(session.names, block, ("session_time", *features))
    oldest = min((have.get(each, -math.inf) for each in features), default=-math.inf)
    await send("rows", features, shown[shown[:, 0] > oldest] if len(shown) else shown)
    at += len(block)
    loop = asyncio.get_running_loop()
    jobs = [
        asyncio.create_task(_earlier(loop, archive, session, send, each, have.get(each), begin))
        for each in features
        if have.get(each, -math.inf) < begin
    ]
    jobs += [
        asyncio.create_task(_poll_raw(loop, archive, session, send, each, have.get(each)))
        for each in raw
    ]
    try:
        while True:
            if (
                feed.sessions.get((session.vehicle, session.session)) is not session
                or session.restarts != restarts
            ):
                await send("anew", [], np.empty((0, 1)))
                return await _follow(
                    socket,
                    archive,
                    feed.sessions.get((session.vehicle, session.session), session),
                    feed,
                    wanted,
                    {},
                    number,
                )
            first, block = session.rows.since(at)
            if len(block):
                if first > at and features:
                    await _gap(
                        loop, archive, session, send, features, shown, float(block[0, clock])
                    )
                shown = columns_of(session.names, block, ("session_time", *features))
                await send("rows", features, shown)
                at = first + len(block)
            await asyncio.sleep(FRAME_S)
    finally:
        for job in jobs:
            job.cancel()


async def _earlier(
    loop: Any,
    archive: Archive,
    session: LiveSession,
    send: Any,
    name: str,
    have: float | None,
    begin: float,
) -> None:
    try:
        block = await loop.run_in_executor(
            None,
            archive.earlier,
            session.view,
            session.vehicle,
            session.session,
            name,
            None if have is None else have + SAME_TICK_S,
            begin,
        )
    except PitwallError as error:
        await send("failed", [name, str(error)], np.empty((0, 2)))
        return
    await send("earlier", [name], block)


async def _gap(
    loop: Any,
    archive: Archive,
    session: LiveSession,
    send: Any,
    names: list[str],
    shown: Floats,
    until: float,
) -> None:
    """A viewer so slow that rows are gone from memory gets them from the stores."""
    for name in names:
        await _earlier(
            loop, archive, session, send, name, float(shown[-1, 0]) if len(shown) else None, until
        )


async def _poll_raw(
    loop: Any, archive: Archive, session: LiveSession, send: Any, name: str, have: float | None
) -> None:
    while True:
        since = None if have is None else have + SAME_TICK_S
        try:
            block = await loop.run_in_executor(
                None, archive.channel, session.vehicle, session.session, name, since
            )
            if len(block) or have is None:
                await send("earlier", [name], block)
            if len(block):
                have = float(block[-1, 0])
        except PitwallError as error:
            await send("failed", [name, str(error)], np.empty((0, 2)))
        await asyncio.sleep(RAW_S)
