"""What the local stack knows of each of its servers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

from pitwall.machine import jar_lock
from pitwall.settings import Settings


def python_module(name: str) -> Callable[[Settings], list[str]]:
    """The command of a server that is a module of ours, run by this Python."""
    return lambda settings: [sys.executable, "-m", name]


def http_address(setting: str) -> Callable[[Settings], str]:
    """The URL of a server that speaks HTTP without TLS on the port of that settings field."""
    return lambda settings: f"http://{settings.host}:{getattr(settings, setting)}"


@dataclass(frozen=True)
class Server:
    """One process of the local stack."""

    name: str
    command: Callable[[Settings], list[str]]
    """Writes the server's configuration files and returns its command line."""
    ready: Callable[[Settings], bool]
    """Whether the server answers now."""
    setting: str = ""
    """The settings field that holds the server's port; empty for a server without one."""
    more_ports: tuple[str, ...] = ()
    """Settings fields of further ports that must be free before the server starts."""
    address: Callable[[Settings], str] | None = None
    """The server's URL; None for a server whose clients take `host:port`."""
    needs: tuple[str, ...] = ()
    """Names of the servers that must be ready before this one starts."""
    first_ready: Callable[[Settings], None] = lambda settings: None
    """Runs once the server answers and before it counts as up. Running it again is harmless."""
    by_default: bool = True
    """Whether `up` without names starts the server."""
    package: str = ""
    """What the server's version is that of: a Maven `group:artifact` of `jar_lock`, or else a
    Python distribution."""
    product: str = ""
    """The name shown before the version, where it differs from the server's."""

    @property
    def version(self) -> str:
        """Product and version as a person reads them; empty where the package is not installed."""
        if ":" in self.package:
            number = jar_lock.version(self.package)
        else:
            try:
                number = metadata.version(self.package)
            except metadata.PackageNotFoundError:
                return ""
        return f"{self.product} {number}".strip()

    def port(self, settings: Settings) -> int | None:
        """The port that the server listens on, or None."""
        return getattr(settings, self.setting) if self.setting else None

    def url(self, settings: Settings) -> str:
        """The URL or `host:port` for persons and clients; empty for a server without a port."""
        if not self.setting:
            return ""
        if self.address is not None:
            return self.address(settings)
        return f"{settings.host}:{self.port(settings)}"
