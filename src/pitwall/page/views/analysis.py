"""The analysis view: laps of any sessions on one axis, two cursors, scatter, and where the time is."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import numpy as np
from nicegui import events, ui

from pitwall.channels.table import CHANNELS
from pitwall.errors import PitwallError
from pitwall.page.data import compare
from pitwall.page.data.compare import Corner, LapData, Overlay, Part
from pitwall.page.data.export import laps_named, laps_text
from pitwall.page.data.recorded import Archive, StoredLap
from pitwall.page.data.session import Floats
from pitwall.page.data.text import NBSP, Cell, number, seconds, signed
from pitwall.page.web.shell import HtmlTable, Legend, page, panel
from pitwall.page.web.theme import DIM, EDGE, LINES, PANEL, TEXT, axis, chart

CHANNELS_SHOWN = ("speed", "throttle", "brake", "steering_angle")
NEEDED = ("speed", "acceleration_lat")
LAPS = 8
POINTS = 4000
ROW_PX = 170
"""A channel's row of the overlay is at least so high, with its name above it."""
CORNER_NAMES = 24
"""So many names of corners fit beside one another."""


class Analysis:
    """One viewer's analysis. All that is chosen stands in the address, and a link brings it back."""

    def __init__(self, archive: Archive, wanted: dict[str, str]) -> None:
        self._archive = archive
        self._wanted = wanted
        self._laps: list[StoredLap] = []
        self._all: list[StoredLap] = []
        self._data: list[LapData] = []
        self._overlay: Overlay | None = None
        self._settled = False
        self._asked: Any = None
        self._loaded: Any = None
        """What was asked for last, and what is on the screen: a reader that is overtaken shows
        nothing.
        """
        self._names = [name for name in wanted.get("channels", "").split(",") if name] or list(
            CHANNELS_SHOWN
        )
        self._by = (
            wanted.get("by", "distance") if wanted.get("by") in ("distance", "time") else "distance"
        )
        self._pair = (wanted.get("x") or "acceleration_lat", wanted.get("y") or "acceleration_long")
        with page("/analysis"):
            self._note = (
                ui.label("Reading the offline store …")
                .classes("empty")
                .props('role="status" data-fact="note"')
            )
            self._body = ui.element("div").classes("w-full")
            with self._body:
                self._controls()
                self._panels()
            self._body.set_visibility(False)
        ui.timer(0.1, self._begin, once=True)

    # -- layout ----------------------------------------------------------------------------------

    def _controls(self) -> None:
        with (
            ui.element("section").classes("panel").props('aria-label="What is shown"'),
            ui.element("div").classes("tools"),
        ):
            dense = "dense options-dense stack-label"
            self._pick = (
                ui.select(
                    {},
                    multiple=True,
                    label="Laps; the first one is the reference",
                    on_change=self._changed,
                )
                .props(f"{dense} use-input use-chips input-debounce=0 max-values={LAPS}")
                .classes("stretch")
            )
            self._channels = (
                ui.select({}, multiple=True, label="Channels and features", on_change=self._changed)
                .props(f"{dense} use-input input-debounce=0 max-values=10")
                .classes("w-44")
            )
            self._axis = ui.toggle(
                {"distance": "by distance", "time": "by time"},
                value=self._by,
                on_change=self._changed,
            ).props("dense no-caps toggle-text-color=black")
            self._from = (
                ui.number("Cursor A", on_change=self._cursors, format="%.6g")
                .props("dense stack-label clearable")
                .classes("w-28")
            )
            self._to = (
                ui.number("Cursor B", on_change=self._cursors, format="%.6g")
                .props("dense stack-label clearable")
                .classes("w-28")
            )
            for kind in ("csv", "parquet"):
                ui.button(
                    kind.upper() if kind == "csv" else "Parquet",
                    on_click=lambda _, kind=kind: self._export(kind),
                ).props("flat dense no-caps")
            ui.button("PNG", on_click=self._png).props("flat dense no-caps")
            ui.button(
                "Copy link",
                on_click=lambda: ui.run_javascript("navigator.clipboard.writeText(location.href)"),
            ).props("flat dense no-caps")

    def _panels(self) -> None:
        with ui.element("div").classes("compare"):
            with ui.element("section").classes("panel").props('aria-label="Overlay"'):
                ui.label(
                    "Drag over the charts to set both cursors. Turn the wheel to zoom."
                ).classes("dim text-xs")
                self._legend = Legend()
                self._chart = ui.echart({}).classes("w-full")
                self._chart.on("chart:brushEnd", self._brushed)
                self._chart.on("chart:brushend", self._brushed)
            with ui.element("div").classes("aside"):
                with panel("Between the cursors"):
                    self._between = HtmlTable(
                        ("Lap", Cell("Column", "text"), "At A", "At B", "Min", "Max", "Mean"),
                        "between",
                    )
                with panel("Where time is lost [s] to the reference, by corner"):
                    self._corners = ui.element("div").classes("w-full")
                    self._gain = ui.echart({}).classes("w-full").style("height:16rem")
                with panel("Scatter"):
                    with ui.element("div").classes("tools"):
                        self._x = (
                            ui.select({}, label="x", on_change=self._changed)
                            .props("dense options-dense stack-label use-input")
                            .classes("w-60")
                        )
                        self._y = (
                            ui.select({}, label="y", on_change=self._changed)
                            .props("dense options-dense stack-label use-input")
                            .classes("w-60")
                        )
                    self._scatter = ui.echart({}).classes("w-full").style("height:17rem")

    # -- what is chosen --------------------------------------------------------------------------

    async def _begin(self) -> None:
        try:
            self._all = await asyncio.to_thread(self._archive.laps)
            self._laps = await asyncio.to_thread(
                laps_named, self._archive, self._wanted.get("laps", "")
            )
        except PitwallError as error:
            self._note.set_text(str(error))
            self._note.classes(add="bad")
            return
        if not self._all:
            self._note.set_text(
                "The offline store holds no lap yet. Rows appear there one checkpoint after they were driven. "
                "This command brings in older recordings: ./pitwall backfill LAPS"
            )
            return
        if not self._laps:
            first = self._all[0]
            same = [
                lap
                for lap in self._all
                if (lap.vehicle, lap.session) == (first.vehicle, first.session)
            ]
            timed = sorted(
                (lap for lap in same if lap.time_s == lap.time_s), key=lambda lap: lap.time_s
            )
            self._laps = (timed or same)[:2]
        views = {lap.view for lap in self._all}
        names = list(
            dict.fromkeys(
                [*(n for view in sorted(views) for n in self._archive.sets[view].names), *CHANNELS]
            )
        )
        options = {laps_text([lap]): _title(lap) for lap in self._all}
        self._pick.set_options(options, value=[laps_text([lap]) for lap in self._laps])
        for control, value in (
            (self._channels, [n for n in self._names if n in names]),
            (self._x, self._pair[0]),
            (self._y, self._pair[1]),
        ):
            control.set_options(
                {n: f"{n} [{self._unit(n)}]" if self._unit(n) else n for n in names}, value=value
            )
        for cursor, key in ((self._from, "a"), (self._to, "b")):
            try:
                cursor.set_value(float(self._wanted[key]))
            except (KeyError, ValueError):
                pass
        self._settled = True
        self._note.set_visibility(False)
        self._body.set_visibility(True)
        await self._load()

    async def _changed(self) -> None:
        if self._settled:
            await self._load()

    async def _load(self) -> None:
        known = {laps_text([lap]): lap for lap in self._all}
        self._laps = [known[key] for key in (self._pick.value or []) if key in known][:LAPS]
        self._names = list(self._channels.value or [])
        self._by, self._pair = str(self._axis.value), (str(self._x.value), str(self._y.value))
        asked = self._asked = (tuple(self._laps), tuple(self._names), self._by, self._pair)
        if asked == self._loaded:
            return
        self._note.set_text(f"Reading {len(self._laps)} laps …")
        self._note.set_visibility(True)
        names = list(dict.fromkeys([*self._names, *self._pair, *NEEDED]))
        laps, by = self._laps, self._by
        try:
            self._data = await asyncio.to_thread(
                lambda: [compare.read(self._archive, lap, names) for lap in laps]
            )
        except PitwallError as error:
            self._note.set_text(str(error))
            self._note.set_visibility(True)
            return
        if asked != self._asked or self._note.is_deleted:
            return
        self._loaded = asked
        self._channels.props(f'display-value="{len(self._names)} shown"')
        self._note.set_visibility(not self._data)
        self._note.set_text("Choose laps to compare.")
        self._data = compare.aligned(self._data)
        self._overlay = compare.overlay(self._data, self._names, by)
        self._address()
        found = compare.corners(self._data[0]) if self._data else []
        parts = compare.gains(self._data, found)
        self._draw(found, parts)
        self._draw_gains(parts)
        self._draw_scatter()
        self._show_between()

    def _unit(self, name: str) -> str:
        for features in self._archive.sets.values():
            for feature in features.features:
                if feature.name == name:
                    return feature.unit
        return CHANNELS[name].unit if name in CHANNELS else ""

    def _query(self) -> dict[str, str]:
        query = {
            "laps": laps_text(self._laps),
            "channels": ",".join(self._names),
            "by": self._by,
            "x": self._pair[0],
            "y": self._pair[1],
        }
        for key, control in (("a", self._from), ("b", self._to)):
            if control.value is not None:
                query[key] = f"{control.value:.10g}"
        return query

    def _address(self) -> None:
        ui.run_javascript(
            f"history.replaceState(null, '', '/analysis?' + new URLSearchParams({json.dumps(self._query())}))"
        )

    # -- cursors and export ----------------------------------------------------------------------

    async def _cursors(self) -> None:
        if self._settled and self._overlay is not None:
            self._address()
            self._mark()
            self._show_between()

    async def _brushed(self, event: events.GenericEventArguments) -> None:
        areas = event.args.get("areas") or []
        if areas:
            begin, end = sorted(areas[0].get("coordRange") or areas[0]["coordRanges"][0])
            self._settled = False
            self._from.set_value(round(begin, 2))
            self._to.set_value(round(end, 2))
            self._settled = True
            await self._cursors()

    def _export(self, kind: str) -> None:
        query = {**self._query(), "format": kind}
        for old, new in (("a", "from"), ("b", "to")):
            if old in query:
                query[new] = query.pop(old)
        ui.download.from_url(f"/export?{urlencode(query)}")

    def _png(self) -> None:
        ui.run_javascript(
            f"const c = getElement({self._chart.id}).chart, a = document.createElement('a'); a.download = 'pitwall-laps.png'; "
            "a.href = c.getDataURL({pixelRatio: 2, backgroundColor: '#0d1115'}); a.click();"
        )

    # -- drawing ---------------------------------------------------------------------------------

    def _draw(self, found: list[Corner], parts: list[Part]) -> None:
        over = self._overlay
        assert over is not None
        unit = "m" if over.by == "distance" else "s"
        rows = [(name, self._unit(name), over.columns[name]) for name in self._names] + [
            ("delta", "s", over.delta_s)
        ]
        share = 90 / len(rows)
        self._chart.style(f"height:max(calc(100vh - 230px), {len(rows) * ROW_PX}px)")
        step = max(1, len(over.grid) // POINTS)
        titles = [_title(each.lap) for each in self._data]
        series, grids, xs, ys = [], [], [], []
        for place, (name, its_unit, values) in enumerate(rows):
            last = place == len(rows) - 1
            grids.append(
                {
                    "left": 50,
                    "right": 14,
                    "top": f"{4.5 + place * share:.2f}%",
                    "height": f"{share * 0.82:.2f}%",
                }
            )
            xs.append(
                axis(
                    f"{'lap distance' if over.by == 'distance' else 'lap time'} [{unit}]"
                    if last
                    else "",
                    gridIndex=place,
                    scale=False,
                    axisLabel={"show": last, "color": DIM, "hideOverlap": True},
                    min="dataMin",
                    max="dataMax",
                    axisPointer={"show": True, "label": {"show": last}},
                )
            )
            ys.append(
                axis(
                    f"{name} [{its_unit}]" if its_unit else name,
                    gridIndex=place,
                    nameLocation="end",
                    nameGap=22 if place == 0 else 6,
                    splitNumber=3,
                    nameTextStyle={
                        "color": TEXT,
                        "fontSize": 12,
                        "align": "left",
                        "padding": [0, 0, 0, -44],
                    },
                    axisLabel={
                        "color": DIM,
                        "fontSize": 12,
                        "hideOverlap": True,
                        "showMaxLabel": False,
                    },
                )
            )
            for lap, row in enumerate(values):
                series.append(
                    {
                        "type": "line",
                        "name": titles[lap],
                        "xAxisIndex": place,
                        "yAxisIndex": place,
                        "showSymbol": False,
                        "lineStyle": {"width": 1.6},
                        "itemStyle": {"color": LINES[lap % len(LINES)]},
                        "data": _pairs(over.grid[::step], row[::step]),
                    }
                )
        if series and found and over.by == "distance":
            named = compare.told(found, parts, (over.grid[-1] - over.grid[0]) / CORNER_NAMES)
            series[0]["markLine"] = {
                "symbol": "none",
                "silent": True,
                "lineStyle": {"color": "#3a4654", "type": "dotted"},
                "label": {":formatter": self._corner_name(len(named)), "color": DIM},
                "data": [{"xAxis": corner.apex_m, "name": f"T{corner.number}"} for corner in named],
            }
        every = list(range(len(rows)))
        self._chart.options.clear()
        self._chart.options.update(
            chart(
                legend={"show": False, "data": list(dict.fromkeys(titles))},
                grid=grids,
                xAxis=xs,
                yAxis=ys,
                series=series,
                tooltip={
                    "trigger": "axis",
                    "backgroundColor": PANEL,
                    "borderColor": EDGE,
                    "textStyle": {"color": TEXT, "fontSize": 12},
                    "renderMode": "richText",
                },
                axisPointer={"link": [{"xAxisIndex": "all"}]},
                toolbox={"show": False},
                dataZoom=[
                    {
                        "type": "inside",
                        "xAxisIndex": every,
                        "moveOnMouseMove": False,
                        "filterMode": "none",
                    }
                ],
                brush={
                    "xAxisIndex": "all",
                    "brushLink": "all",
                    "toolbox": [],
                    "brushStyle": {"color": "rgba(86,180,233,.12)", "borderColor": "#56b4e9"},
                    "outOfBrush": {"colorAlpha": 1},
                    "inBrush": {"colorAlpha": 1},
                },
            )
        )
        self._chart.update()
        colours = [LINES[lap % len(LINES)] for lap in range(len(titles))]
        self._legend.show(
            self._chart.id, [(t, c, False) for t, c in zip(titles, colours, strict=True)]
        )
        self._mark()

    def _corner_name(self, count: int) -> str:
        """JavaScript that names a corner, or every second or third one on a narrow screen."""
        room = f"getElement({self._chart.id}).$el.clientWidth - 64"
        return f"c => c.dataIndex % Math.ceil({count} * 36 / ({room})) ? '' : c.name"

    def _mark(self) -> None:
        """Show both cursors, and let a drag set them."""
        begin, end = self._from.value, self._to.value
        areas = (
            [{"brushType": "lineX", "xAxisIndex": 0, "coordRange": [begin, end]}]
            if begin is not None and end is not None
            else []
        )
        ui.run_javascript(
            f"setTimeout(() => {{ const c = getElement({self._chart.id})?.chart; if (!c) return; "
            "c.dispatchAction({type: 'takeGlobalCursor', key: 'brush', brushOption: {brushType: 'lineX', brushMode: 'single'}}); "
            f"c.dispatchAction({{type: 'brush', areas: {json.dumps(areas)}}}); }}, 150)"
        )

    def _show_between(self) -> None:
        over = self._overlay
        begin, end = self._from.value, self._to.value
        rows: list[list[str]] = []
        if over is not None and begin is not None and end is not None:
            for name in self._names:
                for at, data in enumerate(self._data):
                    found = compare.between(data.over(over.by), data.columns[name], begin, end)
                    ends = np.interp(
                        [begin, end], data.over(over.by), data.columns[name], np.nan, np.nan
                    )
                    rows.append(
                        [
                            Cell(f"{at + 1}"),
                            Cell(
                                f"{name} [{self._unit(name)}]" if self._unit(name) else name, "text"
                            ),
                            *(number(v) for v in (*ends, found.low, found.high, found.mean)),
                        ]
                    )
        self._between.show(
            rows, "Set both cursors to see the minimum, the maximum and the mean between them."
        )

    def _draw_gains(self, parts: list[Part]) -> None:
        others = self._data[1:]
        self._corners.clear()
        with self._corners:
            if not others or not parts:
                ui.label(
                    "Choose a second lap to compare with the first."
                    if parts
                    else "No corner was found. Corners are found from the speed and the lateral acceleration."
                ).classes("empty")
            else:
                for at, other in enumerate(others, start=1):
                    ranked = sorted(
                        (p for p in parts if np.isfinite(p.lost_s[at])),
                        key=lambda p, at=at: -p.lost_s[at],  # type: ignore[misc]
                    )
                    total = sum(p.lost_s[at] for p in ranked)
                    ui.label(f"{_title(other.lap)}: {signed(total, 3)}{NBSP}s").classes("text-sm")
                    for what, most in (("lost", ranked[:3]), ("gained", ranked[::-1][:2])):
                        text = ", ".join(
                            f"{p.name} {signed(p.lost_s[at], 2)}{NBSP}s (slowest {p.slowest_kph[at]:.0f} "
                            f"instead of {p.slowest_kph[0]:.0f}{NBSP}km/h)"
                            for p in most
                            if (p.lost_s[at] > 0) == (what == "lost")
                        )
                        if text:
                            ui.label(f"Most time {what}: {text}").classes("text-sm dim")
        self._gain.set_visibility(bool(others and parts))
        self._gain.options.clear()
        self._gain.options.update(
            chart(
                grid={"left": 48, "right": 8, "top": 10, "bottom": 26},
                tooltip={"trigger": "axis", "renderMode": "richText"},
                xAxis={
                    "type": "category",
                    "data": [p.name for p in parts],
                    "axisLabel": {"color": DIM},
                },
                yAxis=axis("lost [s]", nameGap=34, scale=False),
                series=[
                    {
                        "type": "bar",
                        "name": _title(data.lap),
                        "itemStyle": {"color": LINES[at % len(LINES)]},
                        "data": [
                            None if v != v else round(v, 3) for v in (p.lost_s[at] for p in parts)
                        ],
                    }
                    for at, data in enumerate(self._data)
                    if at
                ],
            )
        )
        self._gain.update()

    def _draw_scatter(self) -> None:
        x, y = self._pair
        inner = {
            "color": DIM,
            "fontSize": 12,
            "showMinLabel": False,
            "showMaxLabel": False,
            "hideOverlap": True,
        }
        self._scatter.options.clear()
        self._scatter.options.update(
            chart(
                grid={"left": 54, "right": 10, "top": 8, "bottom": 40},
                xAxis=axis(f"{x} [{self._unit(x)}]", axisLabel=inner),
                yAxis=axis(f"{y} [{self._unit(y)}]", nameGap=38, axisLabel=inner),
                dataZoom=[
                    {
                        "type": "inside",
                        f"{side}AxisIndex": 0,
                        "filterMode": "none",
                        **_most([d.columns[name] for d in self._data if name in d.columns]),
                    }
                    for side, name in (("x", x), ("y", y))
                ],
                series=[
                    {
                        "type": "scatter",
                        "symbolSize": 4,
                        "itemStyle": {"color": LINES[at % len(LINES)], "opacity": 0.5},
                        "name": _title(data.lap),
                        "data": _pairs(
                            data.columns[x][:: max(1, len(data.time_s) // 1500)],
                            data.columns[y][:: max(1, len(data.time_s) // 1500)],
                        ),
                    }
                    for at, data in enumerate(self._data)
                    if x in data.columns and y in data.columns
                ],
            )
        )
        self._scatter.update()


def _title(lap: StoredLap) -> str:
    time = seconds(lap.time_s) if lap.time_s == lap.time_s else "not whole"
    return f"{lap.session} lap {lap.number} ({time}) {lap.vehicle}"


def _most(columns: list[Floats]) -> dict[str, float]:
    """The ends between which all but the outermost thousandth of the samples lie; the wheel shows
    the rest.
    """
    values = np.concatenate([c[np.isfinite(c)] for c in columns]) if columns else np.empty(0)
    if not len(values):
        return {}
    low, high = np.quantile(values, [0.001, 0.999])
    step = 10.0 ** np.floor(np.log10(max(high - low, 1e-9) / 4))
    return {
        "startValue": float(np.floor(low / step) * step),
        "endValue": float(np.ceil(high / step) * step),
    }


def _pairs(x: Floats, y: Floats) -> list[list[float | None]]:
    return [
        [None if a != a else a, None if b != b else b]
        for a, b in np.round(np.column_stack([x, y]), 4).tolist()
    ]
