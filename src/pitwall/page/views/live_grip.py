"""The grip chart of the live view: lateral and longitudinal acceleration."""

from __future__ import annotations

from nicegui import ui

from pitwall.page.data.moment import Moment
from pitwall.page.data.text import NBSP
from pitwall.page.web.charts import axis, chart
from pitwall.page.web.shell import panel
from pitwall.page.web.theme import ACCENT


class GripChart:
    """The card with the accelerations of the last 30 s, the newest one large."""

    def __init__(self) -> None:
        with panel(f"Grip: acceleration [G] in the last 30{NBSP}s"):
            self._chart = ui.echart(
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

    @property
    def chart_id(self) -> int:
        """NiceGUI's id of the chart."""
        return self._chart.id

    def draw(self, now: Moment) -> None:
        """Draw the accelerations."""
        series = self._chart.options["series"]
        series[0]["data"], series[1]["data"] = now.grip, now.grip[-1:]
        self._chart.update()
