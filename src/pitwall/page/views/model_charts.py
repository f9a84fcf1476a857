"""The charts of the models view: the champion's error on each held-out lap, and in each tenth of a
lap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from nicegui import ui

from pitwall.models.registry import Version
from pitwall.monitoring.truths import PARTS
from pitwall.page.data.registry import Registry
from pitwall.page.data.scores import VersionScore
from pitwall.page.web.charts import axis, chart, rounded
from pitwall.page.web.shell import Legend, panel
from pitwall.page.web.theme import DIM, line_colour

NAMED_LAPS = 12
"""With so many laps or more, their names do not fit beside one another."""
WALK_FORWARD = "walk_"
"""Prefix of the errors of walk-forward training; those by part are not drawn."""


class ErrorByLap:
    """The card with the error on each lap that was held out of the champion's training."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._drawn: tuple[Any, ...] = ()
        """The champion and the number of lines that the chart shows now."""
        with panel("Error on each lap that was held out of the champion's training"):
            self._legend, self._chart = Legend(), ui.echart(_empty())

    async def draw(self, champion: Version) -> None:
        """Draw the errors of the champion's candidates and baselines where they have changed."""
        errors = await asyncio.to_thread(self._registry.errors_by_lap, champion)
        if self._drawn == (champion, len(errors)):
            return
        self._drawn = (champion, len(errors))
        laps = list(dict.fromkeys(lap for by_lap in errors.values() for lap in by_lap))
        with_names = len(laps) < NAMED_LAPS
        series = [
            {
                "type": "bar",
                "name": name,
                "itemStyle": {"color": line_colour(number)},
                "data": [rounded(by_lap.get(lap)) for lap in laps],
            }
            for number, (name, by_lap) in enumerate(errors.items())
        ]
        self._chart.options.update(
            xAxis={
                "type": "category",
                "data": [lap.split("/", 1)[-1] for lap in laps],
                "axisLabel": {
                    "color": DIM,
                    "show": with_names,
                    "hideOverlap": True,
                    "alignMinLabel": "left",
                    "alignMaxLabel": "right",
                },
                "name": f"{len(laps)} laps by date",
                "nameLocation": "middle",
                "nameGap": 26 if with_names else 12,
                "nameTextStyle": {"color": DIM},
            },
            yAxis=axis(f"error [{champion.unit}]", scale=False),
            series=series,
        )
        self._chart.update()
        self._legend.show(
            self._chart.id,
            [(name, line_colour(number), False) for number, name in enumerate(errors)],
        )


class ErrorByPart:
    """The card with the error in each tenth of the lap, in training and live."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._drawn: tuple[Any, ...] = ()
        """The champion, the number of lines, and the number of predictions by role, as the chart
        shows them now.
        """
        with panel("Error in each part of the lap: dashed in training, solid live"):
            self._legend, self._chart = Legend(), ui.echart(_empty())

    async def draw(self, champion: Version, scores: Sequence[VersionScore]) -> None:
        """Draw the errors in training and, where truths are known, the live ones."""
        trained = await asyncio.to_thread(self._registry.errors_by_part, champion)
        live = {role: score for role, version, score in scores if version.model == champion.model}
        counts = {role: score.count.sum() for role, score in live.items()}
        if self._drawn == (champion, len(trained), counts):
            return
        self._drawn = (champion, len(trained), counts)
        lines: list[tuple[str, Sequence[float | None], str]] = [
            (f"{name}, training", values, "dashed")
            for name, values in trained.items()
            if not name.startswith(WALK_FORWARD)
        ]
        lines += [(f"{role}, live", score.by_part(), "solid") for role, score in live.items()]
        self._chart.options.update(
            xAxis={
                "type": "category",
                "data": [
                    f"{100 * part // PARTS}–{100 * (part + 1) // PARTS} %" for part in range(PARTS)
                ],
                "axisLabel": {"color": DIM, "hideOverlap": True},
                "name": "part of the lap",
                "nameLocation": "middle",
                "nameGap": 26,
                "nameTextStyle": {"color": DIM},
            },
            yAxis=axis(f"mean absolute error [{champion.unit}]", scale=False),
            series=[
                {
                    "type": "line",
                    "name": name,
                    "itemStyle": {"color": line_colour(number)},
                    "lineStyle": {"type": style, "width": 2},
                    "data": [rounded(value) for value in values],
                }
                for number, (name, values, style) in enumerate(lines)
            ],
        )
        self._chart.update()
        self._legend.show(
            self._chart.id,
            [
                (name, line_colour(number), style == "dashed")
                for number, (name, _, style) in enumerate(lines)
            ],
        )


def _empty() -> dict[str, Any]:
    """Options of a chart without data."""
    return chart(
        grid={"left": 56, "right": 16, "top": 12, "bottom": 44},
        xAxis={"type": "category", "data": []},
        yAxis=axis(""),
        series=[],
        tooltip={"trigger": "axis", "renderMode": "richText"},
        legend={"show": False},
    )
