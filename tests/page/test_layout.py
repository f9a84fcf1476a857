"""Every card of every view is whole at every size, measured in Chromium on the real page.

The test writes the rows of the features topic itself, so that the numbers are as wide as they
become in use: laps of five minutes, three digits before the point, a champion and a challenger.
Adding a view or a size is adding a line to `VIEWS` or `SIZES`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest
from confluent_kafka import Producer
from numpy.typing import NDArray
from served import register

from pitwall.features import FeatureSet, load
from pitwall.kafka.clients import client_config
from pitwall.kafka.wire import iso
from pitwall.lab.browser import chromium, opened
from pitwall.local.stack import Stack
from pitwall.machine.sandbox import sandbox
from pitwall.settings import Settings

pytestmark = pytest.mark.integration

VEHICLE = "PERRINN 424"
LIVE, RECORDED, FIRST = "20261126-101500-live", "20261125-093000", "20261126-101600-first"
LAPS_S = (318.412, 312.345, 315.108, 311.987)
LENGTH_M, HZ = 20_832.0, 10.0
SETTLED_S = 8.0
"""A fault that lasts so long after the window got its size is one."""
SIZES = ((1366, 768), (1440, 900), (1920, 1080), (3840, 2160), (390, 844))
LAP = f"{VEHICLE}\x1f{RECORDED}\x1f"
VIEWS = {
    "live": ("/", {"vehicle": VEHICLE, "session": LIVE}),
    "live, silent": ("/", {"vehicle": VEHICLE, "session": RECORDED}),
    "live, first lap": ("/", {"vehicle": "Guest 7", "session": FIRST}),
    "live, sixteen strips": (
        "/",
        {
            "vehicle": VEHICLE,
            "session": LIVE,
            "channels": "speed,throttle,brake,steering_angle,battery_power,battery_net_energy,"
            "acceleration_lat,acceleration_long,acceleration_vert,velocity_yaw,speed_mean_30s,"
            "acceleration_long_out_of_range_share_5s,speed_lap_mean,gaps_30s,ticks_1s,lap_time",
        },
    ),
    "analysis": (
        "/analysis",
        {"laps": "\x1e".join((f"{LAP}2", f"{LAP}1", f"{LAP}3")), "a": "1000", "b": "12345.67"},
    ),
    "analysis, ten columns": (
        "/analysis",
        {
            "laps": "\x1e".join((f"{LAP}2", f"{LAP}1")),
            "channels": "speed,throttle,brake,steering_angle,battery_power,acceleration_lat,"
            "acceleration_long,speed_mean_30s,acceleration_long_out_of_range_share_5s,gaps_30s",
            "by": "time",
        },
    ),
    "models": ("/models", {}),
    "services": ("/services", {}),
}
"""A view's path and query."""
READY = {
    "/": "() => pitwall.strips?.stats.rows > 20 && document.querySelector('[data-table=laps] td')"
    " && document.querySelectorAll('.nicegui-echart canvas').length == 4",
    "/analysis": "() => document.querySelector('[aria-label=Overlay] canvas') &&"
    " document.querySelector('[data-table=between] td, [data-table=between] .empty')",
    "/models": "() => document.querySelector('[data-table=versions] td') &&"
    " document.querySelector('[data-fact=made]') &&"
    " document.querySelector('[data-table=live-error] td')",
    "/services": "() => document.querySelector('[data-service=page]')",
}
METRICS = """flink_pitwall_late{task="1"} 1234
flink_pitwall_freshness_ms{task="1",quantile="0.99"} 1284.0
flink_pitwall_freshness_max_ms{task="1"} 86400000.0
"""
MEASURE = (Path(__file__).with_name("layout.js")).read_text()


