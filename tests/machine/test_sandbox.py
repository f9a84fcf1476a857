"""A sandbox's ports stay free until their servers start."""

from __future__ import annotations

import socket

from pitwall.machine.sandbox import PORTS_OF_CONNECTIONS, free_ports


def test_no_port_is_given_twice_or_taken_already() -> None:
    with socket.socket() as taken:
        (port,) = free_ports(1)
        taken.bind(("127.0.0.1", port))
        others = free_ports(60) + free_ports(60)
    assert len({port, *others}) == 121


def test_no_outgoing_connection_takes_a_port_before_its_server_starts() -> None:
    first = int(PORTS_OF_CONNECTIONS.read_text().split()[0])
    assert all(20_000 <= port < first for port in free_ports(50))
