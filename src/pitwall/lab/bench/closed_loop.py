"""Clients of an HTTP server that each ask again as soon as they have their answer.

`python -m pitwall.lab.bench.closed_loop HOST PORT CLIENTS SECONDS < QUESTION` runs them. They write
and read sockets directly, because a client library would take longer than the server.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import StackError


@dataclass(frozen=True)
class Question:
    """A POST request, which the clients repeat."""

    host: str
    port: int
    path: str
    body: bytes
    """JSON."""
    token: str = field(default="", repr=False)

    def request(self) -> bytes:
        """The whole request as it goes through the socket."""
        head = (
            f"POST {self.path} HTTP/1.1\r\n"
            f"Host: {self.host}\r\n"
            f"Authorization: Bearer {self.token}\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


def measure(question: Question, clients: int, seconds: float) -> NDArray[np.float64]:
    """Milliseconds of each request, shape (requests,), of clients in a process of their own.

    Raises `StackError` when an answer's status is not 200.
    """
    arguments = [question.host, str(question.port), str(clients), str(seconds)]
    result = subprocess.run(
        [sys.executable, "-m", "pitwall.lab.bench.closed_loop", *arguments],
        input=question.request(),
        capture_output=True,
    )
    if result.returncode:
        errors = result.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise StackError(f"the clients of {question.path} ended: {errors[-1][:300]}")
    return np.array(json.loads(result.stdout))


async def _run_clients(
    host: str, port: int, request: bytes, clients: int, seconds: float
) -> list[float]:
    """Milliseconds of each request of all clients. Raises `RuntimeError` for a bad status."""
    until = time.perf_counter() + seconds
    times_ms: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        while (begun := time.perf_counter()) < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head[:20]:
                raise RuntimeError(head.decode().splitlines()[0])
            length = next(
                line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            await reader.readexactly(int(length.split(b":")[1]))
            times_ms.append((time.perf_counter() - begun) * 1000)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return times_ms


def main() -> None:
    """Run the clients with the request on standard input; prints their times (ms) as JSON."""
    host, port, clients, seconds = sys.argv[1:]
    request = sys.stdin.buffer.read()
    times_ms = asyncio.run(_run_clients(host, int(port), request, int(clients), float(seconds)))
    print(json.dumps(times_ms))


if __name__ == "__main__":
    main()
