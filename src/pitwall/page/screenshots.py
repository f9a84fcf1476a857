"""Pictures of each view for the documentation: `python -m pitwall.page.screenshots [FOLDER]`, with the page up and a car running."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from pitwall.errors import StackError
from pitwall.settings import Settings

PATIENCE_MS = 180_000
READY = {
    "live": ("/", "() => pitwall.strips?.stats.rows > 200 && document.querySelector('[data-table=laps] td')"),
    "analysis": ("/analysis", "() => document.querySelector('[aria-label^=\"Where time\"] .text-sm')"),
    "models": ("/models", "() => document.querySelector('[data-table=versions] td') && document.querySelector('[data-fact=made]')"),
    "services": ("/services", "() => document.querySelector('[data-service=page]')"),
}


def take(settings: Settings, folder: Path) -> list[Path]:
    """A PNG of each view. Raises `StackError` without Chromium."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise StackError("no Chromium on PATH; Debian: apt-get install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page: Any = browser.new_context(base_url=settings.page_url, viewport={"width": 1920, "height": 1080}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto("/login?next=/services")
        page.fill("#token", settings.secret("token").get_secret_value())
        with page.expect_navigation():
            page.click("button")
        for name, (path, ready) in READY.items():
            page.goto(path)
            page.wait_for_function(ready)
            page.wait_for_timeout(6000)
            made.append(folder / f"{name}.png")
            page.screenshot(path=made[-1], timeout=PATIENCE_MS)
        browser.close()
    return made


if __name__ == "__main__":
    for each in take(Settings(), Path(sys.argv[1]) if len(sys.argv) > 1 else Settings().repository / "docs" / "screenshots"):
        print(each)
