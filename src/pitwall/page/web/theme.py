"""Colours, for the style sheet and the charts alike."""

from __future__ import annotations

GROUND, PANEL, EDGE = "#0d1115", "#151b21", "#5c6b7a"
TEXT, DIM = "#eef2f5", "#a9b6c2"
ACCENT, BEST, GOOD, WARN, BAD = "#56b4e9", "#d5a6ff", "#3ccf9e", "#f0c040", "#ff8a5c"
LINES = ("#56b4e9", "#f0c040", "#eef2f5", "#8c66ff", "#a6ffa6", "#ff1953", "#cc7014", "#6c97a6")
"""Eight colours of lines. People with any kind of colour vision can tell them apart."""
RAMP = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"]
"""The colour scale Viridis, from low to high, equally readable with any kind of colour vision."""
DIVERGING = ["#56b4e9", "#2b3640", "#ff8a5c"]
"""The colour scale of a delta: time gained, no difference, time lost."""

CSS_ROOT = f""":root{{--ground:{GROUND};--panel:{PANEL};--edge:{EDGE};--text:{TEXT};--dim:{DIM};
--accent:{ACCENT};
--best:{BEST};--good:{GOOD};--warn:{WARN};--bad:{BAD}}}
body{{background:var(--ground);color:var(--text);margin:0;
font:15px/1.35 system-ui,"DejaVu Sans",sans-serif}}"""
"""The head of the style sheet: the colours as variables, and the font."""


def line_colour(number: int) -> str:
    """The colour of a chart's line, counted from 0. The ninth line has the first one's colour."""
    return LINES[number % len(LINES)]
