"""The Cassandra sink: nothing stays of a start that failed, and its metrics leave no row out."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil
import pytest
from java_trial import running, trial

from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import Connection, login

DAY_MS = 86_400_000
HISTOGRAM = "sinks.cassandra.HistogramTrial"


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


@contextmanager
def nobody() -> Iterator[int]:
    """A port at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("server", [silent_server, nobody])
def test_a_start_that_waits_for_cassandra_ends_when_it_is_interrupted(
    server: Callable[[], AbstractContextManager[int]], tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    with server() as port:
        target = (f"127.0.0.1:{port}", "job", str(password), "pitwall")
        with running("sinks.cassandra.SinkTrial", *target, "interrupt") as (_, line):
            assert line == ["ended", "0"]


@pytest.fixture(scope="module")
def target(cassandra: Settings) -> tuple[str, ...]:
    """Address, user, password file and keyspace of the job."""
    account = login(cassandra, Connection(), "job")
    return (
        f"{cassandra.host}:{cassandra.cassandra_port}",
        account.username,
        str(cassandra.secret_file("cassandra_job", account.password)),
        cassandra.keyspace,
    )


@pytest.mark.integration
def test_a_start_that_fails_leaves_no_connection_and_no_thread(
    cassandra: Settings, target: tuple[str, ...]
) -> None:
    with running("sinks.cassandra.SinkTrial", *target, "refused") as (pid, line):
        connections = [
            connection
            for connection in psutil.Process(pid).net_connections()
            if connection.raddr and connection.raddr.port == cassandra.cassandra_port
        ]
        assert (line, connections) == (["ended", "0"], [])


@pytest.fixture
def table(cassandra: Settings) -> Iterator[str]:
    """A table of the sink's own kind, which the job may write."""
    session = connect(cassandra, keyspace=cassandra.keyspace)
    try:
        session.execute(
            "CREATE TABLE sink_trial (vehicle text, session text, event_timestamp timestamp, "
            "created_timestamp timestamp, speed double, PRIMARY KEY ((vehicle, session)))"
        )
        yield "sink_trial"
        session.execute("DROP TABLE sink_trial")
    finally:
        session.cluster.shutdown()


@pytest.mark.integration
def test_freshness_counts_every_row_however_old(target: tuple[str, ...], table: str) -> None:
    [[written, count, p50, longest, longest_gauge]] = trial(
        "sinks.cassandra.WriterTrial", *target, table, "old"
    )
    assert (written, count) == ("5", "5")
    assert 1_500 <= float(p50) < 60_000
    assert float(longest) == float(longest_gauge) == pytest.approx(DAY_MS, rel=0.02)


@pytest.mark.integration
def test_a_row_that_cannot_be_written_fails_the_job_instead_of_waiting_for_ever(
    target: tuple[str, ...], table: str
) -> None:
    [line] = trial("sinks.cassandra.WriterTrial", *target, table, "unwritable")
    assert " ".join(line) == (
        "rows cannot be written to Cassandra: a column of type DECIMAL(10, 2) cannot be written to "
        "Cassandra"
    )


def test_a_row_stands_for_those_whose_place_it_took() -> None:
    """Each line: name, event time of the row that is written, oldest Kafka time of it, of all."""
    assert trial("sinks.cassandra.PendingRowsTrial") == [
        ["alone", "1", "1000", "1000"],
        ["newer_replaces_older", "3", "2000", "2000"],
        ["late_one_is_not_written", "5", "3000", "3000"],
        ["not_acknowledged", "6", "4000", "4000"],
        ["stands_for_it", "7", "4000", "4000"],
    ]


def test_the_histogram_has_every_value_of_the_last_minute_from_all_threads() -> None:
    """Each line: name, count since the start, size, p50, p99, p99.9, least, greatest."""
    lines = {line[0]: [float(word) for word in line[1:]] for line in trial(HISTOGRAM)}
    assert lines["empty"][:2] == [0, 0] and lines["empty"][2] != lines["empty"][2]
    assert lines["together"][:2] == [400_000, 400_000]
    assert lines["together"][2:] == pytest.approx([50_000, 99_000, 99_900, 1, 100_000], rel=0.01)
    with_one_more = [400_002, 400_002, 50_000, 99_000, 99_900, 0, 3_600_000]
    for name in ("one_of_an_hour", "after_59_s"):
        assert lines[name] == pytest.approx(with_one_more, rel=0.01)
    assert lines["after_71_s"] == [400_003, 1, 7, 7, 7, 7, 7]
