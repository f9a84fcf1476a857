"""The track map of the live view."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from pitwall.page.data.moment import Moment
from pitwall.page.web.charts import chart
from pitwall.page.web.shell import heading
from pitwall.page.web.theme import DIM, DIVERGING, RAMP

COLOURS = {
    "speed": ("Speed", "km/h"),
    "throttle": ("Throttle", "%"),
    "brake": ("Brake", "%"),
    "lap_delta_to_best": ("Delta", "s"),
}
"""Name and unit of each column that can colour the track map."""


class TrackMap:
    """The card with the road of this lap and the lap before, coloured by one column.

    `redraw` is called after the viewer has chosen another column.
    """

    def __init__(self, redraw: Callable[[], None]) -> None:
        with ui.element("section").classes("panel").props('aria-label="Track map"'):
            with ui.element("div").classes("tools"):
                heading("Track map [m]")
                self._colour = ui.select(
                    {key: f"{name} [{unit}]" for key, (name, unit) in COLOURS.items()},
                    value="speed",
                    on_change=lambda: redraw(),
                ).props("dense options-dense borderless aria-label='Colour of the track'")
            self._chart = ui.echart(
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

    @property
    def chart_id(self) -> int:
        """NiceGUI's id of the chart."""
        return self._chart.id

    @property
    def colour(self) -> str:
        """The column that colours the road."""
        return str(self._colour.value)

    def draw(self, now: Moment) -> None:
        """Draw the road and the car on it."""
        road, low, high = now.track(self.colour)
        options = self._chart.options
        options["series"][0]["data"], options["series"][1]["data"] = road, road[-1:]
        unit, digits = COLOURS[self.colour][1], 2 if high - low < 5 else 0
        options["visualMap"] |= {
            "min": low,
            "max": high,
            "text": [f"{high:.{digits}f} {unit}", f"{low:.{digits}f}"],
            "inRange": {"color": DIVERGING if self.colour == "lap_delta_to_best" else RAMP},
        }
        for axis, (begin, end) in zip(("xAxis", "yAxis"), now.track_axes, strict=True):
            options[axis] |= {"min": begin, "max": end}
        self._chart.update()
