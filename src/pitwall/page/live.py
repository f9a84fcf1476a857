"""The live view."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
from nicegui import ui

from pitwall.channels import CHANNELS
from pitwall.page.feed import Feed
from pitwall.page.laps import LapRow, best_of, forecast, laps_of, verdicts
from pitwall.page.session import AT, Floats, LiveSession, column, key_of, parse_key
from pitwall.page.shell import Cell, Fact, HtmlTable, every, heading, page, panel
from pitwall.page.status import Health
from pitwall.page.theme import ACCENT, BEST, DIM, DIVERGING, RAMP, TEXT, WARN, axis, chart, seconds, signed

STRIPS = ("speed", "throttle", "brake", "steering_angle", "acceleration_long", "acceleration_lat", "battery_power", "lap_delta_to_best")
HIDDEN = ("position_x", "position_z", "acceleration_lat", "acceleration_long")
COLOURS = {"speed": ("Speed", "km/h"), "throttle": ("Throttle", "%"), "brake": ("Brake", "%"), "lap_delta_to_best": ("Delta to best", "s")}
POINTS = 700


class Live:
    """One viewer's live view."""

    def __init__(self, feed: Feed, health: Health, wanted: dict[str, str]) -> None:
        self._feed, self._health = feed, health
        self._names = [each for each in wanted.get("channels", "").split(",") if each] or list(STRIPS)
        self._window = float(wanted["window"]) if wanted.get("window", "").replace(".", "", 1).isdigit() else 60.0
        self._key = key_of(wanted["vehicle"], wanted["session"]) if "vehicle" in wanted and "session" in wanted else None
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
            self._pick = ui.select({}, label="Session", on_change=self._picked).props("dense options-dense stack-label").classes("w-96")
            self._state = ui.label("").props('role="status" data-fact="state"')

    def _left(self) -> None:
        with ui.element("section").classes("panel").props('aria-label="Strip charts"'):
            with ui.element("div").classes("tools"):
                self._channels = (
                    ui.select({}, multiple=True, label="Channels and features", on_change=self._chosen)
                    .props("dense options-dense stack-label use-input input-debounce=0 max-values=16").classes("w-72")
                )  # fmt: skip
                for text, call, hint in (("Pause", "pause", "Space"), ("Start", "start", "Home"), ("Live", "latest", "End")):
                    button = (
                        ui.button(text).props(f'flat dense no-caps title="{hint}"').on("click", js_handler=f"() => pitwall.call('{call}')")
                    )
                    if call == "pause":
                        button.props("id=strip-pause aria-pressed=false")
                for text, share, hint in (("◀", -0.5, "Left"), ("▶", 0.5, "Right")):
                    ui.button(text).props(f'flat dense title="{hint}" aria-label="Scroll {hint.lower()}"').on(
                        "click", js_handler=f"() => pitwall.call('move', {share})")  # fmt: skip
                for text, factor, hint in (("−", 1.5, "Longer"), ("+", 0.667, "Shorter")):
                    ui.button(text).props(f'flat dense aria-label="{hint} window" title="{hint} window"').on(
                        "click", js_handler=f"() => pitwall.call('zoom', {factor})")  # fmt: skip
                ui.html('<span id="strip-time" class="dim"></span>', sanitize=False)
                ui.label("Space pause · ←→ scroll · Home start · End live · +− window").classes("dim text-xs")
            ui.element("div").classes("strips").props('id="strips" tabindex="0" role="img" aria-label="Strip charts over session time"')

    def _right(self) -> None:
        with ui.element("section").classes("panel wide").props('aria-label="Now"'), ui.element("div").classes("big"):
            self._lap, self._time = Fact("Lap", "lap"), Fact("Lap time [s]", "lap_time")
            self._delta, self._predicted = Fact("Delta to best [s]", "delta"), Fact("Predicted lap [s]", "predicted")
            self._baseline, self._best, self._theory = (
                Fact("Pace ratio [s]", "pace_ratio"),
                Fact("Best lap [s]", "best"),
                Fact("Theoretical [s]", "theory"),
            )
        with ui.element("section").classes("panel").props('aria-label="Track map"'):
            with ui.element("div").classes("tools"):
                heading("Track map [m]")
                self._colour = ui.select({key: f"{name} [{unit}]" for key, (name, unit) in COLOURS.items()}, value="speed",
                                         on_change=lambda: self._slow()).props("dense options-dense borderless aria-label='Colour of the track'")  # fmt: skip
            self._map = ui.echart(chart(
                grid={"left": 8, "right": 8, "top": 6, "bottom": 30},
                visualMap={"min": 0, "max": 1, "dimension": 2, "orient": "horizontal", "left": "center", "bottom": 0, "itemWidth": 10, "itemHeight": 110,
                           "textStyle": {"color": DIM}, "inRange": {"color": RAMP}, "seriesIndex": 0, "calculable": False, "precision": 1},
                xAxis={"type": "value", "show": False}, yAxis={"type": "value", "show": False},
                series=[{"type": "scatter", "symbolSize": 5, "data": []},
                        {"type": "scatter", "symbolSize": 16, "itemStyle": {"color": "#fff", "borderColor": "#000", "borderWidth": 2}, "data": [], "z": 9}],
            )).classes("grow w-full")  # fmt: skip
        with panel("Grip: acceleration [G], the last 30 s"):
            self._grip = ui.echart(chart(
                grid={"left": 44, "right": 10, "top": 8, "bottom": 42},
                xAxis=axis("lateral [G]", min=-4, max=4, scale=False), yAxis=axis("longitudinal [G]", min=-4, max=4, scale=False, nameGap=26),
                series=[{"type": "scatter", "symbolSize": 4, "itemStyle": {"color": ACCENT, "opacity": 0.55}, "data": []},
                        {"type": "scatter", "symbolSize": 14, "itemStyle": {"color": "#fff"}, "data": [], "z": 9}],
            )).classes("grow w-full")  # fmt: skip
        for chart_id, x, y in ((self._map.id, "position_x", "position_z"), (self._grip.id, "acceleration_lat", "acceleration_long")):
            ui.run_javascript(f"pitwall.follow({chart_id}, '{x}', '{y}')")
        with panel("Delta to the best lap [s] over distance [m]"):
            self._delta_chart = ui.echart(_lines("lap distance [m]", "s", 2)).classes("grow w-full")
        with ui.element("section").classes("panel").props('aria-label="Predicted lap time"'):
            heading("Predicted lap time [s] over distance [m]")
            self._forecast = ui.echart(_lines("lap distance [m]", "s", 5)).classes("grow w-full")
            self._verdict = ui.label("").classes("text-xs").props('data-fact="verdict"')
        with panel("Laps"):
            self._laps = HtmlTable(("Lap", "Time [s]", "S1", "S2", "S3", "Valid"), "laps")
        with panel("Data health"):
            self._table = HtmlTable(("", ""), "health")
        with panel("Alarms", "wide"):
            with ui.dialog() as self._limits, ui.card():
                ui.label("A limit, for every car with this feature")
                self._limit_of = (
                    ui.select({}, label="Channel or feature", on_change=self._limit_picked)
                    .props("dense options-dense use-input")
                    .classes("w-72")
                )
                self._low, self._high = ui.number("Lowest").props("dense"), ui.number("Highest").props("dense")
                ui.button("Set", on_click=self._limit_set).props("flat no-caps")
            ui.button("Limits …", on_click=self._limit_open).props("flat dense no-caps").style("position:absolute;right:.6rem;top:.2rem")
            self._alarms = ui.element("div").classes("w-full").props('role="log" aria-live="polite"')

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
        label = name.replace("_", " ").capitalize() if feature else channel.name if channel else name
        return {"name": name, "label": label, "unit": feature.unit if feature else channel.unit if channel else ""}

    def _open(self) -> None:
        session = self.session
        if session is None:
            return
        known = [each for each in self._names if each in session.names or each in CHANNELS]
        what = {"vehicle": session.vehicle, "session": session.session, "window": self._window,
                "names": [self._about(each, session) for each in known],
                "hidden": [each for each in dict.fromkeys(HIDDEN) if each in session.names and each not in known]}  # fmt: skip
        ui.run_javascript(f"pitwall.open('strips', {json.dumps(what)})")
        query = {"vehicle": session.vehicle, "session": session.session, "channels": ",".join(self._names), "window": f"{self._window:g}"}
        ui.run_javascript(f"history.replaceState(null, '', '/?' + new URLSearchParams({json.dumps(query)}))")

    # -- what changes ----------------------------------------------------------------------------

    def _quick(self) -> None:
        options = {
            key_of(each.vehicle, each.session): f"{'● ' if each.running else '○ '}{each.session}  {each.vehicle}"
            for each in self._feed.ordered()
        }
        if self._key is None and options:
            self._key = next(iter(options))
        if options != self._pick.options or (self._key in options and self._pick.value != self._key):
            self._pick.set_options(options, value=self._key if self._key in options else None)
        session = self.session
        self._grid.set_visibility(session is not None)
        self._empty.set_visibility(session is None)
        state = self._feed.state
        if session is None:
            self._empty.set_text(
                "Waiting for Kafka …" if state == "connecting" else state if state != "live" else
                "No car has sent anything in the last two minutes. Start one: ./pitwall replay LAPS, or ./pitwall simulate. "
                "Recorded sessions are under Analysis."
            )  # fmt: skip
            return
        silent = time.time() - session.heard
        text, kind = ("● live", "good") if session.running else (f"○ silent for {silent:.0f} s", "warn")
        if state != "live":
            text, kind = state, "bad"
        self._state.set_text(text)
        self._state.classes(replace=kind)
        shown = (self._key, session.view, tuple(self._names))
        if shown != self._shown:
            self._shown = shown
            options = {each: each for each in (*session.names, *(c for c in CHANNELS if c not in session.names))}
            self._channels.set_options(options, value=[each for each in self._names if each in options])
            self._open()
        self._lap.show(f"{session.value('lap_number'):.0f}" if session.value("lap_number") == session.value("lap_number") else "–")
        self._time.show(seconds(session.value("lap_time"), 1))
        delta = session.value("lap_delta_to_best")
        self._delta.show(signed(delta, 2), "" if delta != delta else "good" if delta <= 0 else "bad")

    def _slow(self) -> None:
        session = self.session
        if session is None:
            return
        trail = session.trail.since(0)[1]
        if not len(trail):
            return
        drawn = (self._key, session.generation, len(trail), trail[-1, 0], self._colour.value, len(session.predictions.get("lap_time", ())))
        if drawn != self._drawn:
            self._drawn = drawn
            laps = laps_of(trail)
            self._draw_map(trail, laps)
            self._draw_grip(trail)
            self._draw_laps(trail, laps, session)
        self._table.show(self._health.rows(session))
        self._draw_alarms(session)

    def _draw_map(self, trail: Floats, laps: list[LapRow]) -> None:
        begin = laps[-2].first if len(laps) > 1 else laps[-1].first if laps else 0
        part = trail[begin:]
        part = part[np.isfinite(column(part, "position_x"))]
        part = part[:: max(1, len(part) // POINTS)]
        key = str(self._colour.value)
        values = column(part, key)
        options = self._map.options
        options["series"][0]["data"] = _data(
            column(part, "position_x"), column(part, "position_z"), np.where(np.isfinite(values), values, 0)
        )
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        if key == "lap_delta_to_best":
            high = max(abs(low), abs(high), 0.05)
            low = -high
        elif key in ("throttle", "brake"):
            low, high = 0.0, 100.0
        options["visualMap"] |= {"min": round(low, 1), "max": round(max(high, low + 0.1), 1), "text": [COLOURS[key][1], ""]}
        options["visualMap"]["inRange"] = {"color": DIVERGING if key == "lap_delta_to_best" else RAMP}
        if len(part):
            options["xAxis"] |= dict(zip(("min", "max"), _square(part, "position_x", "position_z"), strict=True))
            options["yAxis"] |= dict(zip(("min", "max"), _square(part, "position_z", "position_x"), strict=True))
        options["series"][1]["data"] = options["series"][0]["data"][-1:]
        self._map.update()

    def _draw_grip(self, trail: Floats) -> None:
        part = trail[-300:]
        self._grip.options["series"][0]["data"] = _data(column(part, "acceleration_lat"), column(part, "acceleration_long"))
        self._grip.options["series"][1]["data"] = self._grip.options["series"][0]["data"][-1:]
        self._grip.update()

    def _draw_laps(self, trail: Floats, laps: list[LapRow], session: LiveSession) -> None:
        best, sectors = best_of(laps)
        theory = min(sum(sectors), best)
        self._best.show(seconds(best), "purple" if best == best else "")
        self._theory.show(seconds(theory))
        rows = []
        for lap in reversed(laps):
            splits = [Cell(seconds(s), "best" if s == sectors[n] else "") for n, s in enumerate(lap.sectors_s)]
            valid = "now" if lap is laps[-1] else "yes" if lap.valid else "range" if lap.whole else "part"
            rows.append([str(lap.number), Cell(seconds(lap.time_s), "best" if lap.time_s == best else ""), *splits,
                         Cell(valid, "dim" if valid == "now" else "good" if lap.valid else "warn")])  # fmt: skip
        self._laps.show(rows, "No lap yet: they are counted where the lap distance falls back.")
        if not laps:
            return
        lap = laps[-1]
        part = trail[lap.first :]
        self._delta_chart.options["series"][0]["data"] = _data(column(part, "lap_distance"), column(part, "lap_delta_to_best"))
        if len(laps) > 1:
            last = trail[laps[-2].first : laps[-2].last + 1]
            self._delta_chart.options["series"][1]["data"] = _data(column(last, "lap_distance"), column(last, "lap_delta_to_best"))
        self._delta_chart.options["legend"] = _legend((f"lap {lap.number}", f"lap {lap.number - 1}"))
        _name(self._delta_chart.options, (f"lap {lap.number}", f"lap {lap.number - 1}"), (ACCENT, DIM))
        self._delta_chart.update()
        self._draw_forecast(trail, laps, session)

    def _draw_forecast(self, trail: Floats, laps: list[LapRow], session: LiveSession) -> None:
        typical = self._feed.errors.get("lap_time", np.nan)
        made = session.predictions.get("lap_time", ())
        now = forecast(trail, laps[-1], list(made), typical)
        plain = now.baseline[-1] if len(now.baseline) else np.nan
        self._baseline.show(seconds(float(plain), 2))
        if len(now.value):
            half = (now.high[-1] - now.low[-1]) / 2
            self._predicted.show(f"{seconds(float(now.value[-1]), 2)}{f' ± {half:.2f}' if half == half else ''}")
        else:
            self._predicted.show("–")
        options = self._forecast.options
        names = ("model", "low", "high", "pace ratio", "truth of the last lap")
        _name(options, names, (ACCENT, DIM, DIM, WARN, BEST))
        for number, values in enumerate((now.value, now.low, now.high)):
            options["series"][number]["data"] = _data(now.distance_m, values)
        options["series"][3]["data"] = _data(
            now.baseline_m, np.where(column(trail[laps[-1].first :], "lap_time") > 3, now.baseline, np.nan)
        )
        found = verdicts(trail, laps[-3:], list(made), typical)
        length = np.nanmax(column(trail, "lap_distance")) if np.isfinite(column(trail, "lap_distance")).any() else 0
        options["series"][4]["data"] = _data(np.array([0, length]), np.array([found[-1].truth] * 2)) if found else []
        for number in (1, 2):
            options["series"][number]["lineStyle"] = {"type": "dashed", "width": 1}
        settled = np.concatenate([values[len(values) // 5 :] for values in (now.value, now.low, now.high, now.baseline)])
        settled = np.append(settled[np.isfinite(settled)], [each.truth for each in found[-1:]])
        if len(settled):
            # A guess made on the first metres says nothing and would flatten all others.
            options["yAxis"] |= {"min": float(np.floor(settled.min() * 2 - 1) / 2), "max": float(np.ceil(settled.max() * 2 + 1) / 2)}
        options["legend"] = _legend(("model", "pace ratio", *(("truth of the last lap",) if found else ())))
        self._forecast.update()
        if found:
            it = found[-1]
            inside = "" if it.inside is None else ", inside its interval" if it.inside else ", outside its interval"
            mean = " The interval is ± the model's mean error." if now.typical_error == now.typical_error else ""
            self._verdict.set_text(
                f"Lap {it.lap} took {seconds(it.truth)} s; at half distance the model was off by {signed(it.predicted - it.truth, 2)} s{inside}, "
                f"the pace ratio by {signed(it.baseline - it.truth, 2)} s.{mean}"
            )
        else:
            self._verdict.set_text(
                "No prediction: no champion scores this car, see Models." if not made else "The truth comes with the lap's end."
            )

    def _draw_alarms(self, session: LiveSession) -> None:
        found = self._feed.alarms.shown(session.vehicle, session.session)
        now = tuple((a.text, a.active, a.acknowledged, a.times, round(a.worst, 2)) for a in found)
        if now == getattr(self, "_alarmed", None):
            return
        self._alarmed = now
        self._alarms.clear()
        with self._alarms:
            if not found:
                ui.label("None: every channel is within its limits.").classes("dim")
            for alarm in found:
                with ui.element("div").classes("alarm" if alarm.active else "alarm over"):
                    ui.label(f"{alarm.text}: {alarm.worst:.4g} {alarm.unit}" + (f", {alarm.times} times" if alarm.times > 1 else "")
                             + ("" if alarm.active else ", over")).classes("grow")  # fmt: skip
                    if alarm.acknowledged:
                        ui.label("acknowledged").classes("dim")
                    else:
                        ui.button("Acknowledge", on_click=lambda _, name=alarm.name: self._acknowledge(session, name)).props(
                            "flat dense no-caps"
                        )

    def _limit_open(self) -> None:
        if session := self.session:
            self._limit_of.set_options(
                {each: each for each in session.names}, value="speed" if "speed" in session.names else session.names[0]
            )
            self._limit_picked()
            self._limits.open()

    def _limit_picked(self) -> None:
        session = self.session
        known = self._feed.alarms.limits.get(session.view, {}).get(str(self._limit_of.value)) if session else None
        self._low.set_value(known.low if known else None)
        self._high.set_value(known.high if known else None)

    def _limit_set(self) -> None:
        session, name = self.session, str(self._limit_of.value)
        if session is None or name not in session.names:
            return
        low, high = (float(end if end is not None else sign * np.inf) for end, sign in ((self._low.value, -1), (self._high.value, 1)))
        self._feed.alarms.set_limit(session.view, name, str(self._about(name, session)["unit"]), low, high)
        self._limits.close()

    def _acknowledge(self, session: LiveSession, name: str) -> None:
        self._feed.alarms.acknowledge(session.vehicle, session.session, name)
        self._draw_alarms(session)


def _lines(x: str, y: str, count: int) -> dict[str, Any]:
    return chart(
        grid={"left": 48, "right": 14, "top": 24, "bottom": 44}, xAxis=axis(x, nameGap=24, scale=False), yAxis=axis(y, nameGap=34),
        series=[{"type": "line", "showSymbol": False, "data": [], "lineStyle": {"width": 2}} for _ in range(count)], legend=_legend(()),
    )  # fmt: skip


def _legend(names: tuple[str, ...]) -> dict[str, Any]:
    return {"data": list(names), "top": 0, "textStyle": {"color": TEXT, "fontSize": 12}, "itemHeight": 8, "icon": "roundRect"}


def _name(options: dict[str, Any], names: tuple[str, ...], colours: tuple[str, ...]) -> None:
    for each, name, colour in zip(options["series"], names, colours, strict=False):
        each |= {"name": name, "itemStyle": {"color": colour}}
        each["lineStyle"] = {**each["lineStyle"], "color": colour}


def _data(*columns: Floats) -> list[list[float | None]]:
    """Rows for a chart; a row without a finite value is left out."""
    block = np.round(np.column_stack(columns), 3)
    return block[np.isfinite(block).all(axis=1)].tolist()  # type: ignore[no-any-return]


def _square(part: Floats, mine: str, other: str) -> tuple[float, float]:
    """The axis' ends so that both axes have one scale."""
    span = max(float(np.ptp(part[:, AT[mine]])), float(np.ptp(part[:, AT[other]])), 1.0) * 1.08
    middle = float(part[:, AT[mine]].max() + part[:, AT[mine]].min()) / 2
    return round(middle - span / 2, 1), round(middle + span / 2, 1)
