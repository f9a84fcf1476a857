"""Arguments and tables that the commands on sessions share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from pitwall.cli.terminal import table

if TYPE_CHECKING:
    from pitwall.operations.sessions import Held

AsSession = Annotated[str, typer.Argument(metavar="SESSION", help="Id of a session.")]
AsVehicle = Annotated[
    str | None, typer.Option(help="Its vehicle, where several have a session of that id.")
]


def held_row(held: Held) -> dict[str, Any]:
    """What a store holds, for JSON."""
    return {"store": held.store, "place": held.place, "rows": held.rows, "bytes": held.size}


def held_table(held: list[Held]) -> Any:
    """A table of what the stores hold."""
    rows = table("Store", "Place", "Rows", "MB")
    for one in held:
        size = "" if one.size is None else f"{one.size / 1e6:.1f}"
        rows.add_row(one.store, escape(one.place), f"{one.rows:,}", size)
    return rows
