"""A client that pools connections never meets one that the server has just closed."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from pitwall.settings import Settings

SCALE = 0.02
"""One second of the rule takes so many seconds here."""
POOL_S = 5.0
"""The usual client keeps an idle connection for so long, and so did the servers."""
LONGEST_POOL_S = 90.0
"""Go's client keeps an idle connection for so long, longer than any other that is usual."""


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def server(keep_alive_s: float) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, lifespan="off", log_level="error")
        config.timeout_keep_alive = keep_alive_s  # type: ignore[assignment]  # uvicorn takes parts
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join(10)


def test_idle_connections_outlive_every_usual_clients_pool() -> None:
    assert Settings().keep_alive_s > 1.2 * LONGEST_POOL_S


def test_three_hundred_requests_about_five_seconds_apart_all_succeed() -> None:
    """The gaps are 4.8 to 5.2 s by the scale. With a server that keeps connections as long as the
    client does, some requests meet a connection that is being closed.
    """
    gaps = random.Random(1)
    limits = httpx.Limits(keepalive_expiry=POOL_S * SCALE)

    async def ask(url: str) -> list[int]:
        async def one_client(count: int) -> list[int]:
            async with httpx.AsyncClient(limits=limits, timeout=30) as client:
                statuses = []
                for _ in range(count):
                    statuses.append((await client.get(url)).status_code)
                    await asyncio.sleep(gaps.uniform(4.8, 5.2) * SCALE)
                return statuses

        parts = await asyncio.gather(*(one_client(60) for _ in range(5)))
        return [status for part in parts for status in part]

    with server(Settings().keep_alive_s * SCALE) as url:
        assert asyncio.run(ask(url)) == [200] * 300


@pytest.mark.parametrize(("idle_s", "is_open"), [(4.0, True), (11.0, False)])
def test_an_idle_connection_is_closed_at_its_time(idle_s: float, is_open: bool) -> None:
    with server(7.0 * SCALE * 5) as url:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
            time.sleep(idle_s * SCALE * 5)
            client.setblocking(False)
            assert _is_open(client) == is_open


def _is_open(client: socket.socket) -> bool:
    """Whether the server has not closed the connection; what it sent before is passed over."""
    try:
        while client.recv(1000):
            pass
    except BlockingIOError:
        return True
    return False
