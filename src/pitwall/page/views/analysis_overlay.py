"""The overlay of the analysis view: the chosen columns of all laps on one axis, with the delta."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from nicegui import events, ui

from pitwall.page.data.compare import LapData, Overlay
from pitwall.page.data.corners import Corner, Part, corners_to_name
from pitwall.page.data.rows import Floats
from pitwall.page.web.charts import axis, chart, pairs
from pitwall.page.web.shell import Legend
from pitwall.page.web.theme import ACCENT, DIM, EDGE, GROUND, PANEL, TEXT, line_colour

MOST_POINTS = 4000
"""Most points of one line."""
ROW_PX = 170
"""Smallest height of a column's row, with its name above it."""
CORNER_NAMES = 24
"""Most names of corners that fit beside one another."""
NAME_PX = 36
"""Width of a corner's name."""
AXIS_NAME = {"color": TEXT, "fontSize": 12, "align": "left", "padding": [0, 0, 0, -44]}
"""Style of a row's name, which stands above the row at its left."""


class OverlayChart:
    """The card with one row for each chosen column, and a last row for the delta.

    `unit` gives the unit of a column by its name. `brushed` is called when a drag ends.
    """

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
        """Draw the laps and, over distance, the names of the corners that there is room for."""
        rows = [(name, self._unit(name), overlay.columns[name]) for name in names]
        rows.append(("delta", "s", overlay.delta_s))
        titles = [lap.lap.title for lap in laps]
        self._chart.style(f"height:max(calc(100vh - 230px), {len(rows) * ROW_PX}px)")
        series = _series(overlay, rows, titles)
        if series and corners and overlay.by == "distance":
            room_m = (overlay.grid[-1] - overlay.grid[0]) / CORNER_NAMES
            series[0]["markLine"] = self._corner_lines(corners_to_name(corners, parts, room_m))
        self._chart.options.clear()
        self._chart.options.update(
            chart(
                legend={"show": False, "data": list(dict.fromkeys(titles))},
                **_axes(overlay.by, [(name, unit) for name, unit, _ in rows]),
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
                    "brushStyle": {"color": "rgba(86,180,233,.12)", "borderColor": ACCENT},
                    "outOfBrush": {"colorAlpha": 1},
                    "inBrush": {"colorAlpha": 1},
                },
            )
        )
        self._chart.update()
        self._legend.show(
            self._chart.id,
            [(title, line_colour(number), False) for number, title in enumerate(titles)],
        )

    def _corner_lines(self, corners: Sequence[Corner]) -> dict[str, Any]:
        """Dotted lines with the corners' names; a narrow screen names every second or third one."""
        width_px = f"getElement({self._chart.id}).$el.clientWidth - 64"
        every = f"Math.ceil({len(corners)} * {NAME_PX} / ({width_px}))"
        return {
            "symbol": "none",
            "silent": True,
            "lineStyle": {"color": "#3a4654", "type": "dotted"},
            "label": {
                ":formatter": f"corner => corner.dataIndex % {every} ? '' : corner.name",
                "color": DIM,
            },
            "data": [{"xAxis": corner.apex_m, "name": corner.name} for corner in corners],
        }

    def mark(self, cursor_a: float | None, cursor_b: float | None) -> None:
        """Show both cursors where both are set, and let a drag set them."""
        areas = (
            [{"brushType": "lineX", "xAxisIndex": 0, "coordRange": [cursor_a, cursor_b]}]
            if cursor_a is not None and cursor_b is not None
            else []
        )
        # The chart takes a brush only after it was drawn.
        ui.run_javascript(
            "setTimeout(() => { "
            f"const chart = getElement({self._chart.id})?.chart; if (!chart) return; "
            "chart.dispatchAction({type: 'takeGlobalCursor', key: 'brush', "
            "brushOption: {brushType: 'lineX', brushMode: 'single'}}); "
            f"chart.dispatchAction({{type: 'brush', areas: {json.dumps(areas)}}}); }}, 150)"
        )

    def download_png(self) -> None:
        """Make the browser store the chart as a PNG image."""
        ui.run_javascript(
            f"const chart = getElement({self._chart.id}).chart; "
            "const link = document.createElement('a'); "
            "link.download = 'pitwall-laps.png'; "
            f"link.href = chart.getDataURL({{pixelRatio: 2, backgroundColor: '{GROUND}'}}); "
            "link.click();"
        )


def _axes(by: str, rows: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """ECharts grids and axes, one of each for every row (name, unit)."""
    share = 90 / len(rows)
    grids, x_axes, y_axes = [], [], []
    for place, (name, unit) in enumerate(rows):
        is_last = place == len(rows) - 1
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
                x_name if is_last else "",
                gridIndex=place,
                scale=False,
                axisLabel={"show": is_last, "color": DIM, "hideOverlap": True},
                min="dataMin",
                max="dataMax",
                axisPointer={"show": True, "label": {"show": is_last}},
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


def _series(
    overlay: Overlay, rows: Sequence[tuple[str, str, Floats]], titles: Sequence[str]
) -> list[dict[str, Any]]:
    """One ECharts line for each row (name, unit, values of all laps) and lap."""
    step = max(1, len(overlay.grid) // MOST_POINTS)
    return [
        {
            "type": "line",
            "name": title,
            "xAxisIndex": place,
            "yAxisIndex": place,
            "showSymbol": False,
            "lineStyle": {"width": 1.6},
            "itemStyle": {"color": line_colour(number)},
            "data": pairs(overlay.grid[::step], values[::step]),
        }
        for place, (_, _, values_of_laps) in enumerate(rows)
        for number, (title, values) in enumerate(zip(titles, values_of_laps, strict=True))
    ]
