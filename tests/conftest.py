"""Shared fixtures: the real laps, and one real local stack for all integration tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from paths import SHARED

from pitwall.machine.sandbox import sandbox
from pitwall.settings import Settings

pytest_plugins = ["dryrun"]


@pytest.fixture(scope="session")
def laps_dir() -> Path:
    folder = SHARED / "data" / "laps"
    if not folder.exists():
        pytest.skip(f"no real laps in {folder}; set PITWALL_SHARED")
    return folder


@pytest.fixture(scope="session")
def exports_dir() -> Path:
    folder = SHARED / "data" / "vpp-csv"
    if not folder.exists():
        pytest.skip(f"no exports in {folder}; set PITWALL_SHARED")
    return folder


@pytest.fixture(scope="session")
def checkout() -> Iterator[Settings]:
    """A copy of what the tools read, with its own state and ports."""
    with sandbox(checkpoint_interval_s="2") as settings:
        yield settings


@pytest.fixture(scope="module")
def cassandra(checkout: Settings) -> Iterator[Settings]:
    """Cassandra alone, on the state of `checkout`."""
    from pitwall.local.stack import Stack
    from pitwall.machine import jars

    jars.fetch(checkout.cache_dir / "m2")
    with Stack(checkout) as servers:
        servers.start(["cassandra"])
        yield checkout
