"""The services view: every service, what it is for, its link and its state."""

from __future__ import annotations

import asyncio

from nicegui import ui

from pitwall.page.data.status import services
from pitwall.page.web.shell import page
from pitwall.settings import Settings

KINDS = {"up": "good", "starting": "warn", "off": "dim"}
MARKS = {"up": "●", "starting": "◐", "off": "○"}


def services_view(settings: Settings) -> None:
    """Lay out the view and look again every few seconds."""
    with page("/services"):
        note = ui.label("The page is asking the services …").classes("empty").props('role="status"')
        cards = ui.element("div").classes("cards")
    shown: list[object] = []

    async def look() -> None:
        found = await asyncio.to_thread(services, settings)
        if found == shown:
            return
        shown[:] = found
        note.set_visibility(False)
        cards.clear()
        with cards:
            for each in found:
                with ui.element("section").classes("panel").props(f'data-service="{each.name}"'):
                    with ui.element("div").classes("flex justify-between w-full items-baseline"):
                        if each.link and each.state == "up":
                            ui.link(each.name, each.link, new_tab=True).classes("name").style(
                                "color:var(--accent)"
                            )
                        else:
                            ui.label(each.name).classes("name")
                        ui.label(f"{MARKS[each.state]} {each.state}").classes(
                            f"name {KINDS[each.state]}"
                        )
                    ui.label(each.what)
                    ui.label(
                        f"{each.url or 'It has no port.'}   {each.version}"
                        if each.state != "off"
                        else f"This command starts it: {each.remedy}"
                    ).classes("dim")

    ui.timer(0.1, look, once=True)
    ui.timer(4.0, look)
