"""Whether a port is free, open, or answers HTTP."""

from __future__ import annotations

import socket
import ssl
import urllib.request

import psutil

from pitwall.errors import PortTaken


def port_open(host: str, port: int) -> bool:
    """Whether something accepts connections on that port within 0.5 s."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def check_port_free(host: str, port: int, setting: str, name: str) -> None:
    """Raise `PortTaken` unless the port can be bound.

    The message names the process that holds the port and the setting for another one.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            return
        except OSError:
            pass
    holder = ""
    for connection in psutil.net_connections("tcp"):
        if (
            connection.status == psutil.CONN_LISTEN
            and connection.laddr.port == port
            and connection.pid
        ):
            try:
                holder = f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
            except psutil.NoSuchProcess:
                pass
    raise PortTaken(
        f"port {port} for {name} is taken{holder}; free it or set {setting} to another port "
        f"(for instance {setting}={port + 100})"
    )


def http_ok(url: str, tls: ssl.SSLContext | None = None) -> bool:
    """Whether a GET of `url` is answered with status 200 within two seconds."""
    try:
        with urllib.request.urlopen(url, timeout=2, context=tls) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
