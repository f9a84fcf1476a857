"""Frames a second of the live page's eight strip charts at 50 Hz, and what viewers cost the page's server."""

from __future__ import annotations

import json
import shutil
import threading
import time
from typing import Any

import numpy as np

from pitwall.bench import Load, Result, Step, machine
from pitwall.bench.stage import stage
from pitwall.errors import StackError
from pitwall.features import load
from pitwall.settings import Settings

HZ = 50
VIEWERS = 20
VEHICLE, SESSION = "bench", "20260101-000000-bench"
BLANK = """(s) => new Promise(done => { let n = 0; const end = performance.now() + 1000 * s;
  const step = () => { n++; performance.now() < end ? requestAnimationFrame(step) : done(n / s); }; requestAnimationFrame(step); })"""


class _Car(threading.Thread):
    """Puts feature rows on the topic, 50 a second, as the job would."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._settings = settings
        self.done = threading.Event()

    def run(self) -> None:
        from confluent_kafka import Producer

        from pitwall.topics import client_config

        (features,) = [each for each in load(self._settings.feature_repo) if each.name == "car_state"]
        producer = Producer({**client_config(self._settings), "linger.ms": 0})
        values, start, epoch = np.zeros(len(features.names)), time.time(), int(time.time() * 1e6)
        tick = 0
        while not self.done.is_set():
            values[:] = 100 * np.sin(tick / 50 + np.arange(len(values)))
            values[features.names.index("session_time")] = tick / HZ
            times = np.array([epoch + tick * 1_000_000 // HZ, int(time.time() * 1e6)], "<i8").tobytes()
            head = bytes.fromhex(features.schema)[::-1]
            producer.produce(self._settings.features_topic, head + times + values.astype("<f8").tobytes() + VEHICLE.encode(), SESSION)
            producer.poll(0)
            tick += 1
            time.sleep(max(0.0, start + tick / HZ - time.time()))
        producer.flush(5)


def page(load_: Load, step: Step) -> Result:
    """Value: frames a second of the live view; peer: of an empty page in the same browser, the ceiling. Raises `StackError` without Chromium."""
    import psutil
    from playwright.sync_api import sync_playwright
    from websockets.sync.client import connect

    from pitwall.local.process import find

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise StackError("no Chromium on PATH; Debian: apt-get install chromium")
    seconds = 5 if load_.quick else 20
    conditions = machine()
    with stage("kafka", "page") as (settings, _), sync_playwright() as playwright:
        car = _Car(settings)
        car.start()
        running = find(settings.run_dir, "page")
        assert running is not None
        server = psutil.Process(running.pid)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(base_url=settings.page_url, viewport={"width": 1920, "height": 1080})
        tab = context.new_page()
        tab.set_default_timeout(120_000)
        tab.goto("/login?next=/services")
        tab.fill("#token", settings.secret("token").get_secret_value())
        with tab.expect_navigation():
            tab.click("button")
        step("an empty page", None)
        empty = context.new_page()
        ceiling = float(empty.evaluate(BLANK, seconds))
        empty.close()
        tab.goto("/")
        tab.wait_for_function("() => pitwall.strips?.stats.rows > 100 && pitwall.strips.charts.length === 8")

        def measure() -> tuple[float, float]:
            frames, cpu, begun = tab.evaluate("() => pitwall.strips.stats.frames"), sum(server.cpu_times()[:2]), time.monotonic()
            tab.wait_for_timeout(seconds * 1000)
            spent = time.monotonic() - begun
            return (tab.evaluate("() => pitwall.strips.stats.frames") - frames) / spent, (sum(server.cpu_times()[:2]) - cpu) / spent

        step("one viewer", None)
        fps, cpu_one = measure()
        names = tab.evaluate("() => pitwall.strips.asked.names")
        cookie = "; ".join(f"{each['name']}={each['value']}" for each in context.cookies())
        asked = json.dumps({"vehicle": VEHICLE, "session": SESSION, "names": names, "request": 1})
        stop = threading.Event()
        received = [0] * (VIEWERS - 1)

        def view(number: int) -> None:
            with connect(
                settings.page_url.replace("http", "ws") + "/stream", additional_headers={"Cookie": cookie}, max_size=None
            ) as socket:
                socket.send(asked)
                while not stop.is_set():
                    received[number] += len(socket.recv(timeout=30))

        step(f"{VIEWERS} viewers", None)
        viewers = [threading.Thread(target=view, args=(number,), daemon=True) for number in range(VIEWERS - 1)]
        for viewer in viewers:
            viewer.start()
        tab.wait_for_timeout(3000)
        fps_many, cpu_many = measure()
        stop.set()
        for viewer in viewers:
            viewer.join(10)
        car.done.set()
        browser.close()
        more: dict[str, Any] = {
            "channels": 8, "hz": HZ, f"fps_with_{VIEWERS}_viewers": round(fps_many, 1), "server_cpu_1_viewer": round(cpu_one, 3),
            f"server_cpu_{VIEWERS}_viewers": round(cpu_many, 3), "viewers_served": sum(each > 0 for each in received) + 1,
        }  # fmt: skip
    return Result(
        "page",
        round(fps, 1),
        "frames/s",
        "an empty page's frames/s",
        round(ceiling, 1),
        round(fps / ceiling, 3),
        8,
        seconds,
        conditions | more,
    )
