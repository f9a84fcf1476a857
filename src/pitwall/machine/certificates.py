"""The local stack's own authority and the certificate its servers show, made at first use."""

from __future__ import annotations

import ipaddress
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pitwall.settings import Settings

DAYS = 3650


class Shown(NamedTuple):
    """What a server shows: PEM files. `both` holds key and certificate, as Kafka and Cassandra read them."""

    certificate: Path
    key: Path
    both: Path


def shown(settings: Settings) -> Shown:
    """The certificate that settings name, else one of the stack's own authority, whose certificate is `settings.authority`."""
    folder = settings.home_dir / "secrets"
    both = folder / "server.pem"
    if settings.certificate is not None and settings.certificate_key is not None:
        _write(
            both, settings.certificate_key.read_bytes() + b"\n" + settings.certificate.read_bytes()
        )
        return Shown(settings.certificate, settings.certificate_key, both)
    made = Shown(folder / "server.crt", folder / "server.key", both)
    if not all(path.exists() for path in (*made, folder / "ca.pem")):
        _make(settings, made, folder / "ca.pem")
    return made


def trust(settings: Settings) -> ssl.SSLContext | None:
    """What endpoint and page are verified with; None where they speak in clear."""
    return ssl.create_default_context(cafile=settings.authority) if settings.tls else None


def _make(settings: Settings, made: Shown, authority: Path) -> None:
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
            x509.SubjectAlternativeName([host, *(each for each in local if each != host)]),
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
    # The authority's key is not kept: it signs this once.
    for path, content in (
        (authority, ca.public_bytes(pem)),
        (made.certificate, certificate.public_bytes(pem)),
        (made.key, key_pem),
        (made.both, key_pem + certificate.public_bytes(pem)),
    ):
        _write(path, content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
