"""Shared fixtures: the real laps and the shared stack. And which tests run in which process."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from paths import SHARED
from shared_stack import SharedStack

from pitwall.errors import JarError
from pitwall.machine import jars
from pitwall.settings import Settings

pytest_plugins = ["dryrun"]

SHARED_GROUP = "shared-stack"
LONGEST_FIRST = (
    "test_job",
    "test_endpoint",
    SHARED_GROUP,
    "test_chain",
    "test_models",
    "test_two_nodes",
    "test_vehicles",
    "test_security",
    "simulation",
    "messages",
    "golden",
    "operator",
    "feast",
)
"""Groups of tests, the longest first, so that the processes end at about the same time.

A group not named here comes after these, and the tests in no group come last.
"""

_NEEDS_SERVERS = re.compile(r"^pytestmark = .*pytest\.mark\.integration", re.MULTILINE)
_shared = SharedStack()


def pytest_configure(config: pytest.Config) -> None:
    """Fetch the jars before the processes start: two at a time would write the same files."""
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        with suppress(JarError):  # The tests that need jars say what is wrong.
            jars.fetch(Settings().cache_dir / "m2")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave modules unread that need servers as a whole where no such test is to run.

    They import Feast, MLflow and BentoML, which takes longer than many tests.
    """
    if config.option.markexpr == "not integration" and collection_path.suffix == ".py":
        return bool(_NEEDS_SERVERS.search(collection_path.read_text())) or None
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests that need servers by stack, and put the longest groups first.

    One process runs a whole group (`--dist loadgroup`), so each stack is started once. A module
    without servers names a group where its fixtures take longer than its tests. All other tests
    follow one by one wherever a process is free.
    """
    for item in items:
        if item.get_closest_marker("integration") and not item.get_closest_marker("xdist_group"):
            shares = "shared_stack" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group(SHARED_GROUP if shares else item.path.stem))
    order = {group: place for place, group in enumerate(LONGEST_FIRST)}
    groups = list(dict.fromkeys(map(_group, items)))
    groups.sort(key=lambda group: order.get(group, len(order)) if group else len(order) + 1)
    places = {group: place for place, group in enumerate(groups)}
    # The page lists all sessions of the stack, so its tests come before those that add strange
    # ones.
    items.sort(key=lambda item: (places[_group(item)], item.path.parent.name != "page"))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the shared stack after the last test of its group."""
    if _group(item) == SHARED_GROUP and (nextitem is None or _group(nextitem) != SHARED_GROUP):
        _shared.close()


def _group(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    return str(marker.args[0]) if marker else ""


@pytest.fixture(autouse=True)
def _free_stdout() -> Iterator[None]:
    """Give standard output back, where the test ran a command that reserved it for JSON."""
    yield
    if (terminal := sys.modules.get("pitwall.cli.terminal")) is not None:
        terminal._reserved.clear()


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
def shared_stack() -> SharedStack:
    """The stack that test modules share; `shared_stack.start("flink")` gives its settings."""
    return _shared


@pytest.fixture(scope="module")
def cassandra(shared_stack: SharedStack) -> Settings:
    """Settings of the shared stack, with Cassandra running."""
    return shared_stack.start("cassandra")


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack) -> Settings:
    """Settings of the shared stack, with the features job running."""
    return shared_stack.start("flink")
