"""The parity check in the models view."""

from __future__ import annotations

import asyncio

from nicegui import ui

from pitwall.errors import PitwallError
from pitwall.page.data.feed import Feed
from pitwall.page.web.shell import panel
from pitwall.settings import Settings


class ParityCheck:
    """The card that compares both stores when the viewer asks for it."""

    def __init__(self, settings: Settings, feed: Feed) -> None:
        self._settings, self._feed = settings, feed
        with (
            panel("Parity: online store against offline store, bit for bit"),
            ui.element("div").classes("tools"),
        ):
            self._button = ui.button("Check now", on_click=self._compare).props(
                "flat dense no-caps"
            )
            self._result = ui.label("Parity was not checked yet.").props(
                'data-fact="parity" role="status"'
            )

    async def _compare(self) -> None:
        """Compare the sessions that have ended, or all of them where each one still runs."""
        from pitwall.monitoring.parity import compare, online_rows

        sessions = self._feed.newest_first()
        ended_sessions = [session for session in sessions if not session.running]
        names = [session.session for session in ended_sessions or sessions]
        if not names:
            self._result.set_text("No session has arrived that could be compared.")
            return
        self._result.set_text(f"The page is comparing {len(names)} sessions …")
        self._button.disable()
        try:
            result = await asyncio.to_thread(
                lambda: compare(self._settings, online_rows(self._settings, names))
            )
        except PitwallError as error:
            self._result.set_text(str(error))
            return
        finally:
            self._button.enable()
        self._result.set_text(
            f"{result.match:,} values are equal, {result.mismatch:,} are different, "
            f"and {result.missing:,} have no offline row yet."
        )
        self._result.classes(replace="bad" if result.mismatch else "good")
