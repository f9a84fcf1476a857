"""Where the endpoint listens, and with which certificate; how our own clients trust it."""

from __future__ import annotations

import ssl
from typing import Any

from pitwall.errors import UsageError
from pitwall.machine import certificates
from pitwall.settings import Settings


def options(settings: Settings) -> dict[str, Any]:
    """Options of BentoML's service, so that it keeps to the settings wherever it is started.

    Raises `UsageError` for a certificate or key that cannot be used.
    """
    found: dict[str, Any] = {
        "http": {"host": settings.serving_host or settings.host, "port": settings.serving_port},
        # The endpoint's own time limit comes first and answers with a code.
        "traffic": {"timeout": settings.request_timeout_s + 5},
    }
    certificate, key = settings.serving_certificate, settings.serving_key
    if certificate is None and key is None and settings.tls:
        shown = certificates.server_certificate(settings)
        certificate, key = shown.certificate, shown.key
    if certificate is None and key is None:
        return found
    for name, path in (("serving_certificate", certificate), ("serving_key", key)):
        if path is None or not path.is_file():
            raise UsageError(
                f"PITWALL_{name.upper()} is {str(path or '')!r}, which is no file; "
                "TLS needs a certificate and its key, both in PEM form"
            )
    assert certificate is not None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise UsageError(
            f"PITWALL_SERVING_CERTIFICATE {certificate} and PITWALL_SERVING_KEY {key} "
            f"are no pair in PEM form ({error})"
        ) from None
    found["ssl"] = {
        "enabled": True,
        "certfile": str(certificate.absolute()),
        "keyfile": str(key.absolute()) if key else None,
    }
    return found


def trust(settings: Settings) -> ssl.SSLContext | bool:
    """The argument `verify` of an HTTP client that asks the endpoint.

    `PITWALL_SERVING_CA` comes first, then the endpoint's own certificate, then the stack's
    authority. Raises `UsageError` for a file that holds no certificate.
    """
    ca = settings.serving_ca or settings.serving_certificate
    if ca is None:
        return certificates.trust(settings) or True
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"PITWALL_SERVING_CA is {str(ca)!r}, and holds no certificate in PEM form ({error})"
        ) from None
