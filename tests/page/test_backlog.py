"""What waits for a viewer that does not read has a bound, with Engine.IO's own sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engineio import AsyncServer
from engineio.async_socket import AsyncSocket
from engineio.packet import MESSAGE, Packet

from pitwall.page.web.backlog import MOST_BYTES, MOST_PACKETS, Backlog, bound


def message(size: int) -> Packet:
    return Packet(MESSAGE, data="x" * size)


async def socket() -> tuple[AsyncSocket, Backlog]:
    server = AsyncServer()
    bound(server)
    made = AsyncSocket(server, "viewer")
    assert isinstance(made.queue, Backlog)
    return made, made.queue


@pytest.mark.parametrize(("size", "count"), [(10, 5 * MOST_PACKETS), (MOST_BYTES // 10, 100)])
def test_a_viewer_that_does_not_read_is_let_go(size: int, count: int) -> None:
    async def send() -> tuple[list[int], Any]:
        viewer, queue = await socket()
        waiting = []
        for _ in range(count):
            await viewer.send(message(size))
            waiting.append(queue.qsize())
        ended = await viewer.poll()  # an empty list ends Engine.IO's writer
        await asyncio.wait_for(queue.join(), 1)
        return waiting, ended

    waiting, ended = asyncio.run(send())
    assert max(waiting) * size <= MOST_BYTES and max(waiting) <= MOST_PACKETS
    assert ended == [] and waiting[-1] == 1


def test_a_viewer_that_reads_gets_all_in_order() -> None:
    async def talk() -> list[str]:
        viewer, _ = await socket()
        got: list[str] = []
        for number in range(10 * MOST_PACKETS):
            await viewer.send(Packet(MESSAGE, data=str(number)))
            if number % 100 == 99:
                got += [packet.data for packet in await viewer.poll()]
        return got

    assert asyncio.run(talk()) == [str(number) for number in range(10 * MOST_PACKETS)]


def test_a_single_packet_may_be_larger_than_the_bound() -> None:
    async def talk() -> int:
        viewer, _ = await socket()
        await viewer.send(message(2 * MOST_BYTES))
        return len((await viewer.poll())[0].data)

    assert asyncio.run(talk()) == 2 * MOST_BYTES
