"""The chain against real servers: one stack for all tests here, on ports of its own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waiting import wait

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.features.topic import FeatureRow
from pitwall.flink import control
from pitwall.flink import status as job_status
from pitwall.kafka.topics import end_offsets
from pitwall.local.stack import Stack
from pitwall.machine.ports import port_open
from pitwall.machine.sandbox import sandbox
from pitwall.recordings import files as recordings
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment
from pitwall.stores.history import read as history

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def checkout() -> Iterator[Settings]:
    """Topics and stores of this file alone: other tests' megabyte-long messages are not archived
    here.
    """
    with sandbox(checkpoint_interval_s="2") as settings:
        yield settings


@pytest.fixture(scope="module")
def servers(checkout: Settings) -> Iterator[Stack]:
    with Stack(checkout) as servers:
        yield servers


@pytest.fixture(scope="module")
def stack(checkout: Settings, servers: Stack) -> Settings:
    from pitwall.machine import jars
    from pitwall.stores.repository import apply

    jars.fetch(checkout.cache_dir / "m2")
    servers.start(["kafka", "cassandra", "s3"])
    apply(checkout)
    servers.start(["flink"])
    return checkout


def total(settings: Settings, topic: str) -> int:
    return sum(end_offsets(settings, topic).values())


def send(settings: Settings, sessions: list[Session]) -> tuple[int, int, int]:
    """Send at full speed; ticks sent, features out and dead letters once all are accounted for."""
    features, dead = (
        total(settings, settings.features_topic),
        total(settings, settings.dead_letters_topic),
    )
    sent = produce(settings, sessions, speed=None).ticks
    limit = time.monotonic() + 240
    while time.monotonic() < limit:
        out = total(settings, settings.features_topic) - features
        bad = total(settings, settings.dead_letters_topic) - dead
        if out + bad >= sent:
            return sent, out, bad
        time.sleep(0.2)
    raise AssertionError(f"{sent} sent, {out} out, {bad} dead after 240 s")


def rows(settings: Settings, session: str) -> list[FeatureRow]:
    """All feature rows of a session on the topic, in order."""
    from confluent_kafka import Consumer, TopicPartition

    from pitwall.features.topic import FeatureRows
    from pitwall.kafka.clients import client_config

    consumer = Consumer(
        {**client_config(settings), "group.id": "test", "enable.auto.commit": False}
    )
    ends = end_offsets(settings, settings.features_topic)
    consumer.assign([TopicPartition(settings.features_topic, p, 0) for p in ends])
    left, found = sum(ends.values()), []
    while left > 0:
        for message in consumer.consume(1000, timeout=5):
            left -= 1
            if message.key() == session.encode():
                found.append(message)
    consumer.close()
    return FeatureRows(settings).read(found)


def online(settings: Settings, session: Session, columns: tuple[str, ...]) -> Any:
    from pitwall.serving.reader import FeatureReader

    reader = FeatureReader(settings)
    try:
        return reader.read(session.vehicle, session.session, columns)
    finally:
        reader.close()


def settled_online(settings: Settings, session: Session, columns: tuple[str, ...]) -> Any:
    """The session's row in the online store once it is that of the last tick."""
    wanted = tuple(dict.fromkeys(("session_time", *columns)))

    def last_tick() -> bool:
        row = online(settings, session, wanted)
        return row is not None and abs(row[2][0] - session.times_s[-1]) < 1e-5

    wait(last_tick, 30, "the last tick in the online store")
    return online(settings, session, columns)


def all_before_is_written(settings: Settings) -> None:
    """Return once each store has what the job gave before: a checkpoint empties every sink.

    A later session's row would be no marker: the online store's sink writes each session by itself.
    """
    control.settle(settings, "features")


def offline_rows(settings: Settings, session: Session) -> int:
    """Rows of the session in the offline store."""
    from pitwall.stores.offline.database import count_rows
    from pitwall.stores.offline.files import recorded

    return count_rows(recorded(settings, "car_state"), [session.session])


