"""Colours, for the style sheet and the charts alike."""

from __future__ import annotations

from typing import Any

GROUND, PANEL, EDGE = "#0d1115", "#151b21", "#5c6b7a"
TEXT, DIM = "#eef2f5", "#a9b6c2"
ACCENT, BEST, GOOD, WARN, BAD = "#56b4e9", "#d5a6ff", "#3ccf9e", "#f0c040", "#ff8a5c"
LINES = ("#56b4e9", "#f0c040", "#eef2f5", "#8c66ff", "#a6ffa6", "#ff1953", "#cc7014", "#6c97a6")
"""Eight lines, told apart by people with any kind of colour vision."""
RAMP = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"]
"""Viridis: equally readable for all kinds of colour vision."""
DIVERGING = ["#56b4e9", "#2b3640", "#ff8a5c"]
"""Gained, even, lost."""

CSS_ROOT = f""":root{{--ground:{GROUND};--panel:{PANEL};--edge:{EDGE};--text:{TEXT};--dim:{DIM};
--accent:{ACCENT};
--best:{BEST};--good:{GOOD};--warn:{WARN};--bad:{BAD}}}
body{{background:var(--ground);color:var(--text);margin:0;
font:15px/1.35 system-ui,"DejaVu Sans",sans-serif}}"""


def axis(name: str, **more: Any) -> dict[str, Any]:
    """A value axis of an ECharts chart, labelled with its unit."""
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
        **more,
    }


def chart(**options: Any) -> dict[str, Any]:
    """An ECharts chart in the page's colours."""
    return {
        "animation": False,
        "backgroundColor": "transparent",
        "textStyle": {"color": TEXT, "fontSize": 12},
        "color": list(LINES),
        "aria": {"enabled": True},
        **options,
    }
