"""The live page: sessions now running, traces, track map and predicted lap time, from the topics. `python -m pitwall.page.run`."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

import orjson
from confluent_kafka import Consumer
from fastapi.responses import PlainTextResponse
from nicegui import app, ui

from pitwall import drift
from pitwall.quality import Truths
from pitwall.settings import Settings
from pitwall.topics import FeatureRows, client_config
from pitwall.training.tasks import task, tasks

TRACES = (("speed", "Speed", "km/h"), ("throttle", "Throttle", "%"), ("brake", "Brake", "%"), ("steering_angle", "Steering", "deg"))


class Feed:
    """The newest of each session: rows at 10 Hz for the last two minutes of event time, and the last predictions."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.rows: dict[str, deque[dict[str, Any]]] = {}
        self.predictions: dict[str, dict[str, dict[str, Any]]] = {}
        self.heard: dict[str, float] = {}
        self.watch: drift.Live | None = None
        threading.Thread(target=self._calibrate, daemon=True).start()
        self.truths = Truths({name: task(settings, name).label.truth for name in tasks(settings)})
        threading.Thread(target=self._run, daemon=True).start()

    def _calibrate(self) -> None:
        watch = drift.from_offline(self._settings.offline_dir / "car_state", drift.WATCHED)
        self.watch = drift.Live(watch) if watch else None

    def _run(self) -> None:
        settings = self._settings
        consumer = Consumer(
            {**client_config(settings), "group.id": f"pitwall-page-{time.time_ns()}", "auto.offset.reset": "latest",
             "enable.auto.commit": False}
        )  # fmt: skip
        consumer.subscribe([settings.features_topic, settings.predictions_topic])
        slots: dict[str, int] = {}
        reader = FeatureRows(settings, "car_state")
        while True:
            messages = [m for m in consumer.consume(500, timeout=0.1) if m.error() is None]
            for message in messages:
                if message.topic() == settings.predictions_topic:
                    value = orjson.loads(message.value())
                    self.predictions.setdefault(value["session"], {})[value["model"]] = value
                    self.truths.prediction(value)
            for row in reader.read(m for m in messages if m.topic() == settings.features_topic):
                wanted = {name: row[name] for name in self.truths.needs if name in row.names}
                if self.watch and set(drift.WATCHED) <= set(row.names):
                    self.watch.row(row.vehicle, row.session, row["lap_number"], row["lap_distance"], [row[name] for name in drift.WATCHED])
                self.truths.row(row.vehicle, row.session, row.event_us, wanted)
                slot = int((row["session_time"] or 0) * 10)
                if slots.get(row.session) != slot:
                    slots[row.session] = slot
                    values = [None if v != v else v for v in row.values.tolist()]
                    self.rows.setdefault(row.session, deque(maxlen=1200)).append(dict(zip(row.names, values, strict=True)))
                    self.heard[row.session] = time.time()


def build(feed: Feed) -> None:
    """Lay out the page and refresh it four times a second."""
    ui.dark_mode(True)
    ui.query("body").style("background:#101418;color:#e6e6e6")
    with ui.row().classes("w-full items-center gap-8"):
        ui.label("pitwall").classes("text-2xl font-bold")
        pick = ui.select([], label="Session").classes("w-96").props("stack-label")
        lap = ui.label("–").classes("text-xl")
        predicted = ui.label("waiting for a car").classes("text-xl")
        quality = ui.label("").classes("text-sm")
    axis = {"type": "value", "name": "s", "min": "dataMin", "max": "dataMax", "splitLine": {"show": False}}
    with ui.row().classes("w-full no-wrap"):
        with ui.column().classes("w-2/3 gap-0"):
            charts = {
                key: ui.echart(
                    {
                        "animation": False,
                        "title": {"text": f"{name} [{unit}]", "textStyle": {"fontSize": 13, "color": "#cfd8dc"}},
                        "grid": {"left": 50, "right": 20, "top": 28, "bottom": 22},
                        "xAxis": axis,
                        "yAxis": {"type": "value", "scale": True, "splitLine": {"lineStyle": {"color": "#2a3038"}}},
                        "series": [{"type": "line", "showSymbol": False, "lineStyle": {"width": 1.5, "color": color}, "data": []}],
                    }
                ).classes("w-full h-44")
                for (key, name, unit), color in zip(TRACES, ("#56b4e9", "#009e73", "#d55e00", "#f0e442"), strict=True)
            }
        track = ui.echart(
            {
                "animation": False,
                "title": {"text": "Track, coloured by speed [km/h]", "textStyle": {"fontSize": 13, "color": "#cfd8dc"}},
                "visualMap": {"min": 50, "max": 350, "dimension": 2, "textStyle": {"color": "#cfd8dc"},
                              "inRange": {"color": ["#440154", "#31688e", "#35b779", "#fde725"]}},
                "xAxis": {"type": "value", "scale": True, "show": False},
                "yAxis": {"type": "value", "scale": True, "show": False},
                "series": [{"type": "scatter", "symbolSize": 5, "data": []},
                           {"type": "scatter", "symbolSize": 14, "itemStyle": {"color": "#ffffff"}, "data": []}],
            }
        ).classes("w-1/3").style("height:44rem")  # fmt: skip

    def refresh() -> None:
        known = sorted(feed.heard, key=lambda name: -feed.heard[name])
        if list(pick.options) != known:
            pick.set_options(known, value=pick.value or (known[0] if known else None))
        rows = list(feed.rows.get(pick.value, ()))
        if not rows:
            return
        for key, chart in charts.items():
            chart.options["series"][0]["data"] = [[round(row["session_time"], 2), row[key]] for row in rows]
            chart.update()
        placed = [row for row in rows if row["position_x"] is not None]
        track.options["series"][0]["data"] = [[r["position_x"], r["position_z"], r["speed"]] for r in placed]
        track.options["series"][1]["data"] = [[r["position_x"], r["position_z"], r["speed"]] for r in placed[-1:]]
        track.update()
        last = rows[-1]
        if last["lap_number"] is not None:
            lap.set_text(f"Lap {last['lap_number']:.0f}   {last['lap_time']:.1f} s   {last['lap_distance'] or 0:.0f} m")
        answer = feed.predictions.get(pick.value, {}).get("lap_time")
        if answer:
            predicted.set_text(f"Predicted lap {answer['value']:.2f} s (version {answer['version']})")

        errors = [f"{model} v{version}: error {score.mae:.2f} {score.unit}" for (model, version), score in sorted(feed.truths.scores.items())]
        broken = [f"drift of {', '.join(names)}" for (_, session), names in feed.watch.raised.items() if session == pick.value and names] if feed.watch else []
        quality.set_text("   ".join([*errors, *broken]))

    ui.timer(0.25, refresh)


def main() -> None:
    """Serve the page on the loopback interface."""
    settings = Settings()
    feed = Feed(settings)

    @ui.page("/")
    def index() -> None:
        build(feed)

    @app.get("/health")
    def health() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/metrics")
    def metrics() -> PlainTextResponse:
        return PlainTextResponse(feed.truths.metrics() + (feed.watch.metrics() if feed.watch else ""))

    ui.run(host=settings.host, port=settings.page_port, title="pitwall", reload=False, show=False, show_welcome_message=False)


if __name__ in {"__main__", "__mp_main__"}:
    main()
