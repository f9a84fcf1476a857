"""How clients reach Kafka: librdkafka and the Java client."""

from __future__ import annotations

from confluent_kafka.admin import AdminClient

from pitwall.settings import Settings


def _quiet(*_: object) -> None:
    """librdkafka logs refused connections while a broker starts; callers report them themselves."""


def client_config(settings: Settings) -> dict[str, object]:
    """Settings every Kafka client shares."""
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


SHADED = "org.apache.flink.kafka.shaded.org.apache.kafka.common"
"""Where Flink's connector keeps its Kafka."""


def java_client_config(settings: Settings, classes: str = SHADED) -> dict[str, str]:
    """The same for the jobs' clients, whose `classes` are in that package. The password stays in its file, which they read."""
    security = settings.kafka_protocol
    config = {"bootstrap.servers": settings.bootstrap_servers}
    if security != "PLAINTEXT":
        config["security.protocol"] = security
    if security.endswith("SSL"):
        config |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(settings.authority)}
    if security.startswith("SASL"):
        file = settings.secret_file("kafka", settings.secret("kafka"))
        module = (
            "plain.PlainLoginModule"
            if settings.kafka_mechanism == "PLAIN"
            else "scram.ScramLoginModule"
        )
        config |= {
            "sasl.mechanism": settings.kafka_mechanism,
            "sasl.jaas.config": f'{classes}.security.{module} required username="{settings.kafka_user}" '
            f'password="${{file:{file.parent}:{file.name}}}";',
            "config.providers": "file",
            "config.providers.file.class": f"{classes}.config.provider.DirectoryConfigProvider",
        }
    return config


def admin(settings: Settings) -> AdminClient:
    """A Kafka administration client."""
    return AdminClient(client_config(settings))
