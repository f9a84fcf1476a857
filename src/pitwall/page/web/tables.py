"""Tables of texts. A text that a car sent never becomes markup."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from nicegui import ui

from pitwall.page.data.text import Cell


def table_html(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as HTML; every text in it is escaped. Without column names it has no head."""
    head = "".join(f"<th{_class(name)} scope='col'>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td{_class(cell)}>{_breakable(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    head = f"<thead><tr>{head}</tr></thead>" if any(columns) else ""
    return f'<table class="plain">{head}<tbody>{body}</tbody></table>'


def _class(cell: str) -> str:
    return f' class="{escape(cell.kind)}"' if isinstance(cell, Cell) and cell.kind else ""


def _breakable(cell: str) -> str:
    """The cell as HTML. A text that may take several lines breaks after its underscores."""
    text = escape(cell)
    return text.replace("_", "_<wbr>") if isinstance(cell, Cell) and "text" in cell.kind else text


class HtmlTable:
    """A table that is sent to the browser only when it has changed.

    `name` is its attribute `data-table`. `scroll` is `y` for a list that may be longer than its
    card, and `x` for a table that a viewer may push sideways on a phone.
    """

    def __init__(self, columns: Sequence[str], name: str, scroll: str = "x") -> None:
        self._columns = columns
        self._html = (
            ui.html("", sanitize=False)
            .classes("rows")
            .props(f'data-scroll="{scroll}" tabindex=0 data-table="{name}"')
        )
        self._shown = ""
        """The HTML that the browser has now."""

    def show(self, rows: Sequence[Sequence[str]], empty: str = "") -> None:
        """Show these rows, or the text `empty` where there are none."""
        html = table_html(self._columns, rows) if rows else f'<p class="empty">{escape(empty)}</p>'
        if html != self._shown:
            self._shown = html
            self._html.set_content(html)
