"""Frames a second of the live page's eight strip charts at 50 Hz, and what viewers cost the page's
server.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import numpy as np

from pitwall.features import load
from pitwall.lab.bench.result import Load, Result, Step, machine
from pitwall.lab.bench.stage import stage
from pitwall.settings import Settings

HZ = 50
VIEWERS = 20
SLOW = 5
VEHICLE, SESSION = "bench", "20260101-000000-bench"
BLANK = """(s) => new Promise(done => { let n = 0; const end = performance.now() + 1000 * s;
  const step = () => {
    n++; performance.now() < end ? requestAnimationFrame(step) : done(n / s);
  };
  requestAnimationFrame(step); })"""


class _Car(threading.Thread):
    """Puts feature rows on the topic, 50 a second, as the job would."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._settings = settings
        self.done = threading.Event()

    def run(self) -> None:
        from confluent_kafka import Producer

        from pitwall.kafka.clients import client_config

        (features,) = [
            each for each in load(self._settings.feature_repo) if each.name == "car_state"
        ]
        producer = Producer({**client_config(self._settings), "linger.ms": 0})
        values, start, epoch = np.zeros(len(features.names)), time.time(), int(time.time() * 1e6)
        tick = 0
        while not self.done.is_set():
            values[:] = 100 * np.sin(tick / 50 + np.arange(len(values)))
            values[features.names.index("session_time")] = tick / HZ
            times = np.array(
                [epoch + tick * 1_000_000 // HZ, int(time.time() * 1e6)], "<i8"
            ).tobytes()
            head = bytes.fromhex(features.schema)[::-1]
            producer.produce(
                self._settings.features_topic,
                head + times + values.astype("<f8").tobytes() + VEHICLE.encode(),
                SESSION,
            )
            producer.poll(0)
            tick += 1
            time.sleep(max(0.0, start + tick / HZ - time.time()))
        producer.flush(5)


def _cpu(processes: list[Any]) -> float:
    """CPU seconds these processes have had."""
    import psutil

    spent = 0.0
    for process in processes:
        try:
            spent += sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            pass
    return spent


class _Viewer(threading.Thread):
    """Takes the stream as the page's own script does; a slow one a message in two seconds, over a
    receive buffer of 4 KB.
    """

    def __init__(self, settings: Settings, cookie: str, asked: str, slow: bool = False) -> None:
        super().__init__(daemon=True)
        self._settings, self._cookie, self._asked = settings, cookie, asked
        self._pause_s = 2.0 if slow else 0.0
        self.received = 0
        self.done = threading.Event()

    def run(self) -> None:
        import socket

        from websockets.sync.client import connect

        url = self._settings.page_url.replace("http", "ws") + "/stream"
        raw = socket.socket()
        if self._pause_s:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect((self._settings.host, self._settings.page_port))
        with connect(
            url, sock=raw, additional_headers={"Cookie": self._cookie}, max_size=None, max_queue=1
        ) as stream:
            stream.send(self._asked)
            while not self.done.wait(self._pause_s):
                stream.recv(timeout=60)
                self.received += 1


def page(load_: Load, step: Step) -> Result:
    """Value: frames a second of the live view; peer: of an empty page in the same browser, the
    ceiling. Raises `StackError` without Chromium.
    """
    import psutil

    from pitwall.lab.browser import opened
    from pitwall.machine.processes import find

    seconds = 5 if load_.quick else 20
    conditions = machine()
    with stage("kafka", "page") as (settings, _):
        car = _Car(settings)
        car.start()
        running = find(settings.run_dir, "page")
        assert running is not None
        server = psutil.Process(running.pid)
        with opened(settings) as tab:
            step("an empty page", None)
            empty = tab.context.new_page()
            ceiling = float(empty.evaluate(BLANK, seconds))
            empty.close()
            tab.goto("/")
            tab.wait_for_function(
                "() => pitwall.strips?.stats.rows > 100 && pitwall.strips.charts.length === 8"
            )
            browser = [
                each for each in psutil.Process().children(recursive=True) if "chrom" in each.name()
            ]

            def measure(viewers: list[_Viewer]) -> dict[str, float]:
                """Frames a second of the tab, cores of server and browser, and messages a second of
                the viewer that got fewest.
                """
                frames, begun = tab.evaluate("() => pitwall.strips.stats.frames"), time.monotonic()
                before = [_cpu([server]), _cpu(browser), *(each.received for each in viewers)]
                tab.wait_for_timeout(seconds * 1000)
                spent = time.monotonic() - begun
                after = [_cpu([server]), _cpu(browser), *(each.received for each in viewers)]
                server_cores, browser_cores, *rates = (
                    (b - a) / spent for a, b in zip(before, after, strict=True)
                )
                found = {
                    "fps": (tab.evaluate("() => pitwall.strips.stats.frames") - frames) / spent,
                    "server_cpu": server_cores,
                    "browser_cpu": browser_cores,
                    **({"fewest_messages_s": min(rates)} if rates else {}),
                }
                return {name: round(value, 3) for name, value in found.items()}

            step("one viewer", None)
            one = measure([])
            names = tab.evaluate("() => pitwall.strips.asked.names")
            cookie = "; ".join(f"{each['name']}={each['value']}" for each in tab.context.cookies())
            asked = json.dumps(
                {"vehicle": VEHICLE, "session": SESSION, "names": names, "request": 1}
            )
            viewers = [_Viewer(settings, cookie, asked) for _ in range(VIEWERS - 1)]
            for viewer in viewers:
                viewer.start()
            tab.wait_for_timeout(3000)
            step(f"{VIEWERS} viewers", None)
            many = measure(viewers)
            slow = [_Viewer(settings, cookie, asked, slow=True) for _ in range(SLOW)]
            for viewer in slow:
                viewer.start()
            tab.wait_for_timeout(3000)
            step(f"{SLOW} slow viewers beside them", None)
            memory = server.memory_info().rss
            beside = measure(viewers)
            more: dict[str, Any] = {
                "channels": 8,
                "hz": HZ,
                **{f"{name} 1 viewer": value for name, value in one.items()},
                **{f"{name} {VIEWERS} viewers": value for name, value in many.items()},
                **{f"{name} and {SLOW} slow": value for name, value in beside.items()},
                "server mb grown by the slow": round((server.memory_info().rss - memory) / 1e6, 1),
            }
            for viewer in [*viewers, *slow]:
                viewer.done.set()
            car.done.set()
    return Result(
        "page",
        one["fps"],
        "frames/s",
        "an empty page's frames/s",
        round(ceiling, 1),
        round(one["fps"] / ceiling, 3),
        8,
        seconds,
        conditions | more,
    )
