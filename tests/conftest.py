"""Shared fixtures: the real laps, and one real local stack for all integration tests."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pitwall.settings import Settings

pytest_plugins = ["dryrun"]

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("PITWALL_SHARED", ROOT.parent / "shared"))


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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


PORTS = ("kafka", "kafka_controller", "cassandra", "cassandra_storage", "s3", "mlflow", "flink", "serving", "page")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A copy of what the tools read, with its own state and ports."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("feature_repo", "flink_jobs", "serving", "training"):
        shutil.copytree(ROOT / name, folder / name)
    before = dict(os.environ)
    os.environ["PITWALL_REPOSITORY"] = str(folder)
    os.environ["PITWALL_HOME"] = str(folder / ".pitwall")
    for name in PORTS:
        os.environ[f"PITWALL_{name.upper()}_PORT"] = str(free_port())
    os.environ["PITWALL_CHECKPOINT_INTERVAL_S"] = "2"
    yield Settings()
    os.environ.clear()
    os.environ.update(before)
