"""A UDP port as a source of packets."""

from __future__ import annotations

import socket

from pitwall.errors import StackError

LARGEST = 65_535
RECEIVE_BUFFER = 4 << 20
"""Bytes that the system may keep for us; it gives fewer where its limit is lower."""


class UdpSource:
    """Packets that come to a UDP port. UDP does not tell when a packet is lost on the way."""

    def __init__(self, host: str, port: int) -> None:
        self.name = f"UDP port {host}:{port}"
        self._address = (host, port)
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, also where port 0 was asked for."""
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    def open(self) -> None:
        """Listen. Raises `StackError` where the port cannot be had."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_DGRAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            listener.bind(self._address)
        except OSError as error:
            listener.close()
            raise StackError(
                f"{self.name} cannot be listened on ({error.strerror or error}); "
                "give another --port or --host"
            ) from error
        self._socket = listener

    def take(self, timeout_s: float) -> bytes | None:
        """The next packet, None when none came. Raises `StackError` when the socket is gone."""
        assert self._socket is not None
        self._socket.settimeout(timeout_s)
        try:
            return self._socket.recv(LARGEST)
        except TimeoutError:
            return None
        except OSError as error:
            raise StackError(f"{self.name} cannot be read ({error.strerror or error})") from error

    def close(self) -> None:
        """Listen no more."""
        listener, self._socket = self._socket, None
        if listener is not None:
            listener.close()