class Metrics(BaseHTTPRequestHandler):
    """What Flink's metrics reporter answers."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(METRICS.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


def rows(features: FeatureSet, laps_s: tuple[float, ...]) -> NDArray[np.float64]:
    """Features of laps driven on a closed road, shape (ticks, features)."""
    values: dict[str, NDArray[np.float64]] = {}
    starts = np.cumsum((0.0, *laps_s))
    time_s = np.arange(0, starts[-1], 1 / HZ)
    lap = np.searchsorted(starts, time_s, side="right") - 1
    lap_s = np.array(laps_s)[lap]
    share = (time_s - starts[lap]) / lap_s
    angle = 2 * np.pi * share
    last = np.where(lap > 0, np.array((np.nan, *laps_s))[lap], np.nan)
    best = np.array((np.nan, *np.minimum.accumulate(laps_s)))[lap]
    values |= {
        "session_time": time_s,
        "lap_number": lap + 1.0,
        "lap_time": share * lap_s,
        "lap_from_start": np.ones(len(lap)),
        "lap_last_time": last,
        "lap_best_time": best,
        "lap_fraction": share,
        "lap_delta_to_best": share * (lap_s - best) + np.sin(angle),
        "lap_distance": share * LENGTH_M,
        "position_x": 3000 * np.cos(angle) + 300 * np.cos(3 * angle),
        "position_z": 1800 * np.sin(angle) - 400 * np.cos(2 * angle),
        "speed": 190 + 120 * np.sin(17 * angle),
        "throttle": 50 + 50 * np.sin(17 * angle),
        "brake": np.clip(-100 * np.sin(17 * angle), 0, 100),
        "steering_angle": -180 * np.cos(23 * angle),
        "acceleration_lat": 3.1 * np.cos(23 * angle),
        "acceleration_long": 2.1 * np.cos(17 * angle),
        "battery_power": -480 * np.sin(17 * angle),
        "ticks_1s": np.full(len(lap), 1000.0),
        "gaps_30s": np.full(len(lap), 12.0),
        **{f"last_sector_{n}": last * part for n, part in ((1, 0.2), (2, 0.37), (3, 0.43))},
    }
    zeros = np.zeros(len(lap))
    return np.column_stack([values.get(name, zeros) for name in features.names])


class Car:
    """Writes rows and predictions to the topics as the feature job and the scorer do."""

    def __init__(
        self, settings: Settings, vehicle: str, session: str, laps_s: tuple[float, ...]
    ) -> None:
        (self._features,) = (s for s in load(settings.feature_repo) if s.name == "car_state")
        self._settings, self.vehicle, self.session = settings, vehicle, session
        self._block = rows(self._features, laps_s)
        self._begin_us = 0
        self._sent = 0
        self._producer = Producer(client_config(settings))

    def send(self, until_s: float, predicted: tuple[str, ...] = ()) -> None:
        """Send the rows up to `until_s` of session time that were not sent before.

        Every fifth second has a prediction of each role in `predicted`.
        """
        settings, head = self._settings, bytes.fromhex(self._features.schema)[::-1]
        now_us = time.time_ns() // 1000
        self._begin_us = self._begin_us or now_us - int(until_s * 1e6)
        while self._sent < min(len(self._block), int(until_s * HZ)):
            row = self._block[self._sent]
            event_us = self._begin_us + int(row[0] * 1e6)
            times = np.array([event_us, now_us], "<i8").tobytes()
            value = head + times + row.astype("<f8").tobytes() + self.vehicle.encode()
            self._producer.produce(settings.features_topic, value, self.session)
            if self._sent % 50 == 0:
                for number, role in enumerate(predicted):
                    self._producer.produce(
                        settings.predictions_topic,
                        json.dumps(self._predicted(event_us, number, role)),
                        self.session,
                    )
            self._sent += 1
            self._producer.poll(0)
        assert self._producer.flush(30) == 0

    def _predicted(self, event_us: int, number: int, role: str) -> dict[str, Any]:
        value = 312.5 + number + np.sin(event_us / 3e7)
        return {
            "vehicle": self.vehicle,
            "session": self.session,
            "event_time": iso(event_us),
            "model": "lap_time",
            "version": 12 - number,
            "role": role,
            "value": value,
            "low": value - 12.3,
            "high": value + 12.3,
            "unit": "s",
        }

    def record(self) -> None:
        """Write all rows to the offline store, as of yesterday."""
        begin = pd.Timestamp("2026-11-25T09:30:00Z")
        frame = pd.DataFrame(self._block, columns=list(self._features.names))
        frame = frame.assign(vehicle=self.vehicle, session=self.session)
        times = begin + pd.to_timedelta(frame["session_time"], unit="s")
        folder = self._settings.offline_dir / "car_state" / "event_date=2026-11-25"
        folder.mkdir(parents=True, exist_ok=True)
        frame.assign(event_timestamp=times, created_timestamp=times).to_parquet(
            folder / f"{self.session}.parquet"
        )


def damage(settings: Settings) -> None:
    """Send a prediction that cannot be read: its reason is a long line of the health card."""
    producer = Producer(client_config(settings))
    producer.produce(settings.predictions_topic, json.dumps({"role": "challenger"}), LIVE)
    assert producer.flush(30) == 0


def models(settings: Settings) -> None:
    """A champion and a challenger of `lap_time` with all that the page shows of a version."""
    import mlflow

    from pitwall.models.registry import client

    number = register(settings, "lap_time", 312.5)
    registry = client(settings)
    first = registry.get_model_version("lap_time", str(number))
    with mlflow.start_run(run_id=first.run_id):
        names = ("candidate", "pace_ratio", "mean_profile", "walk_forward")
        laps = [f"{VEHICLE}/20260{1 + n // 9}{10 + n % 9}-101500 lap {n}" for n in range(9)]
        errors = {name: {lap: 1.5 + at for lap in laps} for at, name in enumerate(names)}
        mlflow.log_dict({"out": errors}, "errors_by_lap.json")
        mlflow.log_dict(
            {n: [2.0 - 0.1 * p for p in range(10)] for n in names}, "errors_by_part.json"
        )
    for _ in range(11):
        registry.create_model_version(
            "lap_time", first.source, first.run_id, model_id=first.source.rpartition("/")[2]
        )
    for version in registry.search_model_versions("name='lap_time'"):
        for tag, value in (
            ("unit", "s"),
            ("mae", "12.345"),
            ("baseline_mae", "14.678"),
            ("kind", "candidate"),
            ("feature_service", "lap_time_inputs_v2"),
            ("definitions", "3f9d1c7a8b2e"),
        ):
            registry.set_model_version_tag("lap_time", version.version, tag, value)
    registry.set_registered_model_alias("lap_time", "champion", "12")
    registry.set_registered_model_alias("lap_time", "challenger", "11")


@contextmanager
def driving(*cars: Car) -> Iterator[None]:
    """The cars go on at their own pace, from where they are."""
    stop, started = threading.Event(), time.monotonic()

    def drive() -> None:
        begun_s = [car._sent / HZ for car in cars]
        while not stop.wait(0.1):
            for car, begin_s in zip(cars, begun_s, strict=True):
                car.send(begin_s + time.monotonic() - started, ("champion", "shadow"))

    thread = threading.Thread(target=drive)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture(scope="module")
def checkout() -> Iterator[Settings]:
    """A stack of its own: this file's sessions and model versions alone stand on the page."""
    with sandbox(checkpoint_interval_s="2") as settings:
        yield settings


