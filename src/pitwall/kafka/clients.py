"""How clients reach Kafka: the configuration of librdkafka's clients and of Java's."""

from __future__ import annotations

from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from pitwall.errors import UsageError
from pitwall.settings import Settings


def _quiet(*_: object) -> None:
    """Drop an error: librdkafka reports each refused connection, its callers raise theirs."""


def client_config(settings: Settings) -> dict[str, object]:
    """The options that every librdkafka client shares: addresses, TLS, login, no own logs."""
    security = settings.kafka_protocol
    config: dict[str, object] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "error_cb": _quiet,
        "log_level": 0,
    }
    if security != "PLAINTEXT":
        config["security.protocol"] = security
    if security.endswith("SSL"):
        config["ssl.ca.location"] = str(settings.authority)
    if security.startswith("SASL"):
        password = settings.secret("kafka").get_secret_value()
        config |= {
            "sasl.mechanism": settings.kafka_mechanism,
            "sasl.username": settings.kafka_user,
            "sasl.password": password,
        }
    return config


def jaas_text(text: str) -> str:
    """A text in double quotes, as Java's login configuration (JAAS) takes it.

    Raises `UsageError` for a text with a line break, which no such file can hold.
    """
    if len(text.splitlines()) > 1 or text.endswith(("\n", "\r")):
        raise UsageError("a user or password of Kafka holds a line break; give one without")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


SHADED = "org.apache.flink.kafka.shaded.org.apache.kafka.common"
"""Package of the Kafka client inside Flink's connector."""


def java_client_config(settings: Settings, classes: str = SHADED) -> dict[str, str]:
    """The same options for a job's Java clients, whose package is `classes`.

    The password is not among them: the client reads it from its file.
    """
    security = settings.kafka_protocol
    config = {"bootstrap.servers": settings.bootstrap_servers}
    if security != "PLAINTEXT":
        config["security.protocol"] = security
    if security.endswith("SSL"):
        config |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(settings.authority)}
    if security.startswith("SASL"):
        # The client puts the file's content between the quotes, so it is escaped in the file.
        escaped = jaas_text(settings.secret("kafka").get_secret_value())[1:-1]
        file = settings.secret_file("kafka", SecretStr(escaped))
        module = (
            "plain.PlainLoginModule"
            if settings.kafka_mechanism == "PLAIN"
            else "scram.ScramLoginModule"
        )
        config |= {
            "sasl.mechanism": settings.kafka_mechanism,
            "sasl.jaas.config": f"{classes}.security.{module} required "
            f"username={jaas_text(settings.kafka_user)} "
            f'password="${{file:{file.parent}:{file.name}}}";',
            "config.providers": "file",
            "config.providers.file.class": f"{classes}.config.provider.DirectoryConfigProvider",
        }
    return config


def admin(settings: Settings) -> AdminClient:
    """A client that creates, describes and deletes topics."""
    return AdminClient(client_config(settings))
