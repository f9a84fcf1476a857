"""The end of a process that leaves its connection to Cassandra open."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys, threading, time
from cassandra.cluster import Cluster
from pitwall.stores.cassandra.connect import close_at_exit

cluster = Cluster(["127.0.0.1"], protocol_version=5)
if sys.argv[1] == "closed":
    close_at_exit(cluster)

def again():
    cluster.scheduler.schedule(0.001, again)

again()
# Python joins this thread after it has ended the pools of threads, and before `atexit`.
threading.Thread(target=time.sleep, args=(1,)).start()
"""


@pytest.mark.parametrize("ending", ["left open", "closed"])
def test_the_drivers_scheduler_ends_before_the_pools_of_threads(ending: str) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, ending],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    said = "cannot schedule new futures after" in result.stderr
    assert said == (ending == "left open"), result.stderr