def test_commands_of_the_documentation_in_their_order(stack: Settings, tmp_path: Path) -> None:
    from docs import commands

    for command in commands():
        if command.kind in ("run", "stack"):
            words = shlex.split(command.text)
            if words[1] == "history":
                # It has a session's first minute once the next one begins, or the session ends.
                session, channel = words[2], words[3].upper()
                vehicle = words[words.index("--vehicle") + 1]
                wait(
                    lambda v=vehicle, s=session, c=channel: (
                        len(history(stack, v, s, c).times_s) > 0
                    ),
                    60,
                    f"the history of {session}",
                )
            result = subprocess.run(
                command.arguments,
                cwd=tmp_path,
                env=child_environment(stack),
                capture_output=True,
                text=True,
            )
            assert result.returncode == 0, (command, result.stderr[-1000:])
            assert (result.stdout + result.stderr).strip(), command


def test_every_tick_of_a_real_lap_becomes_a_row_with_the_right_features(
    stack: Settings, laps_dir: Path
) -> None:
    session = recordings.read(sorted(laps_dir.glob("*.parquet"))[0])
    sent, out, dead = send(stack, [session])
    assert (out, dead) == (sent, 0) == (len(session.times_s), 0)
    assert job_status.describe(stack)[0]["restarts"] == 0
    found = rows(stack, session.session)
    speed = session.channel("Speed")
    for i in (0, 1, 49, 50, 260, 3000, len(found) - 1):
        row, now = found[i], session.times_s[i]
        assert row["session_time"] == pytest.approx(now, abs=1e-6)
        assert row["speed"] == speed[i]
        micros = np.round(session.times_s * 1e6).astype(np.int64)
        window = speed[(micros <= micros[i]) & (micros > micros[i] - 5_000_000)]
        assert row["speed_mean_5s"] == pytest.approx(window.mean(), rel=1e-9)
        assert row["speed_std_5s"] == pytest.approx(window.std(), rel=1e-6, abs=1e-5)
        assert (row["speed_min_5s"], row["speed_max_5s"]) == (window.min(), window.max())


