"""A session is deleted from Cassandra, the archive and the offline store, and from nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from shared_stack import SharedStack
from stored_sessions import drive, store

from pitwall.features import load
from pitwall.operations.archive import Archive, Record
from pitwall.operations.sessions import Held, holdings
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import keyspace_of
from pitwall.stores.history import read
from pitwall.stores.names import HISTORY_TABLE, online_table
from pitwall.stores.offline.marks import change, marks

pytestmark = pytest.mark.integration
GONE, STAYS = "everywhere-gone", "everywhere-stays"
TOPIC = "everywhere-20260101-120000"
"""Not of the pattern that the features job reads."""
NOW_US = 1_767_268_800_000_000


@pytest.fixture(scope="module")
def servers(shared_stack: SharedStack) -> Settings:
    return shared_stack.start("cassandra", "s3")


def write_cassandra(settings: Settings, vehicle: str, session: str) -> None:
    """A row online, and 70 s of one channel in the history, with event times as timestamps."""
    (view,) = [view for view in load(settings.feature_repo) if view.name == "car_state"]
    cassandra: Any = connect(settings, keyspace=keyspace_of(settings))
    try:
        cassandra.execute(
            f'INSERT INTO "{online_table("pitwall", view.name)}" '
            f'(vehicle, session, event_timestamp, created_timestamp, "{view.names[0]}") '
            f"VALUES (%s, %s, %s, %s, 1.5) USING TIMESTAMP {NOW_US}",
            (vehicle, session, NOW_US // 1000, NOW_US // 1000),
        )
        insert = (
            f"INSERT INTO {HISTORY_TABLE} "
            "(vehicle, session, bucket, start_us, digest, times_us, channels) "
            "VALUES (%s, %s, %s, %s, 0, %s, %s) USING TIMESTAMP "
        )
        for second in range(70):
            start_us, minute = second * 1_000_000, second // 60
            value = {"SPEED": np.array([float(second)], "<f8").tobytes()}
            times = np.array([start_us], "<i8").tobytes()
            key = (vehicle, session, minute, start_us)
            cassandra.execute(insert + str(NOW_US + start_us), (*key, times, value))
        for minute in (0, 1):
            key = (vehicle, session, -(2**31), minute)
            cassandra.execute(insert + str(NOW_US), (*key, b"", {}))
    finally:
        cassandra.cluster.shutdown()


def message(offset: int, *sessions: tuple[str, str]) -> Record:
    value = [{"VehicleId": v, "SessionId": s, "Timestamp": offset / 50} for v, s in sessions]
    return Record(NOW_US // 1000, 0, offset, None, orjson.dumps(value), ())


def delete(held: list[Held], key: tuple[str, str]) -> None:
    for one in held:
        if one.key == key:
            one.delete()


def test_a_session_leaves_every_store_and_the_others_keep_every_row(servers: Settings) -> None:
    settings, gone, stays = servers, ("car", GONE), ("car", STAYS)
    for session in (GONE, STAYS):
        store(settings, session, [drive(80)])
        write_cassandra(settings, "car", session)
        change(settings, ("car", session), add=["wet"])
    write_cassandra(settings, "bus", GONE)
    archive = Archive(settings)
    archive.write(TOPIC, 0, [message(offset, gone) for offset in range(10)])
    mixed = [message(n, *([gone, stays][n % 2 :])) for n in range(10, 20)]
    damaged = Record(NOW_US // 1000, 0, 20, None, b"\x00damaged", ())
    archive.write(TOPIC, 0, [*mixed, damaged])

    before = holdings(settings, session=GONE)
    assert not before.silent
    rows = {(one.store, one.vehicle): one.rows for one in before.held}
    assert rows == {
        ("offline", "car"): 800,
        ("online", "car"): 1,
        ("online", "bus"): 1,
        ("history", "car"): 72,
        ("history", "bus"): 72,
        ("archive", "car"): 15,
    }
    delete(before.held, gone)

    after = holdings(settings, session=GONE)
    assert {one.key for one in after.held} == {("bus", GONE)}
    kept = {one.store: one.rows for one in holdings(settings, session=STAYS).held}
    assert kept == {"offline": 800, "online": 1, "history": 72, "archive": 10}
    assert len(read(settings, "car", STAYS, "SPEED").values) == 70
    assert len(read(settings, "bus", GONE, "SPEED").values) == 70
    assert len(read(settings, "car", GONE, "SPEED").values) == 0
    # The parts keep their names, so that a later run does not archive the records again.
    assert [(part.first, part.last) for part in archive.parts(TOPIC)] == [(0, 9), (10, 20)]
    left = list(archive.records(TOPIC))
    assert [record.offset for record in left] == list(range(10, 21))
    assert left[-1].value == b"\x00damaged"
    assert all(GONE.encode() not in (record.value or b"") for record in left)
    assert marks(settings)["car", STAYS].tags == {"wet"}

    # A later row of the session is not hidden by the deletion.
    write_later = NOW_US + 3_600_000_000
    cassandra: Any = connect(settings, keyspace=keyspace_of(settings))
    table = online_table("pitwall", "car_state")
    cassandra.execute(
        f'INSERT INTO "{table}" (vehicle, session, event_timestamp) VALUES (%s, %s, %s) '
        f"USING TIMESTAMP {write_later}",
        (*gone, write_later // 1000),
    )
    cassandra.cluster.shutdown()
    (online,) = holdings(settings, ["online"], GONE).held[:1]
    again = [one for one in holdings(settings, ["online"], GONE).held if one.key == gone]
    assert online and [one.rows for one in again] == [1]
    delete(again, gone)
    assert not [one for one in holdings(settings, ["online"], GONE).held if one.key == gone]
