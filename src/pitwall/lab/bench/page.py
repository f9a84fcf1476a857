"""Frames a second of the live page's eight strip charts, and what viewers cost its server."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import psutil

from pitwall.errors import StackError
from pitwall.lab.bench.result import Load, Result, machine_state
from pitwall.lab.bench.stage import stage
from pitwall.lab.bench.viewers import HZ, SESSION, VEHICLE, FeatureCar, Viewer
from pitwall.lab.progress import Step
from pitwall.machine import processes
from pitwall.settings import Settings

STRIPS = 8
VIEWERS = 20
SLOW_VIEWERS = 5
SECONDS, QUICK_SECONDS = 20, 5
SETTLE_MS = 3000
"""Time that new viewers have before the measurement."""
FRAMES_OF_EMPTY_PAGE = """(s) => new Promise(done => { let n = 0;
  const end = performance.now() + 1000 * s;
  const step = () => {
    n++; performance.now() < end ? requestAnimationFrame(step) : done(n / s);
  };
  requestAnimationFrame(step); })"""
"""JavaScript: frames a second that the browser draws of an empty page, over `s` seconds."""


def page(load: Load, step: Step) -> Result:
    """Frames a second of the live view with one viewer.

    The peer, and the ceiling, is an empty page in the same browser. Raises `StackError` without
    Chromium.
    """
    from pitwall.lab.browser import opened

    seconds = QUICK_SECONDS if load.quick else SECONDS
    conditions = machine_state()
    with stage("kafka", "page", quick_start="true") as (settings, _):
        car = FeatureCar(settings)
        car.start()
        with opened(settings) as tab:
            step("an empty page", None)
            empty = tab.context.new_page()
            ceiling = float(empty.evaluate(FRAMES_OF_EMPTY_PAGE, seconds))
            empty.close()
            tab.goto("/")
            tab.wait_for_function(
                "() => pitwall.strips?.stats.rows > 100"
                f" && pitwall.strips.charts.length === {STRIPS}"
            )
            meter = _Meter(settings, tab, seconds)
            step("one viewer", None)
            with_one = meter.measure([])
            step(f"{VIEWERS} viewers", None)
            viewers = _viewers(settings, tab, VIEWERS - 1)
            with_many = meter.measure(viewers)
            step(f"{SLOW_VIEWERS} slow viewers beside them", None)
            slow_viewers = _viewers(settings, tab, SLOW_VIEWERS, slow=True)
            memory_mb = meter.server_mb()
            with_slow = meter.measure(viewers)
            conditions |= {
                "channels": STRIPS,
                "hz": HZ,
                **{f"{name} 1 viewer": value for name, value in with_one.items()},
                **{f"{name} {VIEWERS} viewers": value for name, value in with_many.items()},
                **{f"{name} and {SLOW_VIEWERS} slow": value for name, value in with_slow.items()},
                "server mb grown by the slow": round(meter.server_mb() - memory_mb, 1),
            }
            for viewer in [*viewers, *slow_viewers]:
                viewer.stop()
            car.stop()
    return Result(
        name="page",
        value=with_one["fps"],
        unit="frames/s",
        peer="an empty page's frames/s",
        peer_value=round(ceiling, 1),
        ratio=round(with_one["fps"] / ceiling, 3),
        n=STRIPS,
        seconds=seconds,
        conditions=conditions,
    )


def _viewers(settings: Settings, tab: Any, count: int, slow: bool = False) -> list[Viewer]:
    """Start viewers of the channels that the tab shows, with the tab's login."""
    names = tab.evaluate("() => pitwall.strips.asked.names")
    cookie = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in tab.context.cookies())
    request = json.dumps({"vehicle": VEHICLE, "session": SESSION, "names": names, "request": 1})
    viewers = [Viewer(settings, cookie, request, slow) for _ in range(count)]
    for viewer in viewers:
        viewer.start()
    tab.wait_for_timeout(SETTLE_MS)
    return viewers


@dataclass
class _Counters:
    """Counters that only grow."""

    at_s: float
    """When they were read, s of the monotonic clock."""
    frames: int
    server_cpu_s: float
    browser_cpu_s: float
    messages: list[int]
    """Messages that each viewer has taken."""


class _Meter:
    """Measures the tab and the page's server over `seconds` at a time."""

    def __init__(self, settings: Settings, tab: Any, seconds: float) -> None:
        running = processes.find(settings.run_dir, "page")
        if running is None:
            raise StackError(f"the page ended; see {settings.log_dir / 'page.log'}")
        self._tab, self._seconds = tab, seconds
        self._server = psutil.Process(running.pid)
        children = psutil.Process().children(recursive=True)
        self._browser = [child for child in children if "chrom" in child.name()]

    def measure(self, viewers: list[Viewer]) -> dict[str, float]:
        """`fps` of the tab, and the cores that server and browser use.

        With viewers also `fewest_messages_s`: messages a second of the viewer that got fewest.
        """
        before = self._read(viewers)
        self._tab.wait_for_timeout(self._seconds * 1000)
        after = self._read(viewers)
        seconds = after.at_s - before.at_s
        figures = {
            "fps": (after.frames - before.frames) / seconds,
            "server_cpu": (after.server_cpu_s - before.server_cpu_s) / seconds,
            "browser_cpu": (after.browser_cpu_s - before.browser_cpu_s) / seconds,
        }
        if viewers:
            taken = [b - a for a, b in zip(before.messages, after.messages, strict=True)]
            figures["fewest_messages_s"] = min(taken) / seconds
        return {name: round(figure, 3) for name, figure in figures.items()}

    def server_mb(self) -> float:
        """Resident memory of the page's server, MB."""
        return float(self._server.memory_info().rss) / 1e6

    def _read(self, viewers: list[Viewer]) -> _Counters:
        return _Counters(
            at_s=time.monotonic(),
            frames=self._tab.evaluate("() => pitwall.strips.stats.frames"),
            server_cpu_s=_cpu_s([self._server]),
            browser_cpu_s=_cpu_s(self._browser),
            messages=[viewer.received for viewer in viewers],
        )


def _cpu_s(members: list[psutil.Process]) -> float:
    """CPU time that these processes have had, s; 0 for one that has ended."""
    total_s = 0.0
    for process in members:
        try:
            total_s += sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            pass
    return total_s
