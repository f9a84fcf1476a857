"""Vehicles with other channels beside the car: one job, a view each. A stack of its own, whose definitions are changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.features.topic import FeatureRow, FeatureRows
from pitwall.flink import control
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import end_offsets
from pitwall.local.stack import Stack
from pitwall.machine.sandbox import sandbox
from pitwall.monitoring import parity
from pitwall.recordings import files as recordings
from pitwall.serving.reader import FeatureReader
from pitwall.settings import Settings
from pitwall.stores.offline.files import files

pytestmark = pytest.mark.integration

VPP = """
from pitwall.features import Channel

TOTAL_KW = Channel("PowerElectricalTotal", "kW", -1000, 1000)
POWERTRAIN = FeatureSet(
    "powertrain", session_time(), last("Speed", TOTAL_KW), rolling(TOTAL_KW, ("mean", "max"), (1,)), ticks(1), vehicles="VPP*"
)

CAR_STATE = """


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    from pitwall.machine import jars
    from pitwall.stores.repository import apply

    with sandbox(checkpoint_interval_s="2") as checkout:
        jars.fetch(checkout.cache_dir / "m2")
        with Stack(checkout) as servers:
            servers.start(["kafka", "cassandra"])
            apply(checkout)
            yield checkout


def rows(settings: Settings, session: str) -> dict[int, FeatureRow]:
    """The session's rows on the topic, by event time."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer(
        {**client_config(settings), "group.id": "test", "enable.auto.commit": False}
    )
    ends = end_offsets(settings, settings.features_topic)
    consumer.assign([TopicPartition(settings.features_topic, p, 0) for p in ends])
    left, found = sum(ends.values()), []
    while left > 0:
        messages = consumer.consume(1000, timeout=5)
        left -= len(messages)
        found += [message for message in messages if message.key() == session.encode()]
    consumer.close()
    return {row.event_us: row for row in FeatureRows(settings).read(found)}


def wait(done: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + 120
    while not done():
        assert time.monotonic() < limit, what
        time.sleep(0.2)


def drive(settings: Settings, *sessions: Session) -> None:
    """Send, and wait until each tick has its row on the topic."""
    wanted = sum(end_offsets(settings, settings.features_topic).values())
    wanted += produce(settings, sessions, speed=None, together=True).ticks
    wait(
        lambda: sum(end_offsets(settings, settings.features_topic).values()) >= wanted,
        f"{wanted} rows",
    )


def offline(settings: Settings, view: str, session: str) -> int:
    """Distinct rows of the session in the view's Parquet files."""
    paths = files(settings.offline_dir / view)
    query = "SELECT count(DISTINCT event_timestamp) FROM read_parquet(?, union_by_name = true, hive_partitioning = false) WHERE session = ?"
    found = duckdb.execute(query, [paths, session]).fetchone() if paths else None
    return int(found[0]) if found else 0


def online(settings: Settings, view: str, session: Session, feature: str) -> float | None:
    reader = FeatureReader(settings, view)
    try:
        row = reader.read(session.vehicle, session.session, (feature,))
        return None if row is None else row[2][0]
    finally:
        reader.close()


def named(car: Session, name: str, first: int = 0, ticks: int | None = None) -> Session:
    return Session(
        car.vehicle, name, car.names, car.units, car.times_s[first:ticks], car.values[first:ticks]
    )


def test_another_vehicle_gets_its_own_view_and_the_car_keeps_its_rows(
    settings: Settings, exports_dir: Path
) -> None:
    from pitwall.stores.repository import apply

    whole = simulate(laps=1, seed=31)
    car = named(whole, whole.session, 0, 2400)
    alone, across, beside = (f"20260101-00000{i}-car" for i in range(3))
    with Stack(settings) as job:
        job.start(["flink"])
        drive(settings, named(car, alone), named(car, across, 0, 1200))
        control.stop(settings, "features")
    definitions = settings.feature_repo / "features.py"
    definitions.write_text(definitions.read_text().replace("\nCAR_STATE = ", VPP, 1))
    views = settings.feature_repo / "views.py"
    views.write_text(
        views.read_text().replace("import CAR_STATE", "import CAR_STATE, POWERTRAIN")
        + "powertrain = view(POWERTRAIN)\n"
    )
    apply(settings)
    export = recordings.read(exports_dir / "powertrain.csv", vehicle="VPP powertrain")
    with Stack(settings) as job:
        job.start(["flink"])
        drive(settings, named(car, beside), export, named(car, across, 1200))
        found = rows(settings, export.session)
        assert len(found) == len(export.times_s)
        assert {row.view for row in found.values()} == {"powertrain"}
        kw = export.channel("POWERELECTRICALTOTAL")
        last = found[max(found)]
        window = kw[export.times_s > export.times_s[-1] - 1]
        assert last.vehicle == "VPP powertrain"
        assert (last["speed"], last["power_electrical_total"]) == (
            export.channel("Speed")[-1],
            kw[-1],
        )
        assert last["power_electrical_total_mean_1s"] == pytest.approx(window.mean(), rel=1e-9)
        assert (last["power_electrical_total_max_1s"], last["ticks_1s"]) == (
            window.max(),
            len(window),
        )
        truth = [row.values.tobytes() for _, row in sorted(rows(settings, alone).items())]
        assert len(truth) == len(car.times_s)
        for name in (across, beside):
            again = rows(settings, name)
            assert {row.view for row in again.values()} == {"car_state"}
            assert [row.values.tobytes() for _, row in sorted(again.items())] == truth, name
        for view, session, feature in (
            ("powertrain", export, "power_electrical_total"),
            ("car_state", named(car, beside), "session_time"),
        ):
            wanted = kw[-1] if session is export else np.round(car.times_s[-1], 6)
            wait(
                lambda s=session, v=view: offline(settings, v, s.session) == len(s.times_s),
                f"Parquet of {view}",
            )  # type: ignore[misc]
            assert online(settings, view, session, feature) == pytest.approx(wanted, abs=1e-9)
        for view, session in (("car_state", export), ("powertrain", named(car, beside))):
            assert online(settings, view, session, "session_time") is None
            assert offline(settings, view, session.session) == 0
        result = parity.compare(
            settings, parity.online_rows(settings, [export.session, beside, across])
        )
        assert (result.mismatch, result.missing) == (0, 0), result.worst[:3]
        assert result.match > 200
        assert FeatureRows(settings, "car_state").read([]) == []
        assert sum(end_offsets(settings, settings.dead_letters_topic).values()) == 0
