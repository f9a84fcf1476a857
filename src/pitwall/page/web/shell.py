"""What all views share: the bar on top, tables, and values that never become markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

from nicegui import ui

from pitwall.page.data.text import Cell
from pitwall.page.web.theme import ACCENT, CSS_ROOT

STATIC = Path(__file__).with_name("static")
VIEWS = (("/", "Live"), ("/analysis", "Analysis"), ("/models", "Models"), ("/services", "Services"))
KEYS = """<script>document.documentElement.lang = "en"; document.addEventListener("keydown", e => {
  if (e.ctrlKey || e.altKey || e.metaKey || /input|textarea|select/i.test(e.target.tagName)) return;
  const to = {"1": "/", "2": "/analysis", "3": "/models", "4": "/services"}[e.key];
  if (to) location.href = to; });
const toggleLine = (button, id) => {
  const shown = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", shown);
  const type = shown ? "legendSelect" : "legendUnSelect";
  getElement(id).chart.dispatchAction({type, name: button.dataset.line}); };</script>"""


@contextmanager
def page(path: str) -> Iterator[Any]:
    """The frame of one view; gives the bar's own place for the view's controls."""
    ui.dark_mode(True)
    ui.colors(primary=ACCENT)
    ui.add_head_html(
        f"<style>{CSS_ROOT}</style><link rel='stylesheet' href='/assets/page.css'>{KEYS}"
    )
    with ui.element("header").classes("bar"):
        ui.label("pitwall").classes("brand")
        with ui.element("nav").classes("flex gap-4").props('aria-label="Views"'):
            for number, (target, name) in enumerate(VIEWS, start=1):
                link = ui.link(name, target).props(f'title="Key {number}"')
                if target == path:
                    link.props('aria-current="page"')
        own = ui.element("div").classes("own")
    with ui.element("main"):
        yield own


@contextmanager
def panel(title: str, classes: str = "") -> Iterator[Any]:
    """A titled box."""
    with (
        ui.element("section")
        .classes(f"panel {classes}")
        .props(f'aria-label="{escape(title)}"') as box
    ):
        heading(title)
        yield box


def heading(text: str) -> None:
    """A box's title."""
    with ui.element("h2"):
        ui.label(text)


class Legend:
    """The names of a chart's lines, as text above it: they wrap, where a chart's own legend would
    lie on the plot.

    A click hides a line or shows it again. The chart needs a legend component with `show` off,
    which keeps that choice.
    """

    def __init__(self) -> None:
        self._html = ui.html("", sanitize=False).classes("w-full")
        self._now: tuple[Any, ...] = ()

    def show(self, chart_id: int, lines: Sequence[tuple[str, str, bool]]) -> None:
        """Name, colour and whether it is dashed, of each line."""
        now = (chart_id, *lines)
        if now == self._now:
            return
        self._now = now
        self._html.set_content(
            '<div class="legend">'
            + "".join(
                f'<button type="button" aria-pressed="true" data-line="{escape(name)}"'
                f' onclick="toggleLine(this, {chart_id})">'
                f'<i class="{"dashed" if dashed else ""}" style="border-color:{colour}"></i>'
                f"<span>{escape(name)}</span></button>"
                for name, colour, dashed in lines
            )
            + "</div>"
        )


def table_html(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table. Every text is escaped: what a car calls itself stays text."""
    head = "".join(f"<th{_kind(name)} scope='col'>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td{_kind(cell)}>{_breakable(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    head = f"<thead><tr>{head}</tr></thead>" if any(columns) else ""
    return f'<table class="plain">{head}<tbody>{body}</tbody></table>'


def _kind(cell: str) -> str:
    return f' class="{escape(cell.kind)}"' if isinstance(cell, Cell) and cell.kind else ""


def _breakable(cell: str) -> str:
    """The cell as HTML. A text that may take several lines breaks behind its underscores."""
    text = escape(cell)
    return text.replace("_", "_<wbr>") if isinstance(cell, Cell) and "text" in cell.kind else text


class HtmlTable:
    """A table that is sent again only when it changed."""

    def __init__(self, columns: Sequence[str], mark: str = "", scroll: str = "x") -> None:
        """`scroll` is `y` for a list that may be longer than its card, `x` for a table that a phone
        pushes sideways.
        """
        self._columns = columns
        self._html = (
            ui.html("", sanitize=False).classes("rows").props(f'data-scroll="{scroll}" tabindex=0')
        )
        if mark:
            self._html.props(f'data-table="{mark}"')
        self._now = ""

    def show(self, rows: Sequence[Sequence[str]], empty: str = "") -> None:
        """Show these rows, or a line where there are none."""
        text = table_html(self._columns, rows) if rows else f'<p class="empty">{escape(empty)}</p>'
        if text != self._now:
            self._now = text
            self._html.set_content(text)


class Fact:
    """One large number with what it is below."""

    def __init__(self, name: str, mark: str = "", classes: str = "") -> None:
        with ui.element("div").classes(f"fact {classes}"):
            self._value = ui.label("–").classes("v")
            if mark:
                self._value.props(f'data-fact="{mark}"')
            ui.label(name).classes("k")
        self._kind = ""

    def show(self, text: str, kind: str = "") -> None:
        """The value, and a class of the style sheet."""
        self._value.set_text(text)
        if kind != self._kind:
            self._value.classes(remove=self._kind or None, add=kind or None)
            self._kind = kind


def every(seconds: float, work: Callable[[], Any]) -> None:
    """Run `work` now and then for as long as the viewer is there."""
    ui.timer(seconds, work)
