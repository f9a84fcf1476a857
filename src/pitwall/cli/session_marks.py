"""The commands that say something of a session: `sessions tag`, `exclude` and `include`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pitwall.cli.session_arguments import AsSession, AsVehicle
from pitwall.cli.terminal import OUT, AsJson, emit
from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.stores.offline.marks import Key


def tag(
    session: AsSession,
    tags: Annotated[
        list[str], typer.Argument(help="Tags; circuit=NAME names the circuit for `train`.")
    ],
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the tags away instead of adding them.")
    ] = False,
    vehicle: AsVehicle = None,
    as_json: AsJson = False,
) -> None:
    """Tag a session, or take tags away."""
    from pitwall.stores.offline.marks import change

    settings = Settings()
    key = _known(settings, session, vehicle)
    change(settings, key, add=() if remove else tags, remove=tags if remove else ())
    _print_mark(settings, key, as_json)


def exclude(
    session: AsSession,
    reason: Annotated[str, typer.Option(help="Why; lists and training show it.")],
    vehicle: AsVehicle = None,
    as_json: AsJson = False,
) -> None:
    """Leave a session out of training and of the lengths of circuits. Its data stay."""
    from pitwall.stores.offline.marks import change

    if not reason.strip():
        raise UsageError("--reason is empty; say why the session is excluded")
    settings = Settings()
    key = _known(settings, session, vehicle)
    change(settings, key, excluded=reason.strip())
    _print_mark(settings, key, as_json)


def include(session: AsSession, vehicle: AsVehicle = None, as_json: AsJson = False) -> None:
    """Take an excluded session into training again."""
    from pitwall.stores.offline.marks import change

    settings = Settings()
    key = _known(settings, session, vehicle)
    change(settings, key, excluded="")
    _print_mark(settings, key, as_json)


def _known(settings: Settings, session: str, vehicle: str | None) -> Key:
    """The session of this name in a store that can be asked; `UsageError` where there is none."""
    from pitwall.operations.sessions import holdings, key_of

    offline = holdings(settings, ["offline"], session)
    if offline.held:
        return key_of(offline.held, session, vehicle)
    others = holdings(settings, ["online", "history"], session)
    if not others.held and (offline.silent or others.silent):
        reason = next(iter({**offline.silent, **others.silent}.values()))
        raise PitwallError(f"it is not known whether there is a session {session!r}: {reason}")
    return key_of(others.held, session, vehicle)


def _print_mark(settings: Settings, key: Key, as_json: bool) -> None:
    from pitwall.stores.offline.marks import Mark, marks

    mark = marks(settings).get(key, Mark())
    names = sorted(mark.tags)
    if as_json:
        emit({"vehicle": key[0], "session": key[1], "tags": names, "excluded": mark.excluded})
        return
    state = "counts for training" if mark.excluded is None else f"excluded: {mark.excluded}"
    OUT.print(
        f"{key[1]} of {key[0]}: tags {', '.join(names) or 'none'}; {state}",
        markup=False,
        soft_wrap=True,
    )
