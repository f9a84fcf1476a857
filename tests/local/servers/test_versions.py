"""The versions that `./pitwall status` shows are those that run."""

from __future__ import annotations

import re

from pitwall.local.servers.table import SERVERS


def test_every_server_shows_the_version_that_runs() -> None:
    for server in SERVERS.values():
        if server.package != "pyspark":
            assert re.fullmatch(r"([a-z0-9]+ )?\d+(\.\d+)+", server.version), server.name
