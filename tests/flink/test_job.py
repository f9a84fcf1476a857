"""The features job on a standalone cluster, under what a race weekend does to data and to
processes.

Every session sent here is the same drive under another name, so all must give the rows the operator
gives alone.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dryrun import MAX, Advance, Message, Run
from waiting import wait

from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.errors import PitwallError
from pitwall.features import load
from pitwall.features.topic import FeatureRows
from pitwall.flink import control, rest
from pitwall.flink import status as job_status
from pitwall.flink.submit import submit_from_child
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import create_topic, end_offsets
from pitwall.kafka.wire import TickEncoder
from pitwall.local.servers.table import SERVERS as KNOWN
from pitwall.local.stack import Stack
from pitwall.machine import processes as process
from pitwall.machine.sandbox import free_ports, sandbox
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

SERVERS = ["kafka", "cassandra", "s3", "jobmanager", "taskmanager"]
CHANNELS = (
    "LapDistance",
    "Speed",
    "Throttle",
    "Brake",
    "AccelerationLong",
    "AccelerationLat",
    "BatteryPower",
    "PositionX",
    "PositionZ",
    "AccelerationVert",
)
Rows = dict[int, bytes]
"""Values of each row, by microseconds since session start."""


@pytest.fixture(scope="module")
def drive() -> Session:
    """A lap and the beginning of the next, with a gap and NaN, so that laps, gaps and holes all
    count.
    """
    whole = simulate(laps=2, seed=11)
    columns = [whole.names.index(name) for name in CHANNELS]
    line = int(np.argmax(np.diff(whole.channel("LapDistance")) < -1000))
    part = slice(line - 1200, line + 600)
    values = whole.values[part][:, columns].copy()
    values[300:320, 1] = np.nan
    times = whole.times_s[part] - whole.times_s[part][0]
    times[900:] += 0.4
    return Session(
        "PERRINN 424",
        "",
        CHANNELS,
        tuple(whole.units[c] for c in columns),
        np.round(times, 6),
        values,
    )


def named(drive: Session, name: str, ticks: int | None = None, first: int = 0) -> Session:
    return Session(
        drive.vehicle,
        name,
        drive.names,
        drive.units,
        drive.times_s[first:ticks],
        drive.values[first:ticks],
    )


def encoded(session: Session) -> list[bytes]:
    encoder = TickEncoder(session.vehicle, session.session, session.names, session.units, 50.0)
    return [
        encoder.encode(t, row)
        for t, row in zip(session.times_s.tolist(), session.values.tolist(), strict=True)
    ]


@pytest.fixture(scope="module")
def truth(run: Run, drive: Session) -> Rows:
    """What reader, clock and features give without Flink."""
    features = load(Settings().feature_repo)[-1]
    session = named(drive, "20260101-000000-truth")
    at_ms = np.round(1_000_000 + session.times_s * 1000).astype(int).tolist()
    messages = [
        Message(value, ms, ms + 2, watermark=ms)
        for value, ms in zip(encoded(session), at_ms, strict=True)
    ]
    found = run(features, [*messages, Advance(at_ms[-1] + 5000, MAX)])
    assert not found.late and not found.bad
    return {t: values.tobytes() for t, values in found.rows[f"{session.vehicle}/{session.session}"]}


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[Settings, Stack]]:
    from pitwall.machine import jars
    from pitwall.stores.repository import apply

    with sandbox(
        checkpoint_interval_s="1",
        parallelism="2",
        checkpoint_url="s3://flink/tests",
        offline_url="s3://offline/tests",
    ) as settings:
        jars.fetch(settings.cache_dir / "m2")
        with Stack(settings) as servers:
            servers.start(["kafka", "cassandra", "s3"])
            apply(settings)
            servers.start(SERVERS)
            submit(settings)
            yield settings, servers


def submit(settings: Settings) -> None:
    submit_from_child(settings)
    wait(
        lambda: job_status.features_job_state(settings) == "RUNNING",
        60,
        lambda: str(job_status.features_job_state(settings)),
    )


def kill(settings: Settings, name: str) -> None:
    """kill -9 of one server, by its own id."""
    found = process.find(settings.run_dir, name)
    assert found is not None and found.process is not None
    for child in [*found.process.children(recursive=True), found.process]:
        child.kill()
    assert process.wait_gone(found, 20)
    wait(
        lambda: (settings.run_dir / f"{name}.ended").exists(),
        10,
        lambda: "the supervisor did not notice",
    )


class Car(threading.Thread):
    """Sends a session's messages in the given order, each at its time; keeps on while Kafka is
    away.
    """

    def __init__(
        self,
        settings: Settings,
        topic: str,
        partitions: int,
        session: Session,
        dice: random.Random,
        tricks: bool,
        speed: float,
    ):
        super().__init__(daemon=True)
        from confluent_kafka import Producer

        create_topic(settings, topic, partitions)
        self._producer = Producer(
            {
                **client_config(settings),
                "enable.idempotence": True,
                "delivery.timeout.ms": 300_000,
                "linger.ms": 0,
                "queue.buffering.max.messages": 100_000,
            }
        )
        self._topic, self._partitions, self._dice, self._speed = topic, partitions, dice, speed
        payloads, times = encoded(session), session.times_s.tolist()
        order = sorted(
            range(len(payloads)), key=lambda i: times[i] + (dice.uniform(0, 0.09) if tricks else 0)
        )
        twice = [k for i in order for k in ([i, i] if tricks and dice.random() < 0.1 else [i])]
        self._steps = [
            (max(times[i] for i in twice[: n + 1][-8:]) - times[0], payloads[i])
            for n, i in enumerate(twice)
        ]
        self.left = -1

    def run(self) -> None:
        started = time.monotonic()
        for offset_s, payload in self._steps:
            while (rest := started + offset_s / self._speed - time.monotonic()) > 0:
                self._producer.poll(min(rest, 0.05))
            partition = self._dice.randrange(self._partitions)
            self._producer.produce(self._topic, payload, partition=partition)
        self.left = self._producer.flush(300)


def settle(settings: Settings, sessions: dict[str, int], seconds: float = 180) -> dict[str, Rows]:
    """The rows of these sessions on the features topic, once each has so many.

    A row that is there twice must be the same twice.
    """
    from datetime import UTC, datetime

    from confluent_kafka import Consumer, TopicPartition

    starts = {
        s: round(datetime.strptime(s[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).timestamp() * 1e6)
        for s in sessions
    }
    found: dict[str, Rows] = {s: {} for s in sessions}
    reader = FeatureRows(settings)
    consumer = Consumer(
        {**client_config(settings), "group.id": "test", "enable.auto.commit": False}
    )
    consumer.assign(
        [
            TopicPartition(settings.features_topic, p, 0)
            for p in end_offsets(settings, settings.features_topic)
        ]
    )

    def done() -> bool:
        left = sum(
            end - at
            for end, at in zip(
                end_offsets(settings, settings.features_topic).values(), positions(), strict=True
            )
        )
        while left > 0:
            messages = consumer.consume(2000, timeout=10)
            assert messages, "Kafka gave nothing for 10 s"
            left -= len(messages)
            for row in reader.read(messages):
                if row.session in found:
                    time_us, values = row.event_us - starts[row.session], row.values.tobytes()
                    before = found[row.session].setdefault(time_us, values)
                    others = zip(row.names, np.frombuffer(before), row.values, strict=True)
                    assert before == values, (
                        row.session,
                        time_us,
                        [name for name, a, b in others if a != b and not (a != a and b != b)],
                    )
        return all(len(found[s]) >= count for s, count in sessions.items())

    def positions() -> list[int]:
        return [max(0, p.offset) for p in consumer.position(consumer.assignment())]

    try:
        wait(done, seconds, lambda: str({s: len(r) for s, r in found.items()}))
    finally:
        consumer.close()
    return found


def offline(settings: Settings, session: str) -> list[tuple[Any, ...]]:
    """(event time, features…) of each distinct row in the Parquet files, in order of time."""
    from pitwall.stores.offline.database import database
    from pitwall.stores.offline.files import files, recorded

    where = recorded(settings, "car_state")
    features = load(settings.feature_repo)[-1]
    names = ", ".join(f'"{name}"' for name in features.names)
    return (
        database(where)
        .execute(
            f"SELECT DISTINCT epoch_us(event_timestamp), {names} FROM "
            f"read_parquet(?, union_by_name = true, hive_partitioning = false) "
            "WHERE session = ? ORDER BY 1",
            [files(where), session],
        )
        .fetchall()
    )


def checked_everywhere(settings: Settings, sessions: dict[str, int], truth: Rows) -> None:
    """Each session's rows equal the operator's alone, once each, on the topic, in the offline and
    in the online store.
    """
    from pitwall.serving.reader import FeatureReader

    found = settle(settings, sessions)
    for session, count in sessions.items():
        wanted = dict(list(truth.items())[:count])
        assert found[session].keys() == wanted.keys(), session
        assert found[session] == wanted, session
    wait(
        lambda: all(len(offline(settings, s)) >= n for s, n in sessions.items()),
        60,
        lambda: str({s: len(offline(settings, s)) for s in sessions}),
    )
    reader = FeatureReader(settings)
    features = load(settings.feature_repo)[-1]
    try:
        for session, count in sessions.items():
            stored = offline(settings, session)
            assert len(stored) == count, session
            matrix = np.array(
                [[np.nan if v is None else v for v in row[1:]] for row in stored], dtype=np.float64
            )
            wanted_bytes = b"".join(list(truth.values())[:count])
            assert matrix.tobytes() == wanted_bytes, session
            row = reader.read("PERRINN 424", session, tuple(features.names))
            assert row is not None
            online = np.array([np.nan if v is None else v for v in row[2]], dtype=np.float64)
            assert online.tobytes() == list(truth.values())[count - 1], session
    finally:
        reader.close()


def test_same_session_same_features_whatever_happens(
    stack: tuple[Settings, Stack], drive: Session, truth: Rows
) -> None:
    """At full speed and live, over 1 and 8 partitions, shuffled and doubled, beside each other,
    through a kill of the task manager.
    """
    settings, servers = stack
    ticks = len(drive.times_s)
    names = {
        "max-1": "20260102-000000-max-1",
        "max-8": "20220302-000000-max-8",
        "tricks-8": "19990404-000000-tricks-8",
        "live-1": "20260105-000000-live-1",
        "live-8": "20230606-000000-live-8",
        "live-tricks": "20260107-000000-live-tricks",
    }
    cars = []
    for number, (kind, name) in enumerate(names.items()):
        partitions = 8 if kind.endswith("8") or kind == "live-tricks" else 1
        speed = 1.0 if kind.startswith("live") else 1000.0
        topic = f"{settings.telemetry_topic}-{name}"
        cars.append(
            Car(
                settings,
                topic,
                partitions,
                named(drive, name),
                random.Random(number),
                "tricks" in kind,
                speed,
            )
        )
    for car in cars:
        car.start()
    time.sleep(14)
    kill(settings, "taskmanager")
    servers.start(["taskmanager"])
    for car in cars:
        car.join()
        assert car.left == 0
    checked_everywhere(settings, dict.fromkeys(names.values(), ticks), truth)
    assert dead_letters(settings) == 0


def dead_letters(settings: Settings) -> int:
    return sum(end_offsets(settings, settings.dead_letters_topic).values())


def test_nothing_is_lost_when_kafka_cassandra_and_s3_are_away_for_a_minute(
    stack: tuple[Settings, Stack], drive: Session, truth: Rows
) -> None:
    settings, servers = stack
    name, ticks = "20260108-000000-away", len(drive.times_s)
    car = Car(
        settings,
        f"{settings.telemetry_topic}-{name}",
        2,
        named(drive, name),
        random.Random(1),
        False,
        0.5,
    )
    # The outage is what is tried here: the topic is read from before the first tick.
    time.sleep(8)
    car.start()
    time.sleep(6)
    for server in ("cassandra", "s3", "kafka"):
        kill(settings, server)
    told = job_status.describe(settings)
    assert told[0]["waits_for"] == ["kafka", "cassandra"]
    time.sleep(60)
    servers.start(["kafka", "cassandra", "s3"])
    car.join()
    assert car.left == 0
    checked_everywhere(settings, {name: ticks}, truth)
    assert dead_letters(settings) == 0


def test_a_lost_job_manager_costs_nothing_once_the_job_runs_again(
    stack: tuple[Settings, Stack], drive: Session, truth: Rows
) -> None:
    settings, servers = stack
    name, ticks = "20260109-000000-manager", len(drive.times_s)
    car = Car(
        settings,
        f"{settings.telemetry_topic}-{name}",
        1,
        named(drive, name),
        random.Random(1),
        False,
        1.0,
    )
    car.start()
    time.sleep(10)
    kill(settings, "jobmanager")
    kill(settings, "taskmanager")
    servers.start(["jobmanager", "taskmanager"])
    submit(settings)
    car.join()
    checked_everywhere(settings, {name: ticks}, truth)


@pytest.fixture
def second(stack: tuple[Settings, Stack]) -> Iterator[Callable[[], int]]:
    """Starts one more task manager beside the stack's; its process id."""
    settings = stack[0].model_copy(update={"flink_metrics_port": free_ports(1)[0]})
    started: list[subprocess.Popen[bytes]] = []

    def start() -> int:
        command = KNOWN["taskmanager"].command(settings)
        with (settings.log_dir / "taskmanager-2.log").open("wb") as log:
            environment = child_environment(settings, "taskmanager")
            started.append(
                subprocess.Popen(
                    command,
                    env=environment,
                    stdout=log,
                    stderr=log,
                    preexec_fn=process.die_with_parent,
                )
            )
        return started[0].pid

    yield start
    process.end([each.pid for each in started])
    for each in started:
        each.wait()


