"""The charts of the live view: track map, grip, and predicted lap time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from pitwall.page.data.moment import Moment
from pitwall.page.web.shell import heading, panel
from pitwall.page.web.theme import ACCENT, BEST, DIM, DIVERGING, RAMP, TEXT, WARN, axis, chart

COLOURS = {
    "speed": ("Speed", "km/h"),
    "throttle": ("Throttle", "%"),
    "brake": ("Brake", "%"),
    "lap_delta_to_best": ("Delta", "s"),
}
"""Name and unit of each column that can colour the track map."""


class TrackMap:
    """The card with the road since the start of the lap before, coloured by one column."""

    def __init__(self, redraw: Callable[[], None]) -> None:
        with ui.element("section").classes("panel").props('aria-label="Track map"'):
            with ui.element("div").classes("tools"):
                heading("Track map [m]")
                self._colour = ui.select(
                    {key: f"{name} [{unit}]" for key, (name, unit) in COLOURS.items()},
                    value="speed",
                    on_change=lambda: redraw(),
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

    @property
    def chart_id(self) -> int:
        """NiceGUI's id of the chart."""
        return self._map.id

    @property
    def colour(self) -> str:
        """The column that colours the road."""
        return str(self._colour.value)

    def draw(self, now: Moment) -> None:
        """Draw the road and the car on it."""
        road, low, high = now.map(self.colour)
        options = self._map.options
        options["series"][0]["data"], options["series"][1]["data"] = road, road[-1:]
        unit, digits = COLOURS[self.colour][1], 2 if high - low < 5 else 0
        options["visualMap"] |= {
            "min": low,
            "max": high,
            "text": [f"{high:.{digits}f} {unit}", f"{low:.{digits}f}"],
            "inRange": {"color": DIVERGING if self.colour == "lap_delta_to_best" else RAMP},
        }
        for name, (begin, end) in zip(("xAxis", "yAxis"), now.square, strict=True):
            options[name] |= {"min": begin, "max": end}
        self._map.update()


class GripChart:
    """The card with the lateral and longitudinal acceleration of the last 30 s."""

    def __init__(self) -> None:
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

    @property
    def chart_id(self) -> int:
        """NiceGUI's id of the chart."""
        return self._grip.id

    def draw(self, now: Moment) -> None:
        """Draw the accelerations, the newest one large."""
        series = self._grip.options["series"]
        series[0]["data"], series[1]["data"] = now.grip, now.grip[-1:]
        self._grip.update()


class ForecastChart:
    """The card with the predicted lap time, the pace ratio and the last lap's time."""

    def __init__(self) -> None:
        with ui.element("section").classes("panel").props('aria-label="Predicted lap time"'):
            heading("Predicted lap time [s] over distance [m]")
            self._forecast = ui.echart(line_chart("lap distance [m]", "s", 5)).classes(
                "grow w-full"
            )
            name_lines(
                self._forecast.options,
                ("model", "interval", "interval", "pace ratio", "last lap"),
                (ACCENT, DIM, DIM, WARN, BEST),
            )
            for interval_end in self._forecast.options["series"][1:3]:
                interval_end["lineStyle"] |= {"type": "dashed", "width": 1}
            self._verdict = ui.label("").classes("text-xs").props('data-fact="verdict"')

    def draw(self, now: Moment) -> None:
        """Draw the forecast of the lap under way, and say how the last whole lap's one did."""
        options = self._forecast.options
        lines, ends = now.forecast_lines
        for series, data in zip(options["series"], lines, strict=True):
            series["data"] = data
        if ends:
            options["yAxis"] |= dict(zip(("min", "max"), ends, strict=True))
        options["legend"] = legend(
            ("model", "interval", "pace ratio", *(("last lap",) if now.verdict else ()))
        )
        self._forecast.update()
        self._verdict.set_text(now.said)


class DeltaChart:
    """The chart of the delta to the reference over lap distance, of the two newest laps."""

    def __init__(self) -> None:
        self._chart = ui.echart(line_chart("lap distance [m]", "s", 2)).classes("grow w-full")

    def draw(self, now: Moment) -> None:
        """Draw the delta of the lap under way and of the lap before."""
        lines = now.deltas()
        names = tuple(name for name, _ in lines)
        options = self._chart.options
        name_lines(options, names, (ACCENT, DIM))
        for number, series in enumerate(options["series"]):
            series["data"] = lines[number][1] if number < len(lines) else []
        options["legend"] = legend(names)
        self._chart.update()


def line_chart(x_name: str, y_name: str, count: int) -> dict[str, Any]:
    """ECharts options of a chart with `count` lines that have no data yet."""
    return chart(
        grid={"left": 48, "right": 14, "top": 24, "bottom": 44},
        xAxis=axis(x_name, nameGap=24, scale=False),
        yAxis=axis(
            y_name,
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
        legend=legend(()),
    )


def legend(names: tuple[str, ...]) -> dict[str, Any]:
    """ECharts legend of the named lines, at the top left."""
    return {
        "data": list(names),
        "top": 0,
        "left": 0,
        "textStyle": {"color": TEXT, "fontSize": 12},
        "itemWidth": 14,
        "itemHeight": 8,
        "icon": "roundRect",
    }


def name_lines(options: dict[str, Any], names: tuple[str, ...], colours: tuple[str, ...]) -> None:
    """Give the lines of a chart their names and colours, in order."""
    for series, name, colour in zip(options["series"], names, colours, strict=False):
        series |= {"name": name, "itemStyle": {"color": colour}}
        series["lineStyle"] = {**series["lineStyle"], "color": colour}
