"""Options of Spark's Cassandra connector: addresses, login and TLS."""

from __future__ import annotations

from typing import Any

from pitwall.settings import Settings
from pitwall.stores.cassandra.options import Tls, configured, login, tls

STORE_PASSWORD = "pitwall"
"""Password of the stores below. Java asks for one; the same files are readable beside them."""
CIPHERS = "TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256," + ",".join(
    f"TLS_ECDHE_{key}_WITH_AES_{size}"
    for key in ("ECDSA", "RSA")
    for size in ("256_GCM_SHA384", "128_GCM_SHA256")
)
"""TLS ciphers. No server of today accepts those that the connector names by itself."""


def cassandra_options(settings: Settings) -> dict[str, str]:
    """The connector's options: those of `feature_store.yaml`, the local stack's for all others.

    Their names are without the prefix `spark.cassandra.`.
    """
    configuration = configured(settings)
    account, secured = login(settings, configuration, "job"), tls(settings, configuration)
    options = {
        "connection.host": ",".join(configuration.hosts or [settings.host]),
        "connection.port": str(configuration.port or settings.cassandra_port),
        "auth.username": account.username,
        "auth.password": account.password.get_secret_value(),
        "output.consistency.level": configuration.write_consistency,
    }
    if configuration.data_center:
        options["connection.localDC"] = configuration.data_center
    if secured is not None:
        options |= {
            f"connection.ssl.{key}": value for key, value in _stores(settings, secured).items()
        }
    return options


def _stores(settings: Settings, secured: Tls) -> dict[str, str]:
    """TLS options of the connector, with the PEM files written into stores that Java reads.

    The connector trusts a server by its authority alone; it does not check the host name.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12

    folder = settings.home_dir / "conf" / "spark"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    encryption = serialization.BestAvailableEncryption(STORE_PASSWORD.encode())

    def write(name: str, data: bytes) -> str:
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(data)
        return str(path)

    authorities = (
        x509.load_pem_x509_certificates((settings.feature_repo / secured.ca).read_bytes())
        if secured.ca
        else []
    )
    trusted = [
        pkcs12.PKCS12Certificate(certificate, f"ca-{i}".encode())
        for i, certificate in enumerate(authorities)
    ]
    options = {"enabled": "true", "enabledAlgorithms": CIPHERS}
    if trusted:
        path = write("trust.p12", pkcs12.serialize_java_truststore(trusted, encryption))
        options |= {
            "trustStore.path": path,
            "trustStore.type": "PKCS12",
            "trustStore.password": STORE_PASSWORD,
        }
    if secured.certificate and secured.key:
        first, *chain = x509.load_pem_x509_certificates(
            (settings.feature_repo / secured.certificate).read_bytes()
        )
        key: Any = serialization.load_pem_private_key(
            (settings.feature_repo / secured.key).read_bytes(), None
        )
        path = write(
            "own.p12", pkcs12.serialize_key_and_certificates(b"own", key, first, chain, encryption)
        )
        options |= {
            "clientAuth.enabled": "true",
            "keyStore.path": path,
            "keyStore.type": "PKCS12",
            "keyStore.password": STORE_PASSWORD,
        }
    return options
