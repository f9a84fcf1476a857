"""Checks of servers and arguments before a command begins."""

from __future__ import annotations

from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings


def need_kafka(settings: Settings) -> None:
    """Raise `PitwallError` when Kafka does not answer."""
    from pitwall.machine.ports import port_open

    if not port_open(settings.host, settings.kafka_port):
        raise PitwallError(
            f"Kafka at {settings.bootstrap_servers} does not answer; start it: ./pitwall up"
        )


def need_server(settings: Settings, name: str) -> None:
    """Raise `PitwallError` when this server of the stack does not answer."""
    from pitwall.local.servers.table import SERVERS

    if not SERVERS[name].ready(settings):
        raise PitwallError(
            f"{name} at {SERVERS[name].url(settings)} does not answer; start it: ./pitwall up"
        )


def need_registry(settings: Settings) -> None:
    """Raise `PitwallError` when the model registry or its store of artifacts does not answer."""
    need_server(settings, "mlflow")
    if settings.mlflow_artifacts.startswith("s3:"):
        need_server(settings, "s3")


def replay_speed(text: str) -> float | None:
    """The value of `--speed`: times real time, None for `max`. Raises `UsageError`."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0
    if not 0 < speed < 1e6:
        raise UsageError(f"--speed is {text!r}; give a number above 0 (times real time), or max")
    return speed
