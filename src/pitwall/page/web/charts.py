"""Options of ECharts charts that several views share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pitwall.page.data.rows import Floats
from pitwall.page.web.theme import DIM, EDGE, LINES, TEXT

INNER_LABELS = {
    "color": DIM,
    "fontSize": 12,
    "showMinLabel": False,
    "showMaxLabel": False,
    "hideOverlap": True,
}
"""Labels of an axis without those at its ends, where they would lie on other texts."""


def chart(**options: Any) -> dict[str, Any]:
    """Options of a chart in the page's colours."""
    return {
        "animation": False,
        "backgroundColor": "transparent",
        "textStyle": {"color": TEXT, "fontSize": 12},
        "color": list(LINES),
        "aria": {"enabled": True},
        **options,
    }


def axis(name: str, **options: Any) -> dict[str, Any]:
    """Options of a value axis. Its name holds the unit."""
    return {
        "type": "value",
        "name": name,
        "nameLocation": "middle",
        "nameGap": 28,
        "nameTextStyle": {"color": DIM, "fontSize": 12},
        "axisLabel": {"color": DIM, "fontSize": 12, "hideOverlap": True},
        "splitLine": {"lineStyle": {"color": "#242d36"}},
        "axisLine": {"lineStyle": {"color": EDGE}},
        "scale": True,
        **options,
    }


def line_chart(x_name: str, y_name: str, lines: int) -> dict[str, Any]:
    """Options of a chart with so many lines, which have no name and no data yet."""
    return chart(
        grid={"left": 48, "right": 14, "top": 24, "bottom": 44},
        xAxis=axis(x_name, nameGap=24, scale=False),
        yAxis=axis(y_name, nameGap=34, splitNumber=4, axisLabel=dict(INNER_LABELS)),
        series=[
            {"type": "line", "showSymbol": False, "data": [], "lineStyle": {"width": 2}}
            for _ in range(lines)
        ],
        legend=legend(()),
    )


def name_lines(options: dict[str, Any], names: tuple[str, ...], colours: tuple[str, ...]) -> None:
    """Give the lines of a chart their names and colours, in order."""
    for series, name, colour in zip(options["series"], names, colours, strict=False):
        series |= {"name": name, "itemStyle": {"color": colour}}
        series["lineStyle"] = {**series["lineStyle"], "color": colour}


def legend(names: tuple[str, ...]) -> dict[str, Any]:
    """Options of a legend of the named lines, at the top left."""
    return {
        "data": list(names),
        "top": 0,
        "left": 0,
        "textStyle": {"color": TEXT, "fontSize": 12},
        "itemWidth": 14,
        "itemHeight": 8,
        "icon": "roundRect",
    }


def pairs(x_values: Floats, y_values: Floats) -> list[list[float | None]]:
    """Points of a line or a scatter chart, rounded to four decimals; None for NaN."""
    points = np.round(np.column_stack([x_values, y_values]), 4).tolist()
    return [[None if math.isnan(value) else value for value in point] for point in points]


def rounded(value: float | None) -> float | None:
    """The value to four decimals; None for NaN."""
    return None if value is None or math.isnan(value) else round(float(value), 4)
