"""When a server counts as started: not by a mark of an earlier process, nor before it can be."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import wait

from pitwall.local import stack as stack_module
from pitwall.local.servers.server import Server
from pitwall.local.servers.table import SERVERS
from pitwall.local.stack import Stack
from pitwall.local.supervisor import _Supervisor
from pitwall.machine import processes
from pitwall.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path)
    settings.run_dir.mkdir()
    return settings


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_ready_mark_of_a_killed_process_does_not_count_for_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = settings.run_dir / "marker.ready"
    program = "import pathlib, sys; pathlib.Path(sys.argv[1]).touch(); input()"
    begin = settings.run_dir / "begin"
    os.mkfifo(begin)
    command = ["sh", "-c", 'read line < "$0"; exec "$@"', str(begin)]
    marker = Server(
        "marker",
        lambda settings: [*command, sys.executable, "-c", program, str(mark)],
        lambda settings: mark.exists(),
    )
    monkeypatch.setitem(SERVERS, "marker", marker)
    mark.touch()
    supervisor = _Supervisor(settings, ["marker"])
    supervisor.start_possible()
    try:
        assert processes.find(settings.run_dir, "marker") is not None
        assert not marker.ready(settings)
        begin.write_text("go\n")
        wait(lambda: marker.ready(settings), 20)
    finally:
        supervisor.end_all()


def test_a_server_that_waits_for_another_has_not_ended(
    settings: Settings, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the other one takes, within the patience."""
    ready_s = time.monotonic() + 1.0

    def first_is_ready(settings: Settings) -> bool:
        if time.monotonic() < ready_s:
            return False
        processes.record(settings.run_dir, "second", sleeper.pid, None)
        return True

    def command(settings: Settings) -> list[str]:
        return []

    first = Server("first", command, first_is_ready)
    second = Server("second", command, lambda settings: True, needs=("first",))
    monkeypatch.setitem(SERVERS, "first", first)
    monkeypatch.setitem(SERVERS, "second", second)
    monkeypatch.setattr(stack_module, "SPAWN_S", 0.3)
    monkeypatch.setattr(Stack, "begin", lambda self, names: list(names))
    processes.record(settings.run_dir, "first", sleeper.pid, None)
    up: list[tuple[str, str]] = []
    stack = Stack(settings, lambda name, state: up.append((name, state)))
    stack._supervisors.append(sleeper)
    stack.start(["second"], patience_s=20)
    assert up[-2:] == [("first", "up"), ("second", "up")]
