"""Takes the pictures of the page's views for the documentation.

`python -m pitwall.lab.screenshots [FOLDER]` needs the page up and a car that drives.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pitwall.lab.browser import opened
from pitwall.settings import Settings

PATIENCE_S = 180
SETTLE_MS = 6000
"""Time that the charts have to fill before the picture is taken."""
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
"""By view: its path, and a JavaScript function that is true once the view shows data."""


def take(settings: Settings, folder: Path) -> list[Path]:
    """Write a PNG of each view into `folder`, and return the files.

    Raises `StackError` without Chromium, and Playwright's `TimeoutError` when a view shows no data
    within `PATIENCE_S`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    with opened(settings, PATIENCE_S) as tab:
        for name, (path, ready) in READY.items():
            tab.goto(path)
            tab.wait_for_function(ready)
            tab.wait_for_timeout(SETTLE_MS)
            pictures.append(folder / f"{name}.png")
            tab.screenshot(path=pictures[-1], timeout=PATIENCE_S * 1000)
    return pictures


def main() -> None:
    """Take the pictures and print their paths."""
    settings = Settings()
    default = settings.repository / "docs" / "screenshots"
    for picture in take(settings, Path(sys.argv[1]) if len(sys.argv) > 1 else default):
        print(picture)


if __name__ == "__main__":
    main()
