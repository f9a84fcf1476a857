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
    from pitwall.operations.held import Held
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
    from pitwall.operations.held import STORES
    from pitwall.operations.sessions import STAYS, key_of
    from pitwall.operations.sessions import delete as delete_held

    if unknown := [store for store in only or () if store not in STORES]:
        raise UsageError(f"--only is {unknown[0]!r}; there are {', '.join(STORES)}")
    settings = Settings()
    with progress() as step:
        step("asking the stores", None)
        found, silent = _asked(settings, only, session)
    if silent:
        raise PitwallError(
            f"nothing was deleted, for a store cannot be asked: {silent}; "
            "start it, or name the stores to delete from: --only STORE"
        )
    key = key_of(found, session, vehicle)
    held = [one for one in found if one.key == key]
    if not as_json:
        ERR.print(held_table(held))
    left: list[Held] = held
    if not dry_run:
        _confirm(key, held, yes)
        with progress() as step, exclusive(settings):
            delete_held(held, lambda text: step(text, None))
            step("looking whether anything is left", None)
            found, silent = _asked(settings, only, session)
        if silent:
            raise PitwallError(
                f"it was deleted, but it is not known whether anything is left: {silent}; "
                "run the command again when the store answers"
            )
        left = [one for one in found if one.key == key]
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


def _asked(settings: Settings, only: list[str] | None, session: str) -> tuple[list[Held], str]:
    """What stores and tags hold of sessions of this name, and why a store could not be asked."""
    from pitwall.operations.held import STORES
    from pitwall.operations.sessions import holdings, tags_held

    found = holdings(settings, only or STORES, session)
    held = found.held if only else [*found.held, *tags_held(settings, session)]
    return held, "; ".join(f"{store}: {reason}" for store, reason in found.silent.items())


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
