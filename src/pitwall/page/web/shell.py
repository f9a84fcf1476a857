"""The frame of all views, with the bar on top, and their common elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

from nicegui import ui

from pitwall.page.web.theme import ACCENT, CSS_ROOT

STATIC = Path(__file__).with_name("static")
"""Folder of the style sheet and the JavaScript."""
VIEWS = (("/", "Live"), ("/analysis", "Analysis"), ("/models", "Models"), ("/services", "Services"))
"""Address and name of each view."""
SCRIPT = """<script>document.documentElement.lang = "en";
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (/input|textarea|select/i.test(event.target.tagName)) return;
  const view = {"1": "/", "2": "/analysis", "3": "/models", "4": "/services"}[event.key];
  if (view) location.href = view; });
const toggleLine = (button, id) => {
  const shown = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", shown);
  const type = shown ? "legendSelect" : "legendUnSelect";
  getElement(id).chart.dispatchAction({type, name: button.dataset.line}); };</script>"""
"""Keys 1 to 4 open a view, and `toggleLine` serves the buttons of a `Legend`."""


@contextmanager
def page(path: str) -> Iterator[Any]:
    """The frame of the view at this address. Yields the place for the view's controls in the bar.

    What is made inside of the `with` block goes below the bar.
    """
    ui.dark_mode(True)
    ui.colors(primary=ACCENT)
    ui.add_head_html(
        f"<style>{CSS_ROOT}</style><link rel='stylesheet' href='/assets/page.css'>{SCRIPT}"
    )
    with ui.element("header").classes("bar"):
        ui.label("pitwall").classes("brand")
        with ui.element("nav").classes("flex gap-4").props('aria-label="Views"'):
            for number, (address, name) in enumerate(VIEWS, start=1):
                link = ui.link(name, address).props(f'title="Key {number}"')
                if address == path:
                    link.props('aria-current="page"')
        controls = ui.element("div").classes("own")
    with ui.element("main"):
        yield controls


@contextmanager
def panel(title: str, classes: str = "") -> Iterator[Any]:
    """A card with a title. What is made inside of the `with` block goes below the title."""
    with (
        ui.element("section")
        .classes(f"panel {classes}")
        .props(f'aria-label="{escape(title)}"') as card
    ):
        heading(title)
        yield card


def heading(text: str) -> None:
    """The title of a card."""
    with ui.element("h2"):
        ui.label(text)


class Legend:
    """The names of a chart's lines as text above the chart, where they wrap.

    A legend that ECharts draws would lie on the plot. A click hides a line or shows it again; the
    chart needs a legend component with `show` off, which keeps that choice.
    """

    def __init__(self) -> None:
        self._html = ui.html("", sanitize=False).classes("w-full")
        self._shown: tuple[Any, ...] = ()

    def show(self, chart_id: int, lines: Sequence[tuple[str, str, bool]]) -> None:
        """Show the lines of the chart: name, colour, and whether the line is dashed."""
        shown = (chart_id, *lines)
        if shown == self._shown:
            return
        self._shown = shown
        buttons = "".join(
            f'<button type="button" aria-pressed="true" data-line="{escape(name)}"'
            f' onclick="toggleLine(this, {chart_id})">'
            f'<i class="{"dashed" if dashed else ""}" style="border-color:{colour}"></i>'
            f"<span>{escape(name)}</span></button>"
            for name, colour, dashed in lines
        )
        self._html.set_content(f'<div class="legend">{buttons}</div>')


class Fact:
    """One large value with its name below. `mark` is the value's attribute `data-fact`."""

    def __init__(self, name: str, mark: str, classes: str = "") -> None:
        with ui.element("div").classes(f"fact {classes}"):
            self._value = ui.label("–").classes("v").props(f'data-fact="{mark}"')
            ui.label(name).classes("k")
        self._kind = ""

    def show(self, text: str, kind: str = "") -> None:
        """Show the value, with a class of the style sheet."""
        self._value.set_text(text)
        if kind != self._kind:
            self._value.classes(remove=self._kind or None, add=kind or None)
            self._kind = kind


def every(seconds: float, work: Callable[[], Any]) -> None:
    """Run `work` at this interval for as long as the viewer is there."""
    ui.timer(seconds, work)
