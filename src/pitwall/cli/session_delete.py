"""The command `sessions delete`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pitwall.cli.session_arguments import AsSession, AsVehicle, held_row, held_table
from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress
from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.operations.sessions import Held
    from pitwall.stores.offline.marks import Key


def delete(
    session: AsSession,
    vehicle: AsVehicle = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Delete from this store alone: offline, online, history or archive."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a session from all stores, with its tags.

    It also says what no deletion reaches: Kafka's topics and trained models.
    """
    from pitwall.operations.exclusive import exclusive
    from pitwall.operations.sessions import STAYS, STORES, holdings, key_of
    from pitwall.stores.offline.marks import forget

    if unknown := [store for store in only or () if store not in STORES]:
        raise UsageError(f"--only is {unknown[0]!r}; there are {', '.join(STORES)}")
    settings = Settings()
    stores = only or STORES
    with progress() as step:
        step("asking the stores", None)
        found = holdings(settings, stores, session)
    if found.silent:
        store, reason = next(iter(found.silent.items()))
        raise PitwallError(
            f"nothing was deleted, for the store {store!r} cannot be asked: {reason}; "
            "start it, or name the stores to delete from: --only STORE"
        )
    key = key_of(found.held, session, vehicle)
    held = [one for one in found.held if one.key == key]
    if not as_json:
        ERR.print(held_table(held))
    left: list[Held] = held
    if not dry_run:
        _confirm(key, held, yes)
        with progress() as step, exclusive(settings):
            for one in held:
                step(f"deleting from {one.store}: {one.place}", None)
                one.delete()
            step("looking whether anything is left", None)
            left = [one for one in holdings(settings, stores, session).held if one.key == key]
            if not left and not only:
                forget(settings, key)
    answer = {
        "vehicle": key[0],
        "session": key[1],
        "deleted": not dry_run,
        "held": [held_row(one) for one in held],
        "left": [held_row(one) for one in left],
        "stays": STAYS,
    }
    emit(answer) if as_json else _print_deleted(answer, dry_run)
    if left and not dry_run:
        raise PitwallError(
            f"{left[0].store} still holds {left[0].rows:,} rows of it: something writes the "
            "session; wait until it has ended, and delete it again"
        )


def _confirm(key: Key, held: list[Held], yes: bool) -> None:
    """Ask whether to delete. Raises `UsageError` where nobody is there to answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody can answer the question here; --yes deletes without asking")
    rows = sum(one.rows for one in held)
    question = f"Delete session {key[1]} of {key[0]}, {rows:,} rows, for good?"
    if not typer.confirm(question, err=True):
        raise PitwallError("nothing was deleted")


def _print_deleted(answer: dict[str, Any], dry_run: bool) -> None:
    rows = sum(one["rows"] for one in answer["held"])
    done = "would be deleted; nothing was" if dry_run else "deleted"
    OUT.print(
        f"{answer['session']} of {answer['vehicle']}: {rows:,} rows {done}",
        markup=False,
        soft_wrap=True,
    )
    OUT.print("what stays:")
    for holder, text in answer["stays"].items():
        OUT.print(f"  {holder}: {text}", markup=False, soft_wrap=True)
