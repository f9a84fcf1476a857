"""What the benchmarks compute from their observations, without servers of the stack."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pitwall.errors import StackError
from pitwall.lab.bench import closed_loop
from pitwall.lab.bench.closed_loop import Question
from pitwall.lab.bench.freshness import WARM_UP_S, Look, Tick, delays


def test_a_tick_is_fresh_at_the_first_look_that_shows_it_or_a_newer_one() -> None:
    """Times in ms after the warm-up.

    records   0     20    40    60
    looks        10    30    50    70
    shows        0     0     40    40      the tick of 60 never comes
    """
    begin = WARM_UP_S * 1000
    ticks = {"a": [Tick(0, 0), *(Tick(begin + t, begin + t) for t in (0, 20, 40, 60))]}
    looks = [
        Look(float(begin + at), {"a": begin + event})
        for at, event in ((10, 0), (30, 0), (50, 40), (70, 40))
    ]
    delays_ms, missing = delays(ticks, looks)
    assert delays_ms.tolist() == [10.0, 30.0, 10.0]
    assert missing == 1


class Echo(BaseHTTPRequestHandler):
    """Answers every request to /good with its body, and every other one with 503."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        right = self.path == "/good" and self.headers["Authorization"] == "Bearer secret"
        self.send_response(200 if right else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_clients_ask_until_the_time_is_over_and_name_a_refusal(port: int) -> None:
    good = Question("127.0.0.1", port, "/good", b'{"a": 1}', "secret")
    assert "secret" not in repr(good)
    times_ms = closed_loop.measure(good, 2, 0.2)
    assert len(times_ms) > 2 and times_ms.min() > 0
    with pytest.raises(StackError, match=r"the clients of /bad ended: .*503"):
        closed_loop.measure(Question("127.0.0.1", port, "/bad", b"{}", "secret"), 1, 0.2)
