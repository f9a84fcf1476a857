"""The charts of the analysis view: overlay, time lost by corner, and scatter."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np
from nicegui import events, ui

from pitwall.page.data import compare
from pitwall.page.data.compare import Corner, LapData, Overlay, Part
from pitwall.page.data.recorded import StoredLap
from pitwall.page.data.session import Floats
from pitwall.page.data.text import NBSP, seconds, signed
from pitwall.page.web.shell import Legend, panel
from pitwall.page.web.theme import DIM, EDGE, LINES, PANEL, TEXT, axis, chart

POINTS = 4000
"""Most points of one line of the overlay."""
SCATTER_POINTS = 1500
"""Most points of one lap in the scatter chart."""
ROW_PX = 170
"""Smallest height of a channel's row in the overlay, with its name above it."""
CORNER_NAMES = 24
"""Most names of corners that fit beside one another."""
INNER_LABELS = {
    "color": DIM,
    "fontSize": 12,
    "showMinLabel": False,
    "showMaxLabel": False,
    "hideOverlap": True,
}
AXIS_NAME = {"color": TEXT, "fontSize": 12, "align": "left", "padding": [0, 0, 0, -44]}


class OverlayChart:
    """The card with one row for each chosen column, and a last row for the delta."""

    def __init__(
        self,
        unit: Callable[[str], str],
        brushed: Callable[[events.GenericEventArguments], Awaitable[None]],
    ) -> None:
        self._unit = unit
        with ui.element("section").classes("panel").props('aria-label="Overlay"'):
            ui.label("Drag over the charts to set both cursors. Turn the wheel to zoom.").classes(
                "dim text-xs"
            )
            self._legend = Legend()
            self._chart = ui.echart({}).classes("w-full")
            self._chart.on("chart:brushEnd", brushed)
            self._chart.on("chart:brushend", brushed)

    def draw(
        self,
        overlay: Overlay,
        laps: Sequence[LapData],
        names: Sequence[str],
        corners: Sequence[Corner],
        parts: Sequence[Part],
    ) -> None:
        """Draw the laps, and over distance the names of the corners that there is room for."""
        rows = [(name, self._unit(name), overlay.columns[name]) for name in names] + [
            ("delta", "s", overlay.delta_s)
        ]
        titles = [lap_title(lap.lap) for lap in laps]
        self._chart.style(f"height:max(calc(100vh - 230px), {len(rows) * ROW_PX}px)")
        series = _overlay_series(overlay, rows, titles)
        if series and corners and overlay.by == "distance":
            room_m = (overlay.grid[-1] - overlay.grid[0]) / CORNER_NAMES
            named = compare.corners_to_name(corners, parts, room_m)
            series[0]["markLine"] = {
                "symbol": "none",
                "silent": True,
                "lineStyle": {"color": "#3a4654", "type": "dotted"},
                "label": {":formatter": self._corner_name(len(named)), "color": DIM},
                "data": [{"xAxis": corner.apex_m, "name": f"T{corner.number}"} for corner in named],
            }
        self._chart.options.clear()
        self._chart.options.update(
            chart(
                legend={"show": False, "data": list(dict.fromkeys(titles))},
                **_overlay_axes(overlay.by, [(name, unit) for name, unit, _ in rows]),
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
                        "xAxisIndex": list(range(len(rows))),
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
        self._legend.show(
            self._chart.id,
            [(title, LINES[lap % len(LINES)], False) for lap, title in enumerate(titles)],
        )

    def _corner_name(self, count: int) -> str:
        """JavaScript that names a corner, or every second or third one on a narrow screen."""
        room = f"getElement({self._chart.id}).$el.clientWidth - 64"
        return f"c => c.dataIndex % Math.ceil({count} * 36 / ({room})) ? '' : c.name"

    def mark(self, begin: float | None, end: float | None) -> None:
        """Show both cursors, and let a drag set them."""
        areas = (
            [{"brushType": "lineX", "xAxisIndex": 0, "coordRange": [begin, end]}]
            if begin is not None and end is not None
            else []
        )
        ui.run_javascript(
            "setTimeout(() => { "
            f"const c = getElement({self._chart.id})?.chart; if (!c) return; "
            "c.dispatchAction({type: 'takeGlobalCursor', key: 'brush', "
            "brushOption: {brushType: 'lineX', brushMode: 'single'}}); "
            f"c.dispatchAction({{type: 'brush', areas: {json.dumps(areas)}}}); }}, 150)"
        )

    def download_png(self) -> None:
        """Make the browser store the chart as a PNG image."""
        ui.run_javascript(
            f"const c = getElement({self._chart.id}).chart, a = document.createElement('a'); "
            "a.download = 'pitwall-laps.png'; "
            "a.href = c.getDataURL({pixelRatio: 2, backgroundColor: '#0d1115'}); a.click();"
        )


def _overlay_axes(by: str, rows: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """ECharts grids and axes, one of each for every row (name, unit)."""
    share = 90 / len(rows)
    grids, x_axes, y_axes = [], [], []
    for place, (name, unit) in enumerate(rows):
        last = place == len(rows) - 1
        grids.append(
            {
                "left": 50,
                "right": 14,
                "top": f"{4.5 + place * share:.2f}%",
                "height": f"{share * 0.82:.2f}%",
            }
        )
        x_name = "lap distance [m]" if by == "distance" else "lap time [s]"
        x_axes.append(
            axis(
                x_name if last else "",
                gridIndex=place,
                scale=False,
                axisLabel={"show": last, "color": DIM, "hideOverlap": True},
                min="dataMin",
                max="dataMax",
                axisPointer={"show": True, "label": {"show": last}},
            )
        )
        y_axes.append(
            axis(
                f"{name} [{unit}]" if unit else name,
                gridIndex=place,
                nameLocation="end",
                nameGap=22 if place == 0 else 6,
                splitNumber=3,
                nameTextStyle=AXIS_NAME,
                axisLabel={
                    "color": DIM,
                    "fontSize": 12,
                    "hideOverlap": True,
                    "showMaxLabel": False,
                },
            )
        )
    return {"grid": grids, "xAxis": x_axes, "yAxis": y_axes}


def _overlay_series(
    overlay: Overlay, rows: Sequence[tuple[str, str, Floats]], titles: Sequence[str]
) -> list[dict[str, Any]]:
    step = max(1, len(overlay.grid) // POINTS)
    return [
        {
            "type": "line",
            "name": titles[lap],
            "xAxisIndex": place,
            "yAxisIndex": place,
            "showSymbol": False,
            "lineStyle": {"width": 1.6},
            "itemStyle": {"color": LINES[lap % len(LINES)]},
            "data": pairs(overlay.grid[::step], values[::step]),
        }
        for place, (_, _, values_of_laps) in enumerate(rows)
        for lap, values in enumerate(values_of_laps)
    ]


class GainsChart:
    """The card that shows in which corners each lap lost time to the reference."""

    def __init__(self) -> None:
        with panel("Where time is lost [s] to the reference, by corner"):
            self._texts = ui.element("div").classes("w-full")
            self._chart = ui.echart({}).classes("w-full").style("height:16rem")

    def draw(self, laps: Sequence[LapData], parts: Sequence[Part]) -> None:
        """Say where most time was lost and gained, and draw every corner. `laps[0]` is the
        reference.
        """
        others = laps[1:]
        self._texts.clear()
        with self._texts:
            if not others or not parts:
                ui.label(
                    "Choose a second lap to compare with the first."
                    if parts
                    else "No corner was found. "
                    "Corners are found from the speed and the lateral acceleration."
                ).classes("empty")
            else:
                for number, other in enumerate(others, start=1):
                    _say_gains(number, other, parts)
        self._chart.set_visibility(bool(others and parts))
        self._chart.options.clear()
        self._chart.options.update(
            chart(
                grid={"left": 48, "right": 8, "top": 10, "bottom": 26},
                tooltip={"trigger": "axis", "renderMode": "richText"},
                xAxis={
                    "type": "category",
                    "data": [part.name for part in parts],
                    "axisLabel": {"color": DIM},
                },
                yAxis=axis("lost [s]", nameGap=34, scale=False),
                series=[
                    {
                        "type": "bar",
                        "name": lap_title(lap.lap),
                        "itemStyle": {"color": LINES[number % len(LINES)]},
                        "data": [
                            None if lost_s != lost_s else round(lost_s, 3)
                            for lost_s in (part.lost_s[number] for part in parts)
                        ],
                    }
                    for number, lap in enumerate(laps)
                    if number
                ],
            )
        )
        self._chart.update()


def _say_gains(number: int, lap: LapData, parts: Sequence[Part]) -> None:
    """Labels with the lap's total and the corners where it lost and gained most."""
    ranked = sorted(
        (part for part in parts if np.isfinite(part.lost_s[number])),
        key=lambda part: -part.lost_s[number],
    )
    total_s = sum(part.lost_s[number] for part in ranked)
    ui.label(f"{lap_title(lap.lap)}: {signed(total_s, 3)}{NBSP}s").classes("text-sm")
    for verb, extreme_parts in (("lost", ranked[:3]), ("gained", ranked[::-1][:2])):
        text = ", ".join(
            f"{part.name} {signed(part.lost_s[number], 2)}{NBSP}s "
            f"(slowest {part.slowest_kph[number]:.0f} "
            f"instead of {part.slowest_kph[0]:.0f}{NBSP}km/h)"
            for part in extreme_parts
            if (part.lost_s[number] > 0) == (verb == "lost")
        )
        if text:
            ui.label(f"Most time {verb}: {text}").classes("text-sm dim")


class ScatterChart:
    """The card that draws one column of the laps over another one."""

    def __init__(self, unit: Callable[[str], str], changed: Callable[[], Awaitable[None]]) -> None:
        self._unit = unit
        with panel("Scatter"):
            with ui.element("div").classes("tools"):
                self.x_choice = (
                    ui.select({}, label="x", on_change=changed)
                    .props("dense options-dense stack-label use-input")
                    .classes("w-60")
                )
                self.y_choice = (
                    ui.select({}, label="y", on_change=changed)
                    .props("dense options-dense stack-label use-input")
                    .classes("w-60")
                )
            self._chart = ui.echart({}).classes("w-full").style("height:17rem")

    def draw(self, laps: Sequence[LapData], x_name: str, y_name: str) -> None:
        """Draw the laps that have both columns."""
        self._chart.options.clear()
        self._chart.options.update(
            chart(
                grid={"left": 54, "right": 10, "top": 8, "bottom": 40},
                xAxis=axis(f"{x_name} [{self._unit(x_name)}]", axisLabel=INNER_LABELS),
                yAxis=axis(f"{y_name} [{self._unit(y_name)}]", nameGap=38, axisLabel=INNER_LABELS),
                dataZoom=[
                    {
                        "type": "inside",
                        f"{side}AxisIndex": 0,
                        "filterMode": "none",
                        **usual_range([lap.columns[name] for lap in laps if name in lap.columns]),
                    }
                    for side, name in (("x", x_name), ("y", y_name))
                ],
                series=[
                    {
                        "type": "scatter",
                        "symbolSize": 4,
                        "itemStyle": {"color": LINES[number % len(LINES)], "opacity": 0.5},
                        "name": lap_title(lap.lap),
                        "data": pairs(
                            lap.columns[x_name][:: max(1, len(lap.time_s) // SCATTER_POINTS)],
                            lap.columns[y_name][:: max(1, len(lap.time_s) // SCATTER_POINTS)],
                        ),
                    }
                    for number, lap in enumerate(laps)
                    if x_name in lap.columns and y_name in lap.columns
                ],
            )
        )
        self._chart.update()


def lap_title(lap: StoredLap) -> str:
    """Session, number, time and vehicle of a lap, as lists and legends show it."""
    time = seconds(lap.time_s) if lap.time_s == lap.time_s else "not whole"
    return f"{lap.session} lap {lap.number} ({time}) {lap.vehicle}"


def usual_range(columns: Sequence[Floats]) -> dict[str, float]:
    """Round ends of an axis between which all but the outermost thousandth of the values lie.

    The wheel zooms out to the rest. Empty where no value is finite.
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


def pairs(x_values: Floats, y_values: Floats) -> list[list[float | None]]:
    """Points for ECharts, rounded to four decimals; None for NaN."""
    return [
        [None if x != x else x, None if y != y else y]
        for x, y in np.round(np.column_stack([x_values, y_values]), 4).tolist()
    ]
