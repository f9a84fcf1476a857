"""Child processes that end with their parent, and the record of what runs."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def die_with_parent(sig: int = signal.SIGTERM) -> None:
    """Ask the kernel to send `sig` to this process when the thread that started it ends (Linux)."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, sig)


@dataclass(frozen=True)
class Running:
    """One process of the stack: name, id, start time (s since the epoch) and port, or None."""

    name: str
    pid: int
    started: float
    port: int | None

    @property
    def process(self) -> psutil.Process | None:
        """The live process, or None when it has ended or another process has its id now."""
        try:
            process = psutil.Process(self.pid)
            if (
                abs(process.create_time() - self.started) < 1.0
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                return process
        except psutil.NoSuchProcess:
            pass
        return None

    def memory_mb(self) -> float:
        """Resident memory of the process and its children, MB."""
        process = self.process
        if process is None:
            return 0.0
        total = 0
        for member in (process, *process.children(recursive=True)):
            try:
                total += member.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total / 1e6


def record(run_dir: Path, name: str, pid: int, port: int | None) -> Running:
    """Write down that `pid` runs as `name`."""
    running = Running(name, pid, psutil.Process(pid).create_time(), port)
    run_dir.mkdir(parents=True, exist_ok=True)
    temporary = run_dir / f".{name}.{os.getpid()}"
    temporary.write_text(json.dumps(asdict(running)))
    temporary.replace(run_dir / f"{name}.json")
    return running


def find(run_dir: Path, name: str) -> Running | None:
    """The running process recorded as `name`, or None."""
    try:
        running = Running(**json.loads((run_dir / f"{name}.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return running if running.process is not None else None


def spawn(
    name: str, command: list[str], log: Path, env: dict[str, str], cwd: Path
) -> subprocess.Popen[bytes]:
    """Start `command` with its output in `log`; it gets SIGTERM when this process ends.

    The child has a process group of its own, so that Ctrl-C reaches the supervisor only.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            process_group=0,
            preexec_fn=die_with_parent,
        )


def end(pids: list[int], patience_s: float = 15.0) -> None:
    """End processes and their children: SIGTERM, then SIGKILL after `patience_s`."""
    family: dict[int, psutil.Process] = {}
    for pid in pids:
        try:
            process = psutil.Process(pid)
            for member in (process, *process.children(recursive=True)):
                family[member.pid] = member
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs([p for p in family.values() if p.pid in pids], timeout=patience_s)
    rest = [p for p in family.values() if p.is_running()]
    for process in rest:
        try:
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(rest, timeout=3)
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(alive, timeout=3)


def wait_gone(running: Running, timeout_s: float) -> bool:
    """Whether the process ended within `timeout_s`."""
    limit = time.monotonic() + timeout_s
    while time.monotonic() < limit:
        if running.process is None:
            return True
        time.sleep(0.05)
    return running.process is None


def last_line(log: Path) -> str:
    """The last line of a log that names an error, or else its last line; at most 300 characters."""
    try:
        lines = [
            line.strip()
            for line in log.read_text(errors="replace").splitlines()[-200:]
            if line.strip()
        ]
    except FileNotFoundError:
        return "no log"
    errors = [
        line
        for line in lines
        if any(word in line for word in ("Error", "ERROR", "Exception", "error:"))
    ]
    return (errors or lines or ["empty log"])[-1][:300]
