"""Checks of servers and arguments before a command begins."""

from __future__ import annotations

from urllib.parse import urlsplit

from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings


def need_kafka(settings: Settings) -> None:
    """Raise `PitwallError` when no broker answers, local or elsewhere."""
    brokers = settings.bootstrap_servers.split(",")
    if not any(_answers(f"//{broker.strip()}", 9092) for broker in brokers):
        remedy = "see PITWALL_KAFKA_SERVERS" if settings.kafka_servers else "start it: ./pitwall up"
        raise PitwallError(f"Kafka at {settings.bootstrap_servers} does not answer; {remedy}")


def _answers(url: str, default_port: int) -> bool:
    """Whether something accepts connections at this URL's host and port."""
    from pitwall.machine.ports import port_open

    try:
        address = urlsplit(url)
        return port_open(address.hostname or "", address.port or default_port)
    except (ValueError, OSError):
        return False


def need_cassandra(settings: Settings) -> None:
    """Raise `PitwallError` when no node answers: those that `feature_store.yaml` names, or ours."""
    from pitwall.stores.cassandra.options import configured

    options = configured(settings)
    port = options.port or settings.cassandra_port
    nodes = [f"{host}:{port}" for host in options.hosts or [settings.host]]
    if not any(_answers(f"//{node}", port) for node in nodes):
        remedy = (
            f"see online_store.hosts in {settings.feature_repo / 'feature_store.yaml'}"
            if options.hosts
            else "start it: ./pitwall up"
        )
        raise PitwallError(f"Cassandra at {', '.join(nodes)} does not answer; {remedy}")


def need_server(settings: Settings, name: str) -> None:
    """Raise `PitwallError` when this server of the stack does not answer."""
    from pitwall.local.servers.table import SERVERS

    if not SERVERS[name].ready(settings):
        raise PitwallError(
            f"{name} at {SERVERS[name].url(settings)} does not answer; start it: ./pitwall up"
        )


def need_mlflow(settings: Settings) -> None:
    """Raise `PitwallError` when MLflow does not answer, local or elsewhere."""
    from pitwall.local.servers.table import SERVERS

    if not SERVERS["mlflow"].ready(settings):
        remedy = "see PITWALL_MLFLOW_SERVER" if settings.mlflow_server else "start it: ./pitwall up"
        raise PitwallError(f"mlflow at {settings.mlflow_url} does not answer; {remedy}")


def need_registry(settings: Settings) -> None:
    """Raise `PitwallError` when the model registry or its store of artifacts does not answer."""
    need_mlflow(settings)
    if settings.mlflow_artifacts.startswith("s3:") and not _answers(
        settings.s3_url, 443 if settings.s3_url.startswith("https") else 80
    ):
        remedy = "see PITWALL_S3_SERVER" if settings.s3_server else "start it: ./pitwall up"
        raise PitwallError(f"s3 at {settings.s3_url} does not answer; {remedy}")


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
