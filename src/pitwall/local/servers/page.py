"""The page."""

from __future__ import annotations

from pitwall.local.servers.server import Server, python_module
from pitwall.machine import certificates
from pitwall.machine.ports import http_ok

PAGE = Server(
    "page",
    python_module("pitwall.page.run"),
    lambda settings: http_ok(f"{settings.page_url}/health", certificates.trust(settings)),
    setting="page_port",
    address=lambda settings: settings.page_url,
    needs=("kafka",),
    package="nicegui",
    product="nicegui",
)
