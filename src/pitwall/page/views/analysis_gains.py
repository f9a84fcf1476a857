"""The time that each lap lost or gained in each corner, in the analysis view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from nicegui import ui

from pitwall.page.data.compare import LapData
from pitwall.page.data.corners import Part
from pitwall.page.data.text import NBSP, signed
from pitwall.page.web.charts import axis, chart
from pitwall.page.web.shell import panel
from pitwall.page.web.theme import DIM, line_colour

MOST_LOST, MOST_GAINED = 3, 2
"""So many corners are named where a lap lost most time, and where it gained most."""


class GainsChart:
    """The card that shows in which corners each lap lost time to the reference."""

    def __init__(self) -> None:
        with panel("Where time is lost [s] to the reference, by corner"):
            self._texts = ui.element("div").classes("w-full")
            self._chart = ui.echart({}).classes("w-full").style("height:16rem")

    def draw(self, laps: Sequence[LapData], parts: Sequence[Part]) -> None:
        """Say where most time was lost and gained, and draw every corner.

        `laps[0]` is the reference.
        """
        comparable = len(laps) > 1 and bool(parts)
        self._texts.clear()
        with self._texts:
            if comparable:
                for number, lap in enumerate(laps[1:], start=1):
                    _say_gains(number, lap, parts)
            else:
                ui.label(
                    "Choose a second lap to compare with the first."
                    if parts
                    else "No corner was found. "
                    "Corners are found from the speed and the lateral acceleration."
                ).classes("empty")
        self._chart.set_visibility(comparable)
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
                        "name": lap.lap.title,
                        "itemStyle": {"color": line_colour(number)},
                        "data": [
                            None if np.isnan(part.lost_s[number]) else round(part.lost_s[number], 3)
                            for part in parts
                        ],
                    }
                    for number, lap in enumerate(laps[1:], start=1)
                ],
            )
        )
        self._chart.update()


def _say_gains(number: int, lap: LapData, parts: Sequence[Part]) -> None:
    """Show the time that a lap lost in all, and the corners where it lost and gained most."""
    ranked = sorted(
        (part for part in parts if np.isfinite(part.lost_s[number])),
        key=lambda part: -part.lost_s[number],
    )
    total_s = sum(part.lost_s[number] for part in ranked)
    ui.label(f"{lap.lap.title}: {signed(total_s, 3)}{NBSP}s").classes("text-sm")
    for verb, extreme_parts in (
        ("lost", ranked[:MOST_LOST]),
        ("gained", ranked[::-1][:MOST_GAINED]),
    ):
        text = ", ".join(
            f"{part.name} {signed(part.lost_s[number], 2)}{NBSP}s "
            f"(slowest {part.slowest_kph[number]:.0f} "
            f"instead of {part.slowest_kph[0]:.0f}{NBSP}km/h)"
            for part in extreme_parts
            if (part.lost_s[number] > 0) == (verb == "lost")
        )
        if text:
            ui.label(f"Most time {verb}: {text}").classes("text-sm dim")
