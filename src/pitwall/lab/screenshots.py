"""Pictures of each view for the documentation: `python -m pitwall.lab.screenshots [FOLDER]`, with
the page up and a car running.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pitwall.lab.browser import opened
from pitwall.settings import Settings

PATIENCE_S = 180
READY = {
    "live": (
        "/",
        "() => pitwall.strips?.stats.rows > 200 && document.querySelector('[data-table=laps] td')",
    ),
    "analysis": (
        "/analysis",
        "() => document.querySelector('[aria-label^=\"Where time\"] .text-sm')",
    ),
    "models": (
        "/models",
        "() => document.querySelector('[data-table=versions] td')"
        " && document.querySelector('[data-fact=made]')",
    ),
    "services": ("/services", "() => document.querySelector('[data-service=page]')"),
}


def take(settings: Settings, folder: Path) -> list[Path]:
    """A PNG of each view. Raises `StackError` without Chromium."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with opened(settings, PATIENCE_S) as tab:
        for name, (path, ready) in READY.items():
            tab.goto(path)
            tab.wait_for_function(ready)
            tab.wait_for_timeout(6000)
            made.append(folder / f"{name}.png")
            tab.screenshot(path=made[-1], timeout=PATIENCE_S * 1000)
    return made


if __name__ == "__main__":
    for each in take(
        Settings(),
        Path(sys.argv[1]) if len(sys.argv) > 1 else Settings().repository / "docs" / "screenshots",
    ):
        print(each)
