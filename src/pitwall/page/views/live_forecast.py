"""The predicted lap time in the live view, over the distance of the lap under way."""

from __future__ import annotations

from nicegui import ui

from pitwall.page.data.moment import Moment
from pitwall.page.web.charts import legend, line_chart, name_lines
from pitwall.page.web.shell import heading
from pitwall.page.web.theme import ACCENT, BEST, DIM, WARN


class ForecastChart:
    """The card with the predicted lap time, the pace ratio and the last lap's time."""

    def __init__(self) -> None:
        with ui.element("section").classes("panel").props('aria-label="Predicted lap time"'):
            heading("Predicted lap time [s] over distance [m]")
            self._chart = ui.echart(line_chart("lap distance [m]", "s", 5)).classes("grow w-full")
            name_lines(
                self._chart.options,
                ("model", "interval", "interval", "pace ratio", "last lap"),
                (ACCENT, DIM, DIM, WARN, BEST),
            )
            for interval_end in self._chart.options["series"][1:3]:
                interval_end["lineStyle"] |= {"type": "dashed", "width": 1}
            self._verdict = ui.label("").classes("text-xs").props('data-fact="verdict"')

    def draw(self, now: Moment) -> None:
        """Draw the predictions of the lap under way, and say how good the last lap's one was."""
        options = self._chart.options
        lines, ends = now.forecast_lines
        for series, data in zip(options["series"], lines, strict=True):
            series["data"] = data
        if ends:
            options["yAxis"] |= dict(zip(("min", "max"), ends, strict=True))
        options["legend"] = legend(
            ("model", "interval", "pace ratio", *(("last lap",) if now.verdict else ()))
        )
        self._chart.update()
        self._verdict.set_text(now.verdict_text)
