"""The command `quality`: distributions of features, and what moved since a model learned."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from pitwall.cli.terminal import OUT, AsJson, emit, progress, table
from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.monitoring.quality import Inputs
    from pitwall.stores.offline.distributions import Distribution

SHOWN = ("1 %", "50 %", "99 %")


def quality(
    model: Annotated[
        str | None, typer.Argument(help="A model: its inputs; default: all features of a view.")
    ] = None,
    view: Annotated[str | None, typer.Option(help="A feature view; default: the last one.")] = None,
    session: Annotated[str | None, typer.Option(help="One session; default: all.")] = None,
    at_least: Annotated[
        float | None,
        typer.Option(
            "--at-least",
            min=0,
            max=100,
            help="Fail where a feature has a value in a smaller share of the rows (percent), "
            "or moved.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how features are distributed, and what moved since a model learned.

    Of a view: null share and percentiles of its features in the offline store, over all sessions or
    one. Of a model: those of its inputs in the sessions that its champion learned from, in later
    sessions of the same circuit, and as it was asked. An input moved where its middle values by
    session differ by more than chance; any at all is named by mistake in one of 20 models at most.
    """
    from pitwall.features import load
    from pitwall.monitoring.quality import inputs_of
    from pitwall.stores.offline.distributions import distributions

    settings = Settings()
    if model is not None and (view is not None or session is not None):
        raise UsageError("quality of a model takes no --view and no --session; leave them out")
    with progress() as step:
        step("reading the stores", None)
        if model is not None:
            found = inputs_of(settings, model)
            sets, moved = found.sets, found.moved
        else:
            views = {features.name: features for features in load(settings.feature_repo)}
            name = view or list(views)[-1]
            if name not in views:
                raise UsageError(f"there is no view {name!r}; there are {', '.join(views)}")
            asked = None if session is None else [session]
            stored = distributions(settings, name, views[name].names, asked)
            if not any(each.rows for each in stored.values()):
                where = f"session {session!r}" if session else f"view {name!r}"
                raise PitwallError(f"no rows of {where} are stored; ./pitwall sessions list")
            sets, moved, found = {"stored": stored}, {}, None
    if as_json:
        emit(_as_json(sets, moved, found))
    else:
        _print(sets, moved, found)
    if at_least is not None:
        _hold(sets, moved, at_least)


def _as_json(
    sets: dict[str, dict[str, Distribution]], moved: dict[str, float], found: Inputs | None
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "features": {
            name: {of: _finite(asdict(each[name])) for of, each in sets.items()}
            for name in next(iter(sets.values()))
        }
    }
    if found is not None:
        answer |= {
            "model": found.model,
            "version": found.version,
            "view": found.view,
            "sessions": found.sessions,
            "moved": moved,
            "told": found.told,
        }
    return answer


def _finite(fields: dict[str, Any]) -> dict[str, Any]:
    share = fields["null_share"]
    return {**fields, "null_share": None if math.isnan(share) else share}


def _print(
    sets: dict[str, dict[str, Distribution]], moved: dict[str, float], found: Inputs | None
) -> None:
    from pitwall.stores.offline.distributions import SHARES

    places = [SHARES.index(share) for share in (0.01, 0.5, 0.99)]
    one_set = len(sets) == 1
    heads = ("Feature", *([] if one_set else ["Set"]), "Rows", "Null", *SHOWN)
    figures = table(*heads, *([] if found is None else ["Moved"]), gap=2)
    for name in next(iter(sets.values())):
        for number, (of, each) in enumerate(sets.items()):
            one = each[name]
            null = "–" if math.isnan(one.null_share) else f"{100 * one.null_share:.3g} %"
            values = [f"{one.percentiles[at]:.4g}" if one.percentiles else "–" for at in places]
            first = name if number == 0 else ""
            cells = [first, *([] if one_set else [of]), f"{one.rows:,}", null, *values]
            if found is not None:
                is_since = of == "since" and name in moved
                cells.append(f"yes (chance {moved[name]:.1g})" if is_since else "")
            figures.add_row(*cells)
    OUT.print(figures)
    if found is None:
        return
    of_sessions = ", ".join(f"{count} {of}" for of, count in found.sessions.items())
    line = f"{found.model}, version {found.version}; sessions: {of_sessions}"
    if not found.told:
        line += "; too few to tell whether an input moved"
    OUT.print(escape(line), highlight=False, soft_wrap=True)


def _hold(
    sets: dict[str, dict[str, Distribution]], moved: dict[str, float], at_least: float
) -> None:
    """Raise `PitwallError` where a feature has too few values, or moved."""
    few = [
        f"{name} has a value in {1 - one.null_share:.1%} of the rows ({of})"
        for of, each in sets.items()
        for name, one in each.items()
        if one.rows and 100 * (1 - one.null_share) < at_least
    ]
    faults = [*few, *(f"{name} moved" for name in moved)]
    if faults:
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise PitwallError(f"below {at_least:g} %: {'; '.join(faults[:5])}{more}")