def where_it_runs(settings: Settings) -> set[str]:
    """The task managers that hold a part of the job."""
    job = rest.running(settings, "features")
    vertices = rest.get(settings, f"/jobs/{job}")["vertices"]
    tasks = [
        task
        for v in vertices
        for task in rest.get(settings, f"/jobs/{job}/vertices/{v['id']}")["subtasks"]
    ]
    return {task["taskmanager-id"] for task in tasks}


def test_the_job_grows_onto_a_second_task_manager_and_back_under_load(
    stack: tuple[Settings, Stack],
    drive: Session,
    truth: Rows,
    second: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings, _ = stack
    ticks = len(drive.times_s)
    names = [f"20260113-00000{n}-grows" for n in range(4)]
    cars = [
        Car(
            settings,
            f"{settings.telemetry_topic}-{n}",
            2,
            named(drive, n),
            random.Random(i),
            False,
            1.0,
        )
        for i, n in enumerate(names)
    ]
    for car in cars:
        car.start()
    time.sleep(5)
    assert len(where_it_runs(settings)) == 1
    more = second()
    wait(
        lambda: rest.get(settings, "/overview")["taskmanagers"] == 2,
        60,
        lambda: "the second task manager",
    )
    control.stop(settings, "features")
    monkeypatch.setenv("PITWALL_PARALLELISM", "4")
    submit(Settings())
    assert len(where_it_runs(settings)) == 2
    settle(settings, {n: 1000 for n in names})
    control.stop(settings, "features")
    process.end([more])
    monkeypatch.undo()
    submit(settings)
    for car in cars:
        car.join()
        assert car.left == 0
    checked_everywhere(settings, dict.fromkeys(names, ticks), truth)


@pytest.fixture
def definitions(stack: tuple[Settings, Stack]) -> Iterator[Path]:
    path = stack[0].feature_repo / "features.py"
    text = path.read_text()
    yield path
    path.write_text(text)


def test_a_new_feature_by_one_line_and_a_restart_of_the_job(
    stack: tuple[Settings, Stack], drive: Session, truth: Rows, definitions: Path
) -> None:
    """Stopped with a savepoint mid-session, run again with one feature more: the others go on bit
    for bit.
    """
    settings, _ = stack
    name, ticks, half = "20260110-000000-upgrade", len(drive.times_s), 900
    topic = f"{settings.telemetry_topic}-{name}"
    first = Car(settings, topic, 1, named(drive, name, half), random.Random(1), False, 1000.0)
    first.start()
    settle(settings, {name: half})
    pitwall = [sys.executable, "-m", "pitwall.cli.main"]
    stopped = subprocess.run(
        [*pitwall, "jobs", "stop", "features", "--json"], capture_output=True, text=True
    )
    assert stopped.returncode == 0, stopped.stderr
    assert json.loads(stopped.stdout)["savepoint"].startswith("s3://flink/tests/savepoints/")
    text = definitions.read_text()
    definitions.write_text(
        text.replace(
            "    session_time(),\n",
            '    session_time(),\n    rolling("Speed", ("range",), (5,)),\n',
            1,
        )
    )
    again = subprocess.run(
        [*pitwall, "jobs", "run", "features", "--cluster", settings.flink_url],
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0, again.stderr
    second = Car(
        settings, topic, 1, named(drive, name, first=half), random.Random(1), False, 1000.0
    )
    second.start()
    found = settle(settings, {name: ticks})[name]
    features = load(settings.feature_repo)[-1]
    place = features.names.index("speed_range_5s")
    speed, micros = drive.channel("Speed"), np.round(drive.times_s * 1e6).astype(np.int64)
    for i, (time_us, wanted) in enumerate(truth.items()):
        values = np.frombuffer(found[time_us])
        assert (
            np.delete(values, place).tobytes() == wanted if i >= half else found[time_us] == wanted
        )
        if i >= half + 1:
            window = speed[(micros <= time_us) & (micros > time_us - 5_000_000)]
            assert values[place] == np.nanmax(window) - np.nanmin(window)
    wait(lambda: len(offline(settings, name)) >= ticks, 60, lambda: "offline store")
    grown = [row[1 + place] for row in offline(settings, name)]
    assert grown[:half] == [None] * half and None not in grown[half + 1 :]
    from pitwall.serving.reader import FeatureReader

    reader = FeatureReader(settings)
    try:
        row = reader.read(drive.vehicle, name, ("speed_range_5s",))
        assert row is not None and row[2] == [grown[-1]]
    finally:
        reader.close()


REMEMBERED_MB = 1.2
"""What is kept of a thousand released sessions, so that their ticks are not given twice."""


def test_state_of_a_thousand_ended_sessions_is_released(
    stack: tuple[Settings, Stack], drive: Session
) -> None:
    settings, _ = stack
    control.stop(settings, "features")
    os.environ["PITWALL_SESSION_RELEASE_S"] = "5"
    released = Settings()
    submit(released)
    wait(
        lambda: job_status.describe(released)[0]["checkpoint_mb"] is not None,
        60,
        lambda: "no checkpoint",
    )
    before = size(released)
    sizes: list[float] = []
    sent = threading.Event()

    def watch() -> None:
        while not sent.wait(0.2):
            sizes.append(size(released))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    from confluent_kafka import Producer

    producer = Producer({**client_config(settings), "queue.buffering.max.messages": 200_000})
    create_topic(settings, f"{settings.telemetry_topic}-many", 2)
    for number in range(1000):
        session = f"20250101-{number // 60:02d}{number % 60:02d}00-many"
        for payload in encoded(named(drive, session, 60)):
            producer.produce(f"{settings.telemetry_topic}-many", payload)
        producer.poll(0)
    assert producer.flush(60) == 0
    first, *others = (f"20250101-{n // 60:02d}{n % 60:02d}00-many" for n in (0, 500, 999))
    settle(settings, {session: 60 for session in (first, *others)})
    letters = dead_letters(settings)
    # A session is released by what was read after it: another car drives on.
    name = "20260110-000000-drives-on"
    drives_on = Car(
        settings,
        f"{settings.telemetry_topic}-many",
        2,
        named(drive, name),
        random.Random(2),
        False,
        1.0,
    )
    drives_on.start()
    wait(
        lambda: max(sizes) > before + 2 and sizes[-1] <= before + REMEMBERED_MB,
        90,
        lambda: f"before {before}, then {sizes}",
    )
    for payload in encoded(named(drive, first, 60))[-10:]:
        producer.produce(f"{settings.telemetry_topic}-many", payload)
    assert producer.flush(60) == 0
    wait(
        lambda: dead_letters(settings) == letters + 10,
        30,
        lambda: f"{dead_letters(settings) - letters} of 10 ticks that come again are said",
    )
    sent.set()
    watcher.join()
    drives_on.join()
    found = settle(settings, {first: 60, name: len(drive.times_s)})
    assert len(found[first]) == 60


def size(settings: Settings) -> float:
    """MB of the newest checkpoint."""
    return float(job_status.describe(settings)[0]["checkpoint_mb"] or 0)


def test_prometheus_finds_the_jobs_metrics(stack: tuple[Settings, Stack]) -> None:
    import urllib.request

    settings, _ = stack
    text = (
        urllib.request.urlopen(
            f"http://{settings.host}:{settings.flink_metrics_port}/metrics", timeout=10
        )
        .read()
        .decode()
    )
    for name in ("ticks", "late", "duplicates", "dead_letters", "freshness_ms", "freshness_max_ms"):
        assert f"flink_taskmanager_job_task_operator_pitwall_{name}" in text, name


def test_a_backfill_equals_the_live_result(
    stack: tuple[Settings, Stack], drive: Session, truth: Rows, tmp_path: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    settings, _ = stack
    path = tmp_path / "20260112-000000-backfill.parquet"
    pq.write_table(
        pa.table(
            {"Timestamp": drive.times_s, **dict(zip(drive.names, drive.values.T, strict=True))}
        ),
        path,
    )
    done = subprocess.run(
        [sys.executable, "-m", "pitwall.cli.main", "backfill", str(path), "--json"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    stored = offline(settings, "20260112-000000-backfill")
    matrix = np.array(
        [[np.nan if v is None else v for v in row[1:]] for row in stored], dtype=np.float64
    )
    assert matrix.tobytes() == b"".join(truth.values())
    with pytest.raises(PitwallError, match="no job"):
        rest.running(settings, "backfill")