@pytest.fixture(scope="module")
def tab(checkout: Settings) -> Iterator[Any]:
    """A logged-in tab. The page knows a live, a silent and a first-lap session, and two models."""
    from pitwall.machine import jars

    if chromium() is None:
        pytest.skip("no Chromium on PATH; Debian: apt-get install chromium")
    jars.fetch(checkout.cache_dir / "m2")
    with (
        Stack(checkout) as servers,
        HTTPServer((checkout.host, checkout.flink_metrics_port), Metrics) as metrics,
    ):
        threading.Thread(target=metrics.serve_forever, daemon=True).start()
        servers.start(["kafka", "s3", "mlflow"])
        models(checkout)
        silent = Car(checkout, VEHICLE, RECORDED, LAPS_S)
        silent.record()
        servers.start(["page"])
        live = Car(checkout, VEHICLE, LIVE, (*LAPS_S, *LAPS_S, 330.0))
        first = Car(checkout, "Guest 7", FIRST, (330.0,))
        silent.send(4e9, ("champion",))
        live.send(sum(LAPS_S) * 2 + 40, ("champion", "shadow"))
        first.send(100.0)
        damage(checkout)
        with driving(live, first), opened(checkout, 120, scrollbars=True) as page:
            yield page
        metrics.shutdown()


@pytest.mark.parametrize("view", VIEWS)
def test_every_card_is_whole(tab: Any, view: str) -> None:
    """A view is loaded once and then resized, as a window is. Faults name size and pixels."""
    path, query = VIEWS[view]
    faults = []
    for at, (width, height) in enumerate(SIZES):
        tab.set_viewport_size({"width": width, "height": height})
        if at == 0:
            tab.goto(f"{path}?{urlencode(query)}")
            tab.wait_for_function(READY[path])
        seen = tab.evaluate(MEASURE)
        limit = time.monotonic() + SETTLED_S
        while seen and time.monotonic() < limit:  # charts follow the window a moment later
            tab.wait_for_timeout(300)
            seen = tab.evaluate(MEASURE)
        faults += [f"{width}x{height}: {fault}" for fault in seen]
    assert not faults, "\n".join((f"{len(faults)} faults in {view}", *faults))
