"""The page's event loop stays free while viewers watch a long session; odd messages end well."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from loop_watch import busiest
from starlette.websockets import WebSocketDisconnect

from pitwall.features import load
from pitwall.page.data.moment import moment
from pitwall.page.data.rows import Rows
from pitwall.page.data.session import LivePrediction, LiveSession
from pitwall.page.data.trail import TRAIL_KEPT
from pitwall.page.web import stream
from pitwall.settings import Settings

MOST_S = 0.06
"""CPU time of one callback. On an idle machine they take a third of it at most; a viewer waits for
it no longer than for three frames."""


class Socket:
    """A viewer's socket: gives the messages, then waits, and keeps what it is sent."""

    def __init__(self, *messages: str) -> None:
        self._messages = list(messages)
        self.frames: list[bytes] = []
        self.closed: int | None = None

    async def accept(self) -> None: ...

    async def receive_text(self) -> str:
        if self._messages:
            return self._messages.pop(0)
        await asyncio.sleep(0.4)
        raise WebSocketDisconnect

    async def send_bytes(self, content: bytes) -> None:
        self.frames.append(content)

    async def close(self, code: int) -> None:
        self.closed = code


def long_session() -> LiveSession:
    """A session at the bound of memory: twice the rows that stay, an hour and more of laps."""
    (features,) = [one for one in load(Settings().feature_repo) if one.name == "car_state"]
    names = tuple(features.names)
    session = LiveSession("car", "s", "car_state", names)
    rng = np.random.default_rng(0)
    session.trail = Rows(session.trail.since(0)[1].shape[1], TRAIL_KEPT)
    index = {name: place for place, name in enumerate(names)}
    for tick in range(2 * TRAIL_KEPT - 1):
        values = rng.normal(size=len(names))
        time_s, lap_s = tick * 0.1, (tick * 0.1) % 90
        for name, value in (
            *(("session_time", time_s), ("lap_number", 1 + time_s // 90), ("lap_time", lap_s)),
            *(("lap_distance", lap_s * 50), ("lap_best_time", 90.0), ("last_lap_time", 90.0)),
        ):
            if name in index:
                values[index[name]] = value
        session.add(values, round(time_s * 1e6), 0, time_s)
    session.predictions["lap_time"] = deque(
        LivePrediction(time_s, 90.0, 89.0, 91.0, 1) for time_s in np.arange(0, 7000, 1.0)
    )
    return session


def test_long_sessions_leave_the_loop_free() -> None:
    session = long_session()
    feed = SimpleNamespace(sessions={("car", "s"): session})
    archive = SimpleNamespace(
        earlier=lambda *_: np.zeros((10_000, 2)), channel=lambda *_: np.zeros((10_000, 2))
    )
    message = {"vehicle": "car", "session": "s", "names": list(session.names[:24])}

    async def watch() -> tuple[list[Socket], dict[str, float]]:
        viewers = [Socket(json.dumps(message)) for _ in range(5)]
        loop = asyncio.get_running_loop()
        with busiest() as busy:

            def draw() -> None:
                now = moment(session, None)
                assert now is not None
                assert now.laps and now.delta_lines() and now.lap_table
                now.track("speed")

            loop.call_soon(draw)
            await asyncio.gather(
                *(stream.serve(viewer, feed, archive) for viewer in viewers)  # type: ignore[arg-type]
            )
        return viewers, busy

    viewers, busy = asyncio.run(watch())
    assert all(viewer.frames and viewer.closed is None for viewer in viewers)
    assert max(busy.values(), default=0) < MOST_S, busy


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "[]", "7", "null", '"text"', "{}", "[" * 50_000, '{"vehicle": "a"}'),
        '{"vehicle": "a", "session": "s", "names": 7}',
        '{"vehicle": "a", "session": "s", "names": [], "have": {"speed": "fast"}}',
        '{"vehicle": "a", "session": "s", "names": [], "have": [1]}',
        '{"vehicle": "a", "session": "s", "names": [], "request": {}}',
        '{"vehicle": "a", "session": "s", "names": ["' + "x" * stream.MOST_TEXT + '"]}',
    ],
)
def test_a_message_of_another_form_closes_its_socket_alone(text: str) -> None:
    viewer: Any = Socket(text)
    feed: Any = SimpleNamespace(sessions={})
    failed: list[Any] = []

    async def serve() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
        await stream.serve(viewer, feed, SimpleNamespace())  # type: ignore[arg-type]

    asyncio.run(serve())
    assert viewer.closed == stream.MALFORMED and not failed
