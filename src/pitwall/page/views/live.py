"""The live view."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import numpy as np
from nicegui import ui

from pitwall.channels.table import CHANNELS
from pitwall.errors import PitwallError
from pitwall.page.data.feed import Feed
from pitwall.page.data.laps import Reference
from pitwall.page.data.moment import Moment, moment
from pitwall.page.data.recorded import Archive, StoredLap
from pitwall.page.data.session import LiveSession, key_of, parse_key
from pitwall.page.data.status import Health
from pitwall.page.data.text import seconds, signed
from pitwall.page.web.shell import Fact, HtmlTable, every, heading, page, panel
from pitwall.page.web.theme import ACCENT, BEST, DIM, DIVERGING, RAMP, TEXT, WARN, axis, chart

STRIPS = (
    "speed",
    "throttle",
    "brake",
    "steering_angle",
    "acceleration_long",
    "acceleration_lat",
    "battery_power",
    "lap_delta_to_best",
)
HIDDEN = ("position_x", "position_z", "acceleration_lat", "acceleration_long")
COLOURS = {
    "speed": ("Speed", "km/h"),
    "throttle": ("Throttle", "%"),
    "brake": ("Brake", "%"),
    "lap_delta_to_best": ("Delta", "s"),
}
OWN = "The session's best lap, and until there is one the fastest stored lap of this road"


class Live:
    """One viewer's live view."""

    def __init__(
        self, feed: Feed, archive: Archive, health: Health, wanted: dict[str, str]
    ) -> None:
        self._feed, self._archive, self._health = feed, archive, health
        self._reference: Reference | None = None
        self._stored: dict[str, StoredLap] = {}
        self._names = [each for each in wanted.get("channels", "").split(",") if each] or list(
            STRIPS
        )
        self._window = (
            float(wanted["window"])
            if wanted.get("window", "").replace(".", "", 1).isdigit()
            else 60.0
        )
        self._key = (
            key_of(wanted["vehicle"], wanted["session"])
            if "vehicle" in wanted and "session" in wanted
            else None
        )
        self._shown: tuple[Any, ...] = ()
        self._drawn: tuple[Any, ...] = ()
        with page("/") as bar:
            self._bar(bar)
            self._empty = ui.label("").classes("empty").props('role="status"')
            with ui.element("div").classes("grid-live") as self._grid:
                self._left()
                with ui.element("div").classes("side"):
                    self._right()
        every(0.25, self._quick)
        every(1.0, self._slow)

    # -- layout ----------------------------------------------------------------------------------

    def _bar(self, bar: Any) -> None:
        with bar:
            self._pick = (
                ui.select({}, label="Session", on_change=self._picked)
                .props("dense options-dense stack-label")
                .classes("pick")
            )
            self._state = ui.label("").props('role="status" data-fact="state"')

    def _left(self) -> None:
        with ui.element("section").classes("panel strip-panel").props('aria-label="Strip charts"'):
            with ui.element("div").classes("tools"):
                self._channels = (
                    ui.select(
                        {}, multiple=True, label="Channels and features", on_change=self._chosen
                    )
                    .props(
                        "dense options-dense stack-label use-input input-debounce=0 max-values=16"
                    )
                    .classes("w-44")
                )
                for text, call, hint in (
                    ("Pause", "pause", "Space"),
                    ("Start", "start", "Home"),
                    ("Live", "latest", "End"),
                ):
                    button = (
                        ui.button(text)
                        .props(f'flat dense no-caps title="Key {hint}"')
                        .on("click", js_handler=f"() => pitwall.call('{call}')")
                    )
                    if call == "pause":
                        button.props("id=strip-pause aria-pressed=false")
                for text, share, hint in (("◀", -0.5, "Left"), ("▶", 0.5, "Right")):
                    ui.button(text).props(
                        f'flat dense title="Key {hint}" aria-label="Scroll {hint.lower()}"'
                    ).on("click", js_handler=f"() => pitwall.call('move', {share})")
                for text, factor, hint in (("−", 1.5, "longer"), ("+", 0.667, "shorter")):
                    ui.button(text).props(
                        f'flat dense aria-label="Show a {hint} time" title="Show a {hint} time, key {text}"'
                    ).on("click", js_handler=f"() => pitwall.call('zoom', {factor})")
                ui.html('<span id="strip-time" class="dim"></span>', sanitize=False)
                ui.label("Keys: Space, ←, →, Home, End, + and −").classes("dim text-xs keys")
            ui.element("div").classes("strips").props(
                'id="strips" tabindex="0" role="img" aria-label="Strip charts over session time"'
            )

    def _right(self) -> None:
        with (
            ui.element("section").classes("panel wide now").props('aria-label="Now"'),
            ui.element("div").classes("big"),
        ):
            self._lap, self._time = Fact("Lap", "lap"), Fact("Lap time [s]", "lap_time")
            self._predicted = Fact("Predicted lap [s]", "predicted", "double")
            self._delta, self._baseline, self._best, self._theory = (
                Fact("Delta [s]", "delta"),
                Fact("Pace ratio [s]", "pace_ratio"),
                Fact("Best lap [s]", "best"),
                Fact("Theoretical [s]", "theory"),
            )
        with ui.element("section").classes("panel").props('aria-label="Track map"'):
            with ui.element("div").classes("tools"):
                heading("Track map [m]")
                self._colour = ui.select(
                    {key: f"{name} [{unit}]" for key, (name, unit) in COLOURS.items()},
                    value="speed",
                    on_change=lambda: self._slow(),
                ).props("dense options-dense borderless aria-label='Colour of the track'")
            self._map = ui.echart(
                chart(
                    grid={"left": 8, "right": 8, "top": 6, "bottom": 30},
                    visualMap={
                        "min": 0,
                        "max": 1,
                        "dimension": 2,
                        "orient": "horizontal",
                        "left": "center",
                        "bottom": 0,
                        "itemWidth": 10,
                        "itemHeight": 110,
                        "textStyle": {"color": DIM},
                        "inRange": {"color": RAMP},
                        "seriesIndex": 0,
                        "calculable": False,
                        "precision": 1,
                    },
                    xAxis={"type": "value", "show": False},
                    yAxis={"type": "value", "show": False},
                    series=[
                        {"type": "scatter", "symbolSize": 5, "data": []},
                        {
                            "type": "scatter",
                            "symbolSize": 16,
                            "itemStyle": {"color": "#fff", "borderColor": "#000", "borderWidth": 2},
                            "data": [],
                            "z": 9,
                        },
                    ],
                )
            ).classes("grow w-full")
        with panel("Grip: acceleration [G] in the last 30\u00a0s"):
            self._grip = ui.echart(
                chart(
                    grid={"left": 44, "right": 10, "top": 8, "bottom": 42},
                    xAxis=axis("lateral [G]", min=-4, max=4, scale=False),
                    yAxis=axis("longitudinal [G]", min=-4, max=4, scale=False, nameGap=26),
                    series=[
                        {
                            "type": "scatter",
                            "symbolSize": 4,
                            "itemStyle": {"color": ACCENT, "opacity": 0.55},
                            "data": [],
                        },
                        {
                            "type": "scatter",
                            "symbolSize": 14,
                            "itemStyle": {"color": "#fff"},
                            "data": [],
                            "z": 9,
                        },
                    ],
                )
            ).classes("grow w-full")
        for chart_id, x, y in (
            (self._map.id, "position_x", "position_z"),
            (self._grip.id, "acceleration_lat", "acceleration_long"),
        ):
            ui.run_javascript(f"pitwall.follow({chart_id}, '{x}', '{y}')")
        with ui.element("section").classes("panel").props('aria-label="Delta to the reference"'):
            with ui.element("div").classes("head-row"):
                with ui.element("h2"):
                    self._delta_name = ui.label("Delta [s]").props('data-fact="reference"')
                ui.button("Reference …", on_click=self._reference_open).props("flat dense no-caps")
            self._delta_chart = ui.echart(_lines("lap distance [m]", "s", 2)).classes("grow w-full")
        with ui.dialog() as self._references, ui.card():
            ui.label("Compare the live lap with")
            self._reference_of = (
                ui.select({}, on_change=self._reference_picked)
                .props("dense options-dense use-input input-debounce=0 aria-label='Reference lap'")
                .classes("pick")
            )
        with ui.element("section").classes("panel").props('aria-label="Predicted lap time"'):
            heading("Predicted lap time [s] over distance [m]")
            self._forecast = ui.echart(_lines("lap distance [m]", "s", 5)).classes("grow w-full")
            _name(
                self._forecast.options,
                ("model", "interval", "interval", "pace ratio", "last lap"),
                (ACCENT, DIM, DIM, WARN, BEST),
            )
            for each in self._forecast.options["series"][1:3]:
                each["lineStyle"] |= {"type": "dashed", "width": 1}
            self._verdict = ui.label("").classes("text-xs").props('data-fact="verdict"')
        with panel("Laps"):
            self._laps = HtmlTable(("Lap", "Time [s]", "S1", "S2", "S3", "Valid"), "laps", "y")
        with panel("Data health"):
            self._table = HtmlTable(("", ""), "health")
        with ui.element("section").classes("panel wide").props('aria-label="Alarms"'):
            with ui.dialog() as self._limits, ui.card():
                ui.label("This limit holds for every car that has the feature.")
                self._limit_of = (
                    ui.select({}, label="Channel or feature", on_change=self._limit_picked)
                    .props("dense options-dense use-input")
                    .classes("w-72")
                )
                self._low, self._high = (
                    ui.number("Lowest").props("dense"),
                    ui.number("Highest").props("dense"),
                )
                ui.button("Set", on_click=self._limit_set).props("flat no-caps")
            with ui.element("div").classes("head-row"):
                heading("Alarms")
                ui.button("Limits …", on_click=self._limit_open).props("flat dense no-caps")
            self._alarms = (
                ui.element("div")
                .classes("list")
                .props('role="log" aria-live="polite" data-scroll="y" tabindex=0')
            )

    # -- choices ---------------------------------------------------------------------------------

    @property
    def session(self) -> LiveSession | None:
        """The one shown."""
        return self._feed.sessions.get(parse_key(self._key)) if self._key else None

    def _picked(self) -> None:
        if self._pick.value and self._pick.value != self._key:
            self._key = self._pick.value
            self._quick()

    def _chosen(self) -> None:
        if self._channels.value and list(self._channels.value) != self._names:
            self._names = list(self._channels.value)[:16]
            self._open()

    def _about(self, name: str, session: LiveSession) -> dict[str, Any]:
        features = self._feed.sets[session.view].features if session.view in self._feed.sets else []
        feature = next((each for each in features if each.name == name), None)
        channel = CHANNELS.get(name)
        label = (
            name.replace("_", " ").capitalize() if feature else channel.name if channel else name
        )
        return {
            "name": name,
            "label": label,
            "unit": feature.unit if feature else channel.unit if channel else "",
        }

    def _open(self) -> None:
        session = self.session
        if session is None:
            return
        known = [each for each in self._names if each in session.names or each in CHANNELS]
        what = {
            "vehicle": session.vehicle,
            "session": session.session,
            "window": self._window,
            "names": [self._about(each, session) for each in known],
            "hidden": [
                each
                for each in dict.fromkeys(HIDDEN)
                if each in session.names and each not in known
            ],
        }
        ui.run_javascript(f"pitwall.open('strips', {json.dumps(what)})")
        query = {
            "vehicle": session.vehicle,
            "session": session.session,
            "channels": ",".join(self._names),
            "window": f"{self._window:g}",
        }
        ui.run_javascript(
            f"history.replaceState(null, '', '/?' + new URLSearchParams({json.dumps(query)}))"
        )

    # -- what changes ----------------------------------------------------------------------------

    def _quick(self) -> None:
        options = {
            key_of(
                each.vehicle, each.session
            ): f"{'● ' if each.running else '○ '}{each.session}  {each.vehicle}"
            for each in self._feed.ordered()
        }
        if self._key is None and options:
            self._key = next(iter(options))
        if options != self._pick.options or (
            self._key in options and self._pick.value != self._key
        ):
            self._pick.set_options(options, value=self._key if self._key in options else None)
        session = self.session
        self._grid.set_visibility(session is not None)
        self._empty.set_visibility(session is None)
        state = self._feed.state
        if session is None:
            self._empty.set_text(
                "The page is waiting for Kafka …"
                if state == "connecting"
                else state
                if state != "live"
                else "No car has sent data in the last two minutes. These commands start one: ./pitwall replay LAPS, or ./pitwall simulate. "
                "The Analysis view shows recorded sessions."
            )
            return
        silent = time.time() - session.heard
        text, kind = (
            ("● live", "good") if session.running else (f"○ silent for {silent:.0f} s", "warn")
        )
        if state != "live":
            text, kind = state, "bad"
        self._state.set_text(text)
        self._state.classes(replace=kind)
        shown = (self._key, session.view, tuple(self._names))
        if shown != self._shown:
            self._shown = shown
            options = {
                each: each
                for each in (*session.names, *(c for c in CHANNELS if c not in session.names))
            }
            chosen = [each for each in self._names if each in options]
            self._channels.set_options(options, value=chosen)
            self._channels.props(f'display-value="{len(chosen)} shown"')
            self._open()
        self._lap.show(
            f"{session.value('lap_number'):.0f}"
            if session.value("lap_number") == session.value("lap_number")
            else "–"
        )
        self._time.show(seconds(session.value("lap_time"), 1))
        now = moment(session, self._reference)
        delta = float(now.delta[-1]) if now else np.nan
        self._delta.show(
            signed(delta, 2), "" if delta != delta else "good" if delta <= 0 else "bad"
        )

    def _slow(self) -> None:
        session = self.session
        now = moment(session, self._reference) if session else None
        if session is None or now is None:
            return
        drawn = (now, self._colour.value)
        if drawn != self._drawn:
            self._drawn = drawn
            self._draw_map(now)
            self._grip.options["series"][0]["data"], self._grip.options["series"][1]["data"] = (
                now.grip,
                now.grip[-1:],
            )
            self._grip.update()
            self._best.show(seconds(now.best[0]), "purple" if now.best[0] == now.best[0] else "")
            self._theory.show(seconds(now.best[1]))
            self._laps.show(
                now.lap_table,
                "There is no lap yet. A new lap begins where the lap distance falls back to zero.",
            )
            if now.laps:
                self._draw_delta(now)
                self._draw_forecast(now)
        self._table.show(self._health.rows(session))
        self._draw_alarms(session)

    def _draw_map(self, now: Moment) -> None:
        key = str(self._colour.value)
        road, low, high = now.map(key)
        options = self._map.options
        options["series"][0]["data"], options["series"][1]["data"] = road, road[-1:]
        unit, digits = COLOURS[key][1], 2 if high - low < 5 else 0
        options["visualMap"] |= {
            "min": low,
            "max": high,
            "text": [f"{high:.{digits}f} {unit}", f"{low:.{digits}f}"],
            "inRange": {"color": DIVERGING if key == "lap_delta_to_best" else RAMP},
        }
        for name, (begin, end) in zip(("xAxis", "yAxis"), now.square, strict=True):
            options[name] |= {"min": begin, "max": end}
        self._map.update()

    def _draw_delta(self, now: Moment) -> None:
        lines = now.deltas()
        options = self._delta_chart.options
        _name(options, tuple(name for name, _ in lines), (ACCENT, DIM))
        for at, series in enumerate(options["series"]):
            series["data"] = lines[at][1] if at < len(lines) else []
        options["legend"] = _legend(tuple(name for name, _ in lines))
        self._delta_chart.update()
        self._delta_name.set_text(f"Delta [s] to {now.reference_name}")

    def _draw_forecast(self, now: Moment) -> None:
        it = now.forecast
        self._baseline.show(seconds(float(it.baseline[-1]) if len(it.baseline) else np.nan, 2))
        half = f" ± {(it.high[-1] - it.low[-1]) / 2:.2f}" if len(it.value) else ""
        self._predicted.show(seconds(float(it.value[-1]), 2) + half if half else "–")
        options = self._forecast.options
        lines, ends = now.forecast_lines
        for series, data in zip(options["series"], lines, strict=True):
            series["data"] = data
        if ends:
            options["yAxis"] |= dict(zip(("min", "max"), ends, strict=True))
        options["legend"] = _legend(
            ("model", "interval", "pace ratio", *(("last lap",) if now.verdict else ()))
        )
        self._forecast.update()
        self._verdict.set_text(now.said)

    def _draw_alarms(self, session: LiveSession) -> None:
        found = self._feed.alarms.shown(session.vehicle, session.session)
        now = tuple((a.said, a.acknowledged) for a in found)
        if now == getattr(self, "_alarmed", None):
            return
        self._alarmed = now
        self._alarms.clear()
        with self._alarms:
            if not found:
                ui.label("Every channel is within its limits.").classes("dim")
            for alarm in found:
                with ui.element("div").classes("alarm" if alarm.active else "alarm over"):
                    ui.label(alarm.said).classes("grow")
                    if alarm.acknowledged:
                        ui.label("acknowledged").classes("dim")
                    else:
                        ui.button(
                            "Acknowledge",
                            on_click=lambda _, name=alarm.name: self._acknowledge(session, name),
                        ).props("flat dense no-caps")

    def _limit_open(self) -> None:
        if session := self.session:
            self._limit_of.set_options(
                {each: each for each in session.names},
                value="speed" if "speed" in session.names else session.names[0],
            )
            self._limit_picked()
            self._limits.open()

    def _limit_picked(self) -> None:
        session = self.session
        known = (
            self._feed.alarms.limits.get(session.view, {}).get(str(self._limit_of.value))
            if session
            else None
        )
        self._low.set_value(known.low if known else None)
        self._high.set_value(known.high if known else None)

    def _limit_set(self) -> None:
        session, name = self.session, str(self._limit_of.value)
        if session is None or name not in session.names:
            return
        low, high = (
            float(end if end is not None else sign * np.inf)
            for end, sign in ((self._low.value, -1), (self._high.value, 1))
        )
        self._feed.alarms.set_limit(
            session.view, name, str(self._about(name, session)["unit"]), low, high
        )
        for each in self._feed.ordered():  # also of a car that sends nothing now
            if each.view == session.view:
                values = np.array([each.value(every) for every in each.names])
                self._feed.alarms.watch(each.view, each.vehicle, each.session, each.names, values)
        self._limits.close()

    async def _reference_open(self) -> None:
        session = self.session
        if session is None:
            return
        try:
            found = [
                lap
                for lap in await asyncio.to_thread(self._archive.laps)
                if lap.view == session.view and lap.time_s == lap.time_s
            ]
        except PitwallError as error:
            ui.notify(str(error), type="negative")
            return
        self._stored = {
            f"{lap.session} lap {lap.number}": lap
            for lap in sorted(found, key=lambda lap: lap.time_s)
        }
        options = {
            "": OWN,
            **{
                name: f"{seconds(lap.time_s)} s  {name}  {lap.vehicle}"
                for name, lap in self._stored.items()
            },
        }
        self._reference_of.set_options(
            options,
            value=self._reference.name
            if self._reference and self._reference.name in options
            else "",
        )
        self._references.open()

    async def _reference_picked(self) -> None:
        lap = self._stored.get(str(self._reference_of.value))
        try:
            self._reference = await asyncio.to_thread(self._archive.reference, lap) if lap else None
        except PitwallError as error:
            ui.notify(str(error), type="negative")
        self._slow()

    def _acknowledge(self, session: LiveSession, name: str) -> None:
        self._feed.alarms.acknowledge(session.vehicle, session.session, name)
        self._draw_alarms(session)


def _lines(x: str, y: str, count: int) -> dict[str, Any]:
    return chart(
        grid={"left": 48, "right": 14, "top": 24, "bottom": 44},
        xAxis=axis(x, nameGap=24, scale=False),
        yAxis=axis(
            y,
            nameGap=34,
            splitNumber=4,
            axisLabel={
                "color": DIM,
                "fontSize": 12,
                "showMinLabel": False,
                "showMaxLabel": False,
                "hideOverlap": True,
            },
        ),
        series=[
            {"type": "line", "showSymbol": False, "data": [], "lineStyle": {"width": 2}}
            for _ in range(count)
        ],
        legend=_legend(()),
    )


def _legend(names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "data": list(names),
        "top": 0,
        "left": 0,
        "textStyle": {"color": TEXT, "fontSize": 12},
        "itemWidth": 14,
        "itemHeight": 8,
        "icon": "roundRect",
    }


def _name(options: dict[str, Any], names: tuple[str, ...], colours: tuple[str, ...]) -> None:
    for each, name, colour in zip(options["series"], names, colours, strict=False):
        each |= {"name": name, "itemStyle": {"color": colour}}
        each["lineStyle"] = {**each["lineStyle"], "color": colour}
