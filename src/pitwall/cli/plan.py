"""The command `plan`: what a change of the feature repository does, before it is applied."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.markup import escape

from pitwall.cli.terminal import OUT, AsJson, emit, progress
from pitwall.errors import listed
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.operations.change_plan import ChangePlan, ViewChange

SHOWN = 8


def plan(as_json: AsJson = False) -> None:
    """Show what a change of feature_repo/ does, before `feast apply`.

    Of each view: features that are added, removed or mean something else than those applied, what a
    row and a session's state grow by, and what becomes of the running job's state. Then the feature
    services and models that use a feature which is removed or changed. Nothing is written.
    """
    from pitwall.operations.change_plan import change_plan

    with progress() as step:
        step("reading the registry", None)
        found = change_plan(Settings())
    if as_json:
        views = [{**asdict(view), "state": view.state} for view in found.views if view.changes]
        emit({"views": views, "services": found.services, "models": found.models})
    elif found.changes:
        _print(found)
    else:
        _say("nothing changes: feature_repo/ is what was applied")
        for view in found.views:
            _say_unknown(view)


def _print(found: ChangePlan) -> None:
    for view in found.views:
        if not view.changes:
            continue
        how = " (new)" if view.is_new else " (removed)" if view.is_gone else ""
        _say(f"{view.view}{how}")
        for what, names in (
            ("added", view.added),
            ("removed", view.removed),
            ("changed", view.changed),
        ):
            if names:
                _say(f"  {what}: {listed(names, SHOWN)}")
        if view.vehicles:
            _say(f"  vehicles: {view.vehicles[0]!r} before, {view.vehicles[1]!r} after")
        _say(
            f"  cost: {view.row_bytes:+,} bytes a row before compression, {view.state_bytes:+,} "
            "bytes of state a session at 50 Hz"
        )
        _say(f"  job: {view.state}")
        _say_unknown(view)
    for kind, users in (("service", found.services), ("model", found.models or {})):
        for name, features in users.items():
            _say(f"{kind} {name} uses {listed(features, SHOWN)}")
    if found.models is None:
        _say("models: MLflow does not answer, so nobody knows which models use these features")
    elif found.models:
        _say("train these models again after the change; the endpoint refuses the old versions")


def _say_unknown(view: ViewChange) -> None:
    if view.unknown:
        _say(
            f"  not known of {listed(view.unknown, SHOWN)}: applied before meanings were; "
            "`feast apply` writes them"
        )


def _say(text: str) -> None:
    OUT.print(escape(text), highlight=False, soft_wrap=True)
