"""Two nodes of Cassandra, each with every row: the one all clients came by is killed in the midst
of a lap.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import yaml
from waiting import wait

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.errors import StoreError
from pitwall.local.servers.table import SERVERS
from pitwall.local.stack import Stack
from pitwall.machine import processes as process
from pitwall.machine.sandbox import sandbox
from pitwall.serving.reader import FeatureReader
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import Connection
from pitwall.stores.environment import child_environment
from pitwall.stores.history import HistoryReader

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SECOND = "127.0.0.2"
EVERYWHERE = "{'class': 'SimpleStrategy', 'replication_factor': 2}"


def answers(settings: Settings, **options: Any) -> bool:
    try:
        session = connect(settings, Connection(**options))
        rows = session.execute("SELECT count(*) FROM system_auth.roles").one()
        session.cluster.shutdown()
        return bool(rows)
    except Exception:
        return False


@pytest.fixture
def nodes() -> Iterator[tuple[Settings, Stack]]:
    """A stack whose Cassandra has a second node, told to the clients by
    `feature_store.yaml` alone.
    """
    from pitwall.machine import jars
    from pitwall.stores.repository import apply

    with sandbox(checkpoint_interval_s="1", replication=EVERYWHERE) as settings:
        jars.fetch(settings.cache_dir / "m2")
        with Stack(settings) as stack:
            stack.start(["kafka", "cassandra"])
            owner = connect(settings, Connection())
            # Cassandra reads its default superuser's login by a quorum; two of two are all nodes.
            owner.execute(
                "CREATE ROLE team WITH PASSWORD = 'team' AND LOGIN = true AND SUPERUSER = true"
            )
            owner.execute(f"ALTER KEYSPACE system_auth WITH replication = {EVERYWHERE}")
            owner.cluster.shutdown()
            store = settings.feature_repo / "feature_store.yaml"
            whole = yaml.safe_load(store.read_text())
            whole["online_store"] |= {
                "hosts": [settings.host, SECOND],
                "data_center": "datacenter1",
                "username": "team",
                "password": "team",
            }
            store.write_text(yaml.safe_dump(whole))
            other = settings.model_copy(
                update={"host": SECOND, "home_dir": settings.home_dir / "second"}
            )
            # A single node starts without waiting for another one; this one has to hear of the
            # first.
            command = [
                each.replace("ring_delay_ms=0", "ring_delay_ms=5000")
                for each in SERVERS["cassandra"].command(other)
            ]
            path = other.home_dir / "conf" / "cassandra.yaml"
            seeds = [
                {
                    "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
                    "parameters": [{"seeds": f"{settings.host}:{settings.cassandra_storage_port}"}],
                }
            ]
            path.write_text(
                yaml.safe_dump(
                    yaml.safe_load(path.read_text())
                    | {"initial_token": str(-(2**62)), "seed_provider": seeds}
                )
            )
            with (settings.log_dir / "cassandra-2.log").open("wb") as log:
                second = subprocess.Popen(
                    command,
                    env=child_environment(settings),
                    stdout=log,
                    stderr=log,
                    preexec_fn=process.die_with_parent,
                )
            try:
                wait(
                    lambda: answers(settings, hosts=[SECOND]),
                    120,
                    (settings.log_dir / "cassandra-2.log").read_text,
                )
                apply(settings)
                stack.start(["flink"])
                yield settings, stack
            finally:
                process.end([second.pid])
                second.wait()


def test_reads_and_writes_go_on_when_a_node_is_killed(nodes: tuple[Settings, Stack]) -> None:
    settings, stack = nodes
    whole = simulate(laps=1, seed=11, hz=50.0)
    ticks = 1500
    lap = Session(
        whole.vehicle,
        "20260101-000000-nodes",
        whole.names,
        whole.units,
        whole.times_s[:ticks],
        whole.values[:ticks],
    )
    car = threading.Thread(target=produce, args=(settings, [lap]), daemon=True)
    car.start()
    reader = FeatureReader(settings)

    def newest() -> datetime | None:
        row = reader.read(lap.vehicle, lap.session, ("speed",))
        return None if row is None else row.event_time

    wait(lambda: newest() is not None, 60, lambda: "the first row")
    failed: list[StoreError] = []
    seen: list[tuple[float, datetime]] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.wait(0.02):
            try:
                at = newest()
                assert at is not None
                if not seen or seen[-1][1] != at:
                    seen.append((time.monotonic(), at))
            except StoreError as error:
                failed.append(error)

    reading = threading.Thread(target=read)
    reading.start()
    wait(lambda: len(seen) > 100, 60, "rows before the kill")
    node = process.find(settings.run_dir, "cassandra")
    assert node is not None and node.process is not None
    node.process.kill()
    killed = time.monotonic()
    assert process.wait_gone(node, 20)
    car.join()
    last = datetime(2026, 1, 1, tzinfo=UTC).timestamp() + float(lap.times_s[-1])
    try:
        wait(
            lambda: seen[-1][1].timestamp() >= last - 1e-3,
            90,
            lambda: f"the last row; the newest is {seen[-1][1]}",
        )
    finally:
        stop.set()
        reading.join()
    assert not failed
    assert sum(at > killed for at, _ in seen) > 100
    with HistoryReader(settings) as history:
        wait(
            lambda: len(history.read(lap.vehicle, lap.session, "SPEED").values) >= ticks,
            30,
            lambda: "the history",
        )
        told = history.read(lap.vehicle, lap.session, "SPEED")
    assert np.array_equal(np.sort(told.values), np.sort(lap.channel("Speed")))
    stack.start(["cassandra"])
    wait(lambda: answers(settings), 60, lambda: "the node that was killed")
    reader.close()
