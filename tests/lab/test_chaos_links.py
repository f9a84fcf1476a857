"""Proxies between clients and servers delay, silence and drop; a process has a clock of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import wait

from pitwall.lab.chaos.knobs import Knobs
from pitwall.lab.chaos.links import Link, Links
from pitwall.machine.sandbox import free_ports


@pytest.fixture
def link() -> Iterator[Link]:
    """A proxy before a server that sends back what it hears."""
    port, to_port = free_ports(2)
    server = socket.create_server(("127.0.0.1", to_port))

    def echo(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1 << 20):
                    connection.sendall(data)
            except OSError:
                pass

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    with Links({"server": Link("127.0.0.1", port, to_port)}) as links:
        yield links["server"]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def client(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), timeout=20)


def hear(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(1 << 20)
        assert piece, "the connection was closed"
        data += piece
    return data


def test_a_link_passes_on_every_byte(link: Link) -> None:
    message = bytes(range(256)) * 10_000
    with client(link) as connection:
        threading.Thread(target=connection.sendall, args=(message,), daemon=True).start()
        assert hear(connection, len(message)) == message


def test_the_end_of_either_side_reaches_the_other_after_its_last_byte(link: Link) -> None:
    with client(link) as connection:
        connection.sendall(b"last words")
        connection.shutdown(socket.SHUT_WR)
        assert hear(connection, 10) == b"last words" and connection.recv(100) == b""


def test_a_far_link_takes_its_time_in_both_directions(link: Link) -> None:
    link.delay_s = 0.1
    with client(link) as connection:
        begun_s = time.monotonic()
        connection.sendall(b"hello")
        assert hear(connection, 5) == b"hello" and time.monotonic() - begun_s >= 0.2


def test_a_mute_server_is_heard_once_it_may_speak_again(link: Link) -> None:
    with client(link) as connection:
        connection.sendall(b"one")
        assert hear(connection, 3) == b"one"
        link.mute(True)
        connection.settimeout(0.3)
        connection.sendall(b"two")
        with pytest.raises(TimeoutError):
            connection.recv(100)
        link.mute(False)
        connection.settimeout(20)
        assert hear(connection, 3) == b"two"


def test_a_dropped_connection_is_reset_and_a_new_one_works(link: Link) -> None:
    with client(link) as connection:
        connection.sendall(b"one")
        assert hear(connection, 3) == b"one"
        link.drop()
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    with client(link) as connection:
        connection.sendall(b"two")
        assert hear(connection, 3) == b"two"


def test_without_a_server_a_connection_ends(link: Link) -> None:
    link.to_port = free_ports(1)[0]
    with pytest.raises(ConnectionResetError), client(link) as connection:
        connection.recv(100)


PROGRAM = """
import os, sys, time
print(os.getpid(), flush=True)
for line in sys.stdin:
    began = time.monotonic()
    with open(sys.argv[1], "wb", buffering=0) as file:
        file.write(b"x")
        os.fsync(file.fileno())
    print(time.time(), time.monotonic() - began, flush=True)
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: cc is not installed")
def test_knobs_set_the_clock_and_the_disk_of_one_process(tmp_path: Path) -> None:
    knobs = Knobs(tmp_path / "knobs")
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, tmp_path / "file"],
        env=knobs.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        pid = int(process.stdout.readline())
        wait(lambda: (tmp_path / "knobs" / str(pid)).exists(), 10)

        def ask() -> tuple[float, float]:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            now_s, seconds = map(float, process.stdout.readline().split())
            return now_s - time.time(), seconds

        assert abs(ask()[0]) < 30
        knobs.turn([pid], ahead_s=-300, write_s=0.2, sync_s=0.3)
        ahead_s, seconds = ask()
        assert -330 < ahead_s < -270 and seconds >= 0.5
        knobs.turn([pid], ahead_s=300)
        assert 270 < ask()[0] < 330
        knobs.turn([pid])
        assert abs(ask()[0]) < 30
        process.stdin.close()


def test_without_a_compiler_knobs_say_why_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    knobs = Knobs(tmp_path / "knobs")
    assert knobs.refused == "cc is not installed" and not knobs.environment
