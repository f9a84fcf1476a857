"""The scatter chart of the analysis view: one column of the laps over another one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import numpy as np
from nicegui import ui

from pitwall.page.data.compare import LapData
from pitwall.page.data.rows import Floats
from pitwall.page.web.charts import INNER_LABELS, axis, chart, pairs
from pitwall.page.web.shell import panel
from pitwall.page.web.theme import line_colour

MOST_POINTS = 1500
"""About so many points of one lap are drawn."""


class ScatterChart:
    """The card with the scatter chart and the choice of its columns.

    `unit` gives the unit of a column by its name. `changed` is called after another choice.
    """

    def __init__(self, unit: Callable[[str], str], changed: Callable[[], Awaitable[None]]) -> None:
        self._unit = unit
        with panel("Scatter"):
            with ui.element("div").classes("tools"):
                self.x_choice, self.y_choice = (
                    ui.select({}, label=label, on_change=changed)
                    .props("dense options-dense stack-label use-input")
                    .classes("w-60")
                    for label in ("x", "y")
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
                        "itemStyle": {"color": line_colour(number), "opacity": 0.5},
                        "name": lap.lap.title,
                        "data": _points(lap, x_name, y_name),
                    }
                    for number, lap in enumerate(laps)
                    if x_name in lap.columns and y_name in lap.columns
                ],
            )
        )
        self._chart.update()


def _points(lap: LapData, x_name: str, y_name: str) -> list[list[float | None]]:
    step = max(1, len(lap.time_s) // MOST_POINTS)
    return pairs(lap.columns[x_name][::step], lap.columns[y_name][::step])


def usual_range(columns: Sequence[Floats]) -> dict[str, float]:
    """Both ends of an axis between which all but the outermost thousandths of the values lie.

    They are round numbers, as ECharts options; empty where no value is finite. A viewer zooms out
    to the rest with the wheel.
    """
    values = (
        np.concatenate([column[np.isfinite(column)] for column in columns])
        if columns
        else np.empty(0)
    )
    if not len(values):
        return {}
    low, high = np.quantile(values, [0.001, 0.999])
    step = 10.0 ** np.floor(np.log10(max(high - low, 1e-9) / 4))
    return {
        "startValue": float(np.floor(low / step) * step),
        "endValue": float(np.ceil(high / step) * step),
    }