def test_a_replay_gives_the_same_rows_and_leaves_the_online_store_unchanged(
    stack: Settings,
) -> None:
    session = simulate(laps=1, seed=77)
    send(stack, [session])
    columns = ("speed", "speed_mean_5s", "session_time", "throttle_lap_mean")

    before = settled_online(stack, session, columns)
    again, out, dead = send(stack, [session])
    assert (out, dead) == (again, 0)
    all_before_is_written(stack)
    after = online(stack, session, columns)
    assert (after[0], after[2]) == (before[0], before[2])
    found = rows(stack, session.session)
    strip = [(row.event_us, row.values.tobytes()) for row in found]
    assert strip[: len(strip) // 2] == strip[len(strip) // 2 :]


def test_an_older_row_never_replaces_a_newer_one(stack: Settings) -> None:
    session = simulate(laps=1, seed=78)
    send(stack, [session])
    before = settled_online(stack, session, ("session_time",))
    part = Session(
        session.vehicle,
        session.session,
        session.names,
        session.units,
        session.times_s[:200],
        session.values[:200],
    )
    send(stack, [part])
    all_before_is_written(stack)
    assert online(stack, session, ("session_time",))[2] == before[2]


@pytest.mark.parametrize("name", ["all-channels.csv", "with-units-row.csv", "powertrain.csv"])
def test_an_export_of_another_vehicle_gives_the_features_of_its_channels(
    stack: Settings, exports_dir: Path, name: str
) -> None:
    session = recordings.read(exports_dir / name, vehicle="other")
    sent, out, dead = send(stack, [session])
    assert (out, dead) == (sent, 0)
    last = rows(stack, session.session)[-1]
    assert last["speed"] is not None
    assert last["battery_power"] is None


def test_bad_messages_go_to_the_dead_letters_with_origin_bytes_and_reason(stack: Settings) -> None:
    from confluent_kafka import Consumer, Producer, TopicPartition

    from pitwall.kafka.clients import client_config

    good = {
        "VehicleId": "v",
        "SessionId": "20260101-000000-x",
        "Timestamp": 1.0,
        "ChannelId": "SPEED",
        "ChannelValue": 1.0,
    }
    bad = [
        b"not json",
        b"[",
        b"{}",
        b"[]",
        b"[1]",
        b"\xff\xfe[]",
        b"",
        json.dumps([{**good, "SessionId": "yesterday"}]).encode(),
        json.dumps([{**good, "Timestamp": "NaN"}]).encode(),
        json.dumps([{**good, "ChannelValue": {"a": 1}}]).encode(),
        json.dumps([{k: v for k, v in good.items() if k != "VehicleId"}]).encode(),
        json.dumps([good]).encode() + b"]",
    ]
    start = end_offsets(stack, stack.dead_letters_topic)[0]
    producer = Producer(client_config(stack))
    for message in bad:
        producer.produce(stack.telemetry_topic, message)
    producer.produce(
        stack.telemetry_topic,
        json.dumps([{**good, "SessionId": "20260101-000000-good", "Extra": [1]}]).encode(),
    )
    producer.flush(10)
    consumer = Consumer(
        {**client_config(stack), "group.id": "test-dead", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(stack.dead_letters_topic, 0, start)])
    found = []
    limit = time.monotonic() + 30
    while len(found) < len(bad) and time.monotonic() < limit:
        found += consumer.consume(100, timeout=1)
    consumer.close()
    assert [m.value() or b"" for m in found] == bad
    for message in found:
        headers = dict(message.headers())
        assert headers["__connect.errors.topic"] == stack.telemetry_topic.encode()
        assert int(headers["__connect.errors.offset"]) >= 0
        assert headers["__connect.errors.exception.message"]
    wait(lambda: bool(rows(stack, "20260101-000000-good")), 10, "the good message's row")
    assert [row["speed"] for row in rows(stack, "20260101-000000-good")] == [1.0]


def test_feast_works_as_its_users_expect(stack: Settings) -> None:
    feast = Path(sys.executable).parent / "feast"
    for arguments in (["apply"], ["plan"], ["feature-views", "list"]):
        result = subprocess.run(
            [feast, *arguments],
            cwd=stack.feature_repo,
            capture_output=True,
            text=True,
            env=dict(os.environ),
        )
        assert result.returncode == 0, result.stderr
    assert "car_state" in result.stdout


def test_point_in_time_rows_equal_the_features_topic(stack: Settings) -> None:
    import pandas as pd

    from pitwall.stores.repository import feature_store

    session = simulate(laps=1, seed=79)
    send(stack, [session])
    wait(lambda: offline_rows(stack, session) == len(session.times_s), 60, "the offline store")
    found = rows(stack, session.session)
    instants = pd.to_datetime([row.event_us for row in found[::500]], utc=True, unit="us")
    entities = pd.DataFrame(
        {
            "vehicle": session.vehicle,
            "session": session.session,
            "event_timestamp": instants + pd.Timedelta("1ms"),
        }
    )
    unknown = pd.DataFrame(
        {"vehicle": ["nobody"], "session": ["none"], "event_timestamp": [instants[0]]}
    )
    store = feature_store(stack)
    frame = pd.concat([entities, unknown], ignore_index=True)
    joined = store.get_historical_features(
        frame, ["car_state:speed", "car_state:speed_mean_5s"]
    ).to_df()
    assert len(joined) == len(frame)
    assert joined["speed"].tolist()[:-1] == [row["speed"] for row in found[::500]]
    assert joined["speed_mean_5s"].tolist()[:-1] == [row["speed_mean_5s"] for row in found[::500]]
    assert joined["speed"].isna().tolist()[-1]
    answer = store.get_online_features(
        ["car_state:speed"],
        [
            {"vehicle": session.vehicle, "session": session.session},
            {"vehicle": "x", "session": "y"},
        ],
    ).to_dict()
    assert answer["speed"] == [found[-1]["speed"], None]


def test_parity_over_a_restart_of_the_job_and_with_late_ticks(
    stack: Settings, servers: Stack
) -> None:
    """What was served equals the offline store bit for bit.

    Served is what was read from the online store while the car drove, and from the stream.

    ticks 0 ··· 700 [held back: 700–705] 706 ··· 1500 ⟵ 700–705 late ┊ kill, restart ┊ 1500 ·· 2400
    """
    import threading
    from types import SimpleNamespace

    from confluent_kafka import Producer

    from pitwall.kafka.clients import client_config
    from pitwall.machine import processes as process
    from pitwall.serving.reader import EPOCH, FeatureReader
    from pitwall.serving.scoring import input_matrix, served_of
    from pitwall.serving.served import Served

    whole = simulate(laps=1, seed=79)
    name = "20260114-000000-parity"

    def part(first: int, last: int) -> Session:
        return Session(
            whole.vehicle,
            name,
            whole.names,
            whole.units,
            whole.times_s[first:last],
            whole.values[first:last],
        )

    inputs = ("speed", "speed_mean_5s", "lap_time", "lap_last_time", "session_time")
    model: Any = SimpleNamespace(feature_service="lap_time", inputs=inputs)
    log = Producer(client_config(stack))
    reader, stop = FeatureReader(stack), threading.Event()
    seen: set[int] = set()

    def ask() -> None:
        while not stop.wait(0.01):
            row = reader.read(whole.vehicle, name, model.inputs)
            if row is not None:
                event_us = (row.event_time - EPOCH) // timedelta(microseconds=1)
                seen.add(event_us)
                vector = Served(
                    model.feature_service,
                    reader.view,
                    whole.vehicle,
                    name,
                    event_us,
                    model.inputs,
                    row.values,
                    "endpoint",
                )
                log.produce(stack.served_topic, vector.message(), name)

    def settled(count: int) -> None:
        limit = time.monotonic() + 240
        while len({row.event_us for row in rows(stack, name)}) < count:
            assert time.monotonic() < limit, f"{len(rows(stack, name))} rows, not {count}"
            time.sleep(1)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    for session in (part(0, 700), part(706, 1500)):
        produce(stack, [session], speed=10)
    settled(1494)
    produce(stack, [part(700, 706)], speed=None)
    feeding = threading.Thread(
        target=produce, args=(stack, [part(1500, 2400)]), kwargs={"speed": 5}, daemon=True
    )
    before = total(stack, stack.features_topic)
    feeding.start()
    wait(lambda: total(stack, stack.features_topic) > before + 50, 60, "rows before the kill")
    found = process.find(stack.run_dir, "flink")
    assert found is not None and found.process is not None
    for each in [*found.process.children(recursive=True), found.process]:
        each.kill()
    assert process.wait_gone(found, 20)
    while port_open(stack.host, stack.flink_port):
        time.sleep(0.1)
    servers.start(["flink"], 300)
    feeding.join()
    settled(2394)
    newest = max(row.event_us for row in rows(stack, name))
    wait(lambda: max(seen, default=0) == newest, 30, "the newest row at the reader")
    stop.set()
    asking.join()
    reader.close()
    scored = rows(stack, name)[::5]
    for vector in served_of(scored, input_matrix(scored, model), model):
        log.produce(stack.served_topic, vector.message(), name)
    assert log.flush(30) == 0
    status, answer = run_parity(name)
    assert status == 0 and answer["percent"] == 100.0, answer["worst"]
    assert answer["match"] == 5 * answer["vectors"] and answer["mismatch"] == answer["missing"] == 0
    assert len(seen) > 10 and max(seen) == max(row.event_us for row in rows(stack, name))
    assert answer["sources"]["endpoint"] >= len(seen) and answer["sources"]["stream"] >= 478

    row = rows(stack, name)[0]
    wrong = Served(
        "lap_time",
        "car_state",
        whole.vehicle,
        name,
        row.event_us,
        ("speed", "session_time"),
        [-1.0, row["session_time"]],
        "stream",
    )
    absent = Served(
        "lap_time", "car_state", whole.vehicle, name, row.event_us + 1, ("speed",), [1.0], "stream"
    )
    for vector in (wrong, absent):
        log.produce(stack.served_topic, vector.message(), name)
    assert log.flush(30) == 0
    status, answer = run_parity(name)
    assert status == 1 and (answer["mismatch"], answer["missing"]) == (1, 1)
    speed = answer["features"]["car_state:speed"]
    assert (speed["mismatch"], speed["missing"]) == (1, 1)
    assert (
        "speed was served as -1.0" in answer["worst"][0]
        and "no row of car_state" in answer["worst"][1]
    )
    assert run_parity(name, "--at-least", "99")[0] == 0


def run_parity(session: str, *more: str) -> tuple[int, Any]:
    command = [
        sys.executable,
        "-m",
        "pitwall.cli.main",
        "parity",
        "--session",
        session,
        "--json",
        *more,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_features_tell_freshness_nulls_and_use(stack: Settings) -> None:
    command = [sys.executable, "-m", "pitwall.cli.main", "features", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    listed = {feature["name"]: feature for feature in json.loads(done.stdout)["car_state"]}
    assert 0 <= listed["speed"]["fresh_s"] < 3600 and 0 <= listed["speed"]["null_share"] < 1
    assert listed["session_time"]["null_share"] == 0 < listed["lap_last_time"]["null_share"]
    assert listed["speed"]["unit"] == "km/h" and listed["speed"]["models"] == []


def test_killing_the_parent_leaves_no_process(checkout: Settings, tmp_path: Path) -> None:
    import socket

    from pitwall.machine import processes as process

    env = {**os.environ, "PITWALL_HOME": str(tmp_path / "home")}
    for name in ("KAFKA", "KAFKA_CONTROLLER", "S3"):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            env[f"PITWALL_{name}_PORT"] = str(probe.getsockname()[1])
    code = (
        "from pitwall.settings import Settings; from "
        "pitwall.local.stack import Stack; import time\n"
        "with Stack(Settings()) as s:\n s.start(['kafka', "
        "'s3']); print('up', flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None and parent.stdout.readline() == "up\n"
    running = [process.find(tmp_path / "home" / "run", name) for name in ("kafka", "s3")]
    assert all(running)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert all(process.wait_gone(each, 20) for each in running if each)


def test_environment_of_the_servers_has_telemetry_off(checkout: Settings) -> None:
    env = child_environment(checkout)
    assert env["MLFLOW_DISABLE_TELEMETRY"] == env["BENTOML_DO_NOT_TRACK"] == "true"


def test_old_sessions_leave_each_store_when_told_and_compacting_changes_no_answer(
    stack: Settings,
) -> None:
    from pitwall.operations.retention import due
    from pitwall.stores.cassandra.connect import connect
    from pitwall.stores.offline.columns import SESSION_COLUMNS
    from pitwall.stores.offline.compact import compact
    from pitwall.stores.offline.database import count_rows
    from pitwall.stores.offline.files import recorded

    gone, kept = simulate(laps=1, seed=91), simulate(laps=1, seed=92)
    send(stack, [gone, kept])
    folder = recorded(stack, "car_state")

    def offline(session: Session) -> int:
        return count_rows(folder, [session.session])

    limit = time.monotonic() + 60
    while offline(gone) < len(gone.times_s) or offline(kept) < len(kept.times_s):
        assert time.monotonic() < limit
        time.sleep(0.2)
    assert len(compact(folder, SESSION_COLUMNS, settled_s=0)) > 0
    assert (offline(gone), offline(kept)) == (len(gone.times_s), len(kept.times_s))

    days = {f"retention_{name}_days": 5.0 for name in ("offline", "online", "history", "topics")}
    settings = stack.model_copy(update=days)
    assert not [each for each in due(settings) if each.store != "topics"]
    mine = [
        each
        for each in due(settings, time.time() + 6 * 86_400)
        if each.store == "topics" or gone.session in each.what
    ]
    assert {each.store for each in mine} == {"offline", "online", "history", "topics"}
    assert online(stack, gone, ("speed",)) is not None
    for each in mine:
        each.delete()
    assert (offline(gone), offline(kept)) == (0, len(kept.times_s))
    assert online(stack, gone, ("speed",)) is None
    assert online(stack, kept, ("speed",)) is not None
    session = connect(stack, keyspace=stack.keyspace)
    try:
        left = {
            row[1]
            for row in session.execute(
                "SELECT DISTINCT vehicle, session, bucket FROM telemetry_history"
            )
        }
    finally:
        session.cluster.shutdown()
    assert gone.session not in left and kept.session in left
    assert not [each for each in due(settings) if each.store == "topics"]
