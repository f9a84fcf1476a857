"""Servers that get on are waited for, however slow the machine is; one that stands still is not."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import wait

from pitwall.errors import StackError
from pitwall.local import progress as module
from pitwall.local.progress import StartProgress
from pitwall.local.restart import restart
from pitwall.local.servers.server import Server
from pitwall.local.servers.table import SERVERS
from pitwall.local.stack import Stack
from pitwall.machine import processes
from pitwall.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path, disk_least_gb=0)
    settings.run_dir.mkdir()
    settings.log_dir.mkdir()
    return settings


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def sleeper(settings: Settings) -> Iterator[None]:
    process = subprocess.Popen(["sleep", "600"])
    processes.record(settings.run_dir, "kafka", process.pid, None)
    yield
    process.kill()
    process.wait()


def test_a_log_that_grows_is_progress(
    settings: Settings, clock: list[float], sleeper: None
) -> None:
    progress = StartProgress(settings)
    assert progress.still_for_s(["kafka"]) == 0
    clock[0] += 100
    assert progress.still_for_s(["kafka"]) == 100
    (settings.log_dir / "kafka.log").write_text("loading\n")
    assert progress.still_for_s(["kafka"]) == 0
    clock[0] += 50
    assert progress.still_for_s(["kafka"]) == 50
    progress.note()
    assert progress.still_for_s(["kafka"]) == 0
    clock[0] += module.LONGEST_S
    assert progress.still_for_s(["kafka"]) == float("inf")


def test_a_process_that_computes_gets_on(settings: Settings) -> None:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        processes.record(settings.run_dir, "kafka", process.pid, None)
        progress = StartProgress(settings)
        progress.still_for_s(["kafka"])
        limit_s = time.monotonic() + 60
        progress._moved_s -= 1000
        while progress.still_for_s(["kafka"]) > 100:
            assert time.monotonic() < limit_s
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()


def one_server(settings: Settings, monkeypatch: pytest.MonkeyPatch, body: str) -> Path:
    """A server `one` that runs `body`, and is ready while its file is there."""
    ready = settings.run_dir / "one.ready"
    program = f"import os, pathlib, sys, time; {body}"
    one = Server(
        "one",
        lambda settings: [sys.executable, "-c", program, str(ready)],
        lambda s: ready.exists(),
    )
    monkeypatch.setitem(SERVERS, "one", one)
    return ready


def test_a_server_that_stands_still_is_given_up_and_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, sleeper: None
) -> None:
    one_server(settings, monkeypatch, "time.sleep(600)")
    (settings.run_dir / "kafka.json").rename(settings.run_dir / "one.json")
    with pytest.raises(StackError, match="one neither answered nor got on for 1 s"):
        Stack(settings).start(["one"], 1)


def test_restart_refuses_what_does_not_run_and_what_there_is_not(settings: Settings) -> None:
    with pytest.raises(StackError, match=r"kafka does not run; start it: ./pitwall up kafka"):
        restart(Stack(settings), "kafka")
    with pytest.raises(StackError, match="unknown server 'nothing'; known: kafka"):
        restart(Stack(settings), "nothing")


def test_restart_ends_one_server_and_starts_it_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor is played by this process: it starts what `Stack` asks it to start."""
    ready = one_server(settings, monkeypatch, "pathlib.Path(sys.argv[1]).touch(); time.sleep(600)")
    started: list[subprocess.Popen[bytes]] = []

    def spawn(stack: Stack, names: list[str]) -> None:
        assert names == ["one"]
        started.append(subprocess.Popen(SERVERS["one"].command(settings)))
        processes.record(settings.run_dir, "one", started[-1].pid, None)

    monkeypatch.setattr(Stack, "_start_supervisor", spawn)
    monkeypatch.setattr("pitwall.local.restart.NOTED_S", 0.2)
    told: list[tuple[str, str]] = []
    stack = Stack(settings, lambda name, state: told.append((name, state)))
    try:
        stack.start(["one"], 60)
        wait(ready.exists, 20)
        restart(stack, "one")
        assert started[0].wait(20) is not None and started[1].poll() is None
        running = processes.find(settings.run_dir, "one")
        assert running is not None and running.pid == started[1].pid
        up = [("one", "starting"), ("one", "up")]
        assert told == [*up, ("one", "ending"), *up]
    finally:
        for process in started:
            process.kill()
            process.wait()
