"""What a command asks of its servers and of its arguments before it begins."""

from __future__ import annotations

from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings


def need_kafka(settings: Settings) -> None:
    """Raise `PitwallError` where no Kafka answers."""
    from pitwall.machine.ports import port_open

    if not port_open(settings.host, settings.kafka_port):
        raise PitwallError(
            f"Kafka at {settings.bootstrap_servers} does not answer; start it: ./pitwall up"
        )


def need_server(settings: Settings, name: str) -> None:
    """Raise `PitwallError` where this server of the stack does not answer."""
    from pitwall.local.servers.table import SERVERS

    if not SERVERS[name].ready(settings):
        raise PitwallError(
            f"{name} at {SERVERS[name].url(settings)} does not answer; start it: ./pitwall up"
        )


def need_registry(settings: Settings) -> None:
    """Raise `PitwallError` where the model registry or the store of its artifacts is away."""
    need_server(settings, "mlflow")
    if settings.mlflow_artifacts.startswith("s3:"):
        need_server(settings, "s3")


def replay_speed(text: str) -> float | None:
    """The option `--speed`: times real time, or None for `max`. Raises `UsageError`."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0
    if not 0 < speed < 1e6:
        raise UsageError(f"--speed is {text!r}; give a number above 0 (times real time), or max")
    return speed
