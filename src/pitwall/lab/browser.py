"""Opens the page in Chromium without a window, logged in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pitwall.errors import StackError
from pitwall.settings import Settings

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Path of Chromium's program; None where it is not installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def opened(settings: Settings, patience_s: float = 120, scrollbars: bool = False) -> Iterator[Any]:
    """A logged-in tab (`playwright.sync_api.Page`) of 1920 × 1080 pixels.

    Every wait of the tab ends after `patience_s` seconds. With `scrollbars` the tab has those of a
    desktop, which take room; pictures do without them. Raises `StackError` without Chromium.
    """
    from playwright.sync_api import sync_playwright

    program = chromium()
    if program is None:
        raise StackError("there is no Chromium on PATH; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox"],
            ignore_default_args=["--hide-scrollbars"] if scrollbars else None,
        )
        tab = browser.new_context(
            base_url=settings.page_url, viewport={"width": 1920, "height": 1080}
        ).new_page()
        tab.set_default_timeout(patience_s * 1000)
        tab.goto("/login?next=/services")
        tab.fill("#token", settings.secret("token").get_secret_value())
        with tab.expect_navigation():
            tab.click("button")
        yield tab
        browser.close()
