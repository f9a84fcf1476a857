"""Processes: who holds a port, who is alive, and who ends with whom."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pitwall.errors import PortTaken
from pitwall.machine import processes as process
from pitwall.machine.ports import check_port_free


def test_a_taken_port_is_named_with_the_setting() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} for kafka is taken.*PITWALL_KAFKA_PORT"):
            check_port_free("127.0.0.1", port, "PITWALL_KAFKA_PORT", "kafka")


def test_a_record_of_an_ended_process_is_not_taken_for_running(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process.record(tmp_path, "kafka", child.pid, 1)
    assert process.find(tmp_path, "kafka") is not None
    process.end([child.pid])
    child.wait()
    assert process.find(tmp_path, "kafka") is None


def test_a_child_ends_with_its_killed_parent(tmp_path: Path) -> None:
    script = (
        "import sys, time, os; from pathlib import Path; "
        "from pitwall.machine.processes import spawn\n"
        f"c = spawn('x', [sys.executable, '-c', 'import time; time.sleep(60)'], "
        f"Path({str(tmp_path / 'x.log')!r}), dict(os.environ), Path('/'))\n"
        "print(c.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = process.record(tmp_path, "x", int(parent.stdout.readline()), None)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert process.wait_gone(child, 5)
