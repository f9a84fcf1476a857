"""Whether a port is free, open, or answers HTTP."""

from __future__ import annotations

import socket
import ssl
import time
import urllib.request

import psutil

from pitwall.errors import PortTaken


def port_open(host: str, port: int) -> bool:
    """Whether something accepts connections on that port within 0.5 s."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


DYING_S = 10.0
"""So long a port may stay taken that no process holds: its process is just ending."""


def check_port_free(host: str, port: int, setting: str, name: str) -> None:
    """Raise `PortTaken` unless the port can be bound, now or once the process ended that held it.

    The message names the process that holds the port and the setting for another one.
    """
    until = time.monotonic() + DYING_S
    while not can_bind(host, port):
        holder = holder_of(port)
        if holder or time.monotonic() > until:
            raise PortTaken(
                f"port {port} for {name} is taken{holder}; free it or set {setting} to another "
                f"port (for instance {setting}={port + 100})"
            )
        time.sleep(0.1)


def can_bind(host: str, port: int) -> bool:
    """Whether a server could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def holder_of(port: int) -> str:
    """The process that listens on the port, as words for a message; "" if none can be seen."""
    for connection in psutil.net_connections("tcp"):
        if (
            connection.status == psutil.CONN_LISTEN
            and connection.laddr.port == port
            and connection.pid
        ):
            try:
                process = psutil.Process(connection.pid)
                if process.status() != psutil.STATUS_ZOMBIE:
                    return f" by process {connection.pid} ({process.name()})"
            except psutil.NoSuchProcess:
                continue
    return ""


def http_ok(url: str, tls: ssl.SSLContext | None = None) -> bool:
    """Whether a GET of `url` is answered with status 200 within two seconds."""
    try:
        with urllib.request.urlopen(url, timeout=2, context=tls) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
