"""Kafka: one process that is broker and controller."""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

import yaml

from pitwall import logs
from pitwall.errors import StackError
from pitwall.kafka.clients import jaas_text
from pitwall.local.servers.server import Server
from pitwall.machine import certificates
from pitwall.machine.files import write_private
from pitwall.machine.java import java
from pitwall.machine.ports import port_open
from pitwall.settings import Settings


def kafka_properties(settings: Settings, data: Path) -> dict[str, object]:
    """The broker's configuration, with its data in the folder `data`."""
    host, protocol = settings.host, settings.kafka_protocol
    address = f"{host}:{settings.kafka_port}"
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{host}:{settings.kafka_controller_port}",
        "listeners": f"{protocol}://{address},CONTROLLER://{host}:{settings.kafka_controller_port}",
        "advertised.listeners": f"{protocol}://{settings.kafka_advertised or address}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": f"CONTROLLER:PLAINTEXT,{protocol}:{protocol}",
        "inter.broker.listener.name": protocol,
        "log.dirs": data,
        "num.partitions": settings.kafka_partitions,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        "log.retention.hours": 48,
        "log.segment.bytes": 268435456,
        "message.max.bytes": 67108864,
        "replica.fetch.max.bytes": 67108864,
        **(_security(settings) if settings.tls else {}),
    }


def _security(settings: Settings) -> dict[str, object]:
    """TLS with the stack's certificate, and one user who logs in with a password."""
    user = jaas_text(settings.kafka_user)
    password = jaas_text(settings.secret("kafka").get_secret_value())
    # The option that lets a user in is named after the user, in quotes like the user's name.
    option = jaas_text(f"user_{settings.kafka_user}")
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": certificates.server_certificate(settings).both,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": settings.authority,
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": (
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f"username={user} password={password} {option}={password};"
        ),
    }


def properties_text(properties: dict[str, object]) -> str:
    """The lines of a Java properties file, in which a backslash begins an escape."""
    return "".join(
        f"{key}={str(value).replace(chr(92), chr(92) * 2)}\n" for key, value in properties.items()
    )


def cluster_id(random: bytes) -> str:
    """A cluster id in Kafka's form, 22 characters, from 16 random bytes.

    It begins with a letter: Kafka's tool would take a leading dash for an option.
    """
    return "a" + base64.urlsafe_b64encode(random).decode().rstrip("=")[1:]


def _command(settings: Settings) -> list[str]:
    """Write the configuration, format the storage before the first start, return the command."""
    data = settings.data_dir / "kafka"
    conf = settings.home_dir / "conf" / "kafka.properties"
    conf.parent.mkdir(parents=True, exist_ok=True)
    properties = kafka_properties(settings, data)
    write_private(conf, properties_text(properties).encode())
    main = java(
        "kafka",
        settings,
        "-Xms256m",
        "-Xmx384m",
        "-XX:+UseSerialGC",
        f"-Dlog4j2.configurationFile={_log4j(settings)}",
    )
    if not (data / "meta.properties").exists():
        tool = [*main, "kafka.tools.StorageTool", "format", "--ignore-formatted"]
        new_id = cluster_id(uuid.uuid4().bytes)
        result = subprocess.run(
            [*tool, "-t", new_id, "-c", str(conf)], capture_output=True, text=True
        )
        if result.returncode:
            reason = (result.stderr or result.stdout).strip()[-300:]
            raise StackError(f"Kafka's storage in {data} could not be formatted: {reason}")
    return [*main, "kafka.Kafka", str(conf)]


def _log4j(settings: Settings) -> Path:
    path = settings.home_dir / "conf" / "log4j2.yaml"
    layout = {"name": "out", "PatternLayout": {"pattern": logs.log4j(settings)}}
    configuration = {
        "Appenders": {"Console": layout},
        "Loggers": {"Root": {"level": "WARN", "AppenderRef": {"ref": "out"}}},
    }
    path.write_text(yaml.safe_dump({"Configuration": configuration}))
    return path


def _ready(settings: Settings) -> bool:
    if not port_open(settings.host, settings.kafka_port):
        return False
    from confluent_kafka import KafkaException

    from pitwall.kafka.clients import admin

    try:
        return bool(admin(settings).list_topics(timeout=2).brokers)
    except KafkaException:
        return False


def _create_topics(settings: Settings) -> None:
    from pitwall.kafka.topics import create_topics

    create_topics(settings)


KAFKA = Server(
    "kafka",
    _command,
    _ready,
    setting="kafka_port",
    more_ports=("kafka_controller_port",),
    first_ready=_create_topics,
    package="org.apache.kafka:kafka_2.13",
)
