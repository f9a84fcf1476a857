"""The local stack's own certificate authority, and the certificate that its servers show."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pitwall.machine.files import write_private
from pitwall.settings import Settings

DAYS = 3650
"""How long a certificate made here is valid."""


class ServerCertificate(NamedTuple):
    """PEM files of the certificate that a server shows.

    `both` holds key and certificate, as Kafka and Cassandra read them.
    """

    certificate: Path
    key: Path
    both: Path


def server_certificate(settings: Settings) -> ServerCertificate:
    """The certificate that the settings name, or else one that the stack makes at first use.

    The latter is signed by the stack's own authority, whose certificate is `settings.authority`.
    """
    folder = settings.home_dir / "secrets"
    both = folder / "server.pem"
    if settings.certificate is not None and settings.certificate_key is not None:
        key, certificate = settings.certificate_key, settings.certificate
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(both, key.read_bytes() + b"\n" + certificate.read_bytes())
        return ServerCertificate(certificate, key, both)
    made = ServerCertificate(folder / "server.crt", folder / "server.key", both)
    if not all(path.exists() for path in (*made, folder / "ca.pem")):
        _make(settings, made, folder / "ca.pem")
    return made


def trust(settings: Settings) -> ssl.SSLContext | None:
    """How a client verifies the endpoint and the page; None where they do not speak TLS."""
    return ssl.create_default_context(cafile=settings.authority) if settings.tls else None


def _make(settings: Settings, made: ServerCertificate, authority: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC) - timedelta(days=1)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    base = (
        x509.CertificateBuilder()
        .issuer_name(name("pitwall"))
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=DAYS))
    )
    ca = (
        base.subject_name(name("pitwall"))
        .public_key(ca_key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        # Of the nine uses only numbers 5 and 6: to sign certificates and revocation lists.
        .add_extension(x509.KeyUsage(*(use in (5, 6) for use in range(9))), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    try:
        host: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(settings.host))
    except ValueError:
        host = x509.DNSName(settings.host)
    local = [
        x509.DNSName("localhost"),
        *(x509.IPAddress(ipaddress.ip_address(f"127.0.0.{n}")) for n in (1, 2, 3)),
    ]
    certificate = (
        base.subject_name(name(settings.host))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(
            x509.SubjectAlternativeName([host, *(name for name in local if name != host)]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    key_pem = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # The authority's key is not kept, because it signs nothing else.
    authority.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path, content in (
        (authority, ca.public_bytes(pem)),
        (made.certificate, certificate.public_bytes(pem)),
        (made.key, key_pem),
        (made.both, key_pem + certificate.public_bytes(pem)),
    ):
        write_private(path, content)
