"""The services view: every service, its purpose, its link and its state."""

from __future__ import annotations

import asyncio

from nicegui import ui

from pitwall.page.data.services import Service, services
from pitwall.page.web.shell import page
from pitwall.settings import Settings

KINDS = {"up": "good", "starting": "warn", "low": "warn", "off": "dim"}
"""The class of the style sheet for each state."""
MARKS = {"up": "●", "starting": "◐", "low": "◐", "off": "○"}
EVERY_S = 4.0


def services_view(settings: Settings) -> None:
    """Lay out the view, and ask the services every few seconds for as long as it is open."""
    with page("/services"):
        note = ui.label("The page is asking the services …").classes("empty").props('role="status"')
        cards = ui.element("div").classes("cards")
    shown: list[Service] = []

    async def refresh() -> None:
        listed = await asyncio.to_thread(services, settings)
        if listed == shown:
            return
        shown[:] = listed
        note.set_visibility(False)
        cards.clear()
        with cards:
            for service in listed:
                _card(service)

    ui.timer(0.1, refresh, once=True)
    ui.timer(EVERY_S, refresh)


def _card(service: Service) -> None:
    with ui.element("section").classes("panel").props(f'data-service="{service.name}"'):
        with ui.element("div").classes("flex justify-between w-full items-baseline"):
            if service.page_url and service.state == "up":
                ui.link(service.name, service.page_url, new_tab=True).classes("name").style(
                    "color:var(--accent)"
                )
            else:
                ui.label(service.name).classes("name")
            ui.label(f"{MARKS[service.state]} {service.state}").classes(
                f"name {KINDS[service.state]}"
            )
        ui.label(service.purpose)
        ui.label(
            f"This command starts it: {service.start_command}"
            if service.state == "off"
            else f"{service.url}. Make room: {service.start_command}"
            if service.state == "low"
            else f"{service.url or 'It has no port.'}   {service.version}"
        ).classes("dim")
