"""Who becomes champion: the gate, the promotion past it, the way back, and the record of both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pitwall.errors import ModelError
from pitwall.models.circuit import of_tags
from pitwall.models.registry import by_alias, is_absent, silent

HISTORY = "champions"
"""A tag of the registered model: a JSON list of its champions, the newest last."""
KEPT = 20
"""Champions remembered."""
LEAST_LAPS = 5
"""On fewer laps no version is told to be better than another."""


@dataclass(frozen=True)
class Verdict:
    """Whether a version may become champion, and why."""

    passes: bool
    why: str


def gate(registry: Any, name: str, version: str, *, new_circuit: bool = False) -> Verdict:
    """Whether this version may become champion.

    It passes where it beats its baselines (or is the baseline that no candidate beat) and is ahead
    of the champion by more than the gain's standard error, on `LEAST_LAPS` or more. So versions
    that are as good as each other do not take turns. It met the champion when it was trained, lap
    by lap, on laps that neither had learned from. Where it learned from another circuit than the
    champion, it passes with `new_circuit` only, and is not compared: on laps of its own circuit it
    would win every time. Raises `ModelError` for an unknown version.
    """
    tags = _version(registry, name, version).tags
    champion = by_alias(registry, name, "champion")
    if tags.get("verdict") not in ("beats baselines", "baseline"):
        return Verdict(False, f"it is not known to beat its baselines ({tags.get('verdict')})")
    if champion is None:
        return Verdict(True, "the first champion")
    if str(champion.version) == str(version):
        return Verdict(True, "it is champion already")
    own, theirs = of_tags(tags), of_tags(champion.tags)
    if own and theirs and not own.same(theirs):
        return Verdict(
            new_circuit,
            f"it learned from {own}, the champion, version {champion.version}, from {theirs}",
        )
    met = json.loads(tags.get("against", "{}"))
    if str(met.get("version")) != str(champion.version):
        return Verdict(
            False, f"it never met the champion, version {champion.version}; train it again"
        )
    laps = "1 lap" if met["laps"] == 1 else f"{met['laps']} laps"
    if met["laps"] < LEAST_LAPS:
        return Verdict(
            False,
            f"only {laps} to compare it with version {champion.version}; {LEAST_LAPS} are needed",
        )
    if met["standard_error"] is None:
        return Verdict(
            False,
            f"all {laps} to compare it with version {champion.version} are of one session, "
            "which tell nothing of another",
        )
    text = (
        f"{met['gain']:+.4f} ± {met['standard_error']:.4f} {tags['unit']} a lap "
        f"beside version {champion.version} on {laps}"
    )
    return Verdict(met["gain"] > met["standard_error"], text)


def promote(
    registry: Any, name: str, version: str, force: str | None = None, *, new_circuit: bool = False
) -> str:
    """Make a version champion; gives the reason as it is recorded.

    Raises `ModelError` when the gate is closed and there is no reason to `force` it.
    """
    verdict = gate(registry, name, version, new_circuit=new_circuit)
    if not verdict.passes and not force:
        raise ModelError(
            f"version {version} of {name} is not promoted: {verdict.why}; "
            "--force REASON promotes it all the same"
        )
    why = verdict.why if verdict.passes else f"forced: {force} (the gate said: {verdict.why})"
    _crown(registry, name, version, why, forced=not verdict.passes)
    return why


def rollback(registry: Any, name: str, reason: str = "") -> str:
    """Make the champion before the present one champion again; gives its version.

    A second rollback goes one further back. Raises `ModelError` when there was none before.
    """
    present = by_alias(registry, name, "champion")
    line = _line(history(registry, name))
    while line and present is not None and line[-1] == int(present.version):
        line.pop()
    if not line or present is None:
        raise ModelError(
            f"model {name!r} has had no champion before this one; "
            f"./pitwall promote {name} VERSION makes one"
        )
    version = str(line[-1])
    why = f"rollback from version {present.version}" + (f": {reason}" if reason else "")
    _crown(registry, name, version, why, rollback=True)
    return version


def _line(past: list[dict[str, Any]]) -> list[int]:
    """The champions that rollbacks walk back through, the present one last.

    A promotion adds one; a rollback takes away those after the one that it went back to.
    """
    line: list[int] = []
    for entry in past:
        version = int(entry["version"])
        if _is_rollback(entry) and version in line:
            while line[-1] != version:
                line.pop()
        elif not line or line[-1] != version:
            line.append(version)
    return line


def _is_rollback(entry: dict[str, Any]) -> bool:
    """Whether an entry of the history is a rollback; an older one says so in its reason only."""
    return bool(entry.get("rollback", str(entry["why"]).startswith("rollback from version")))


def history(registry: Any, name: str) -> list[dict[str, Any]]:
    """The champions: version, since, why, forced and rollback of each, the newest last.

    Raises `ModelError` for an unknown model.
    """
    from mlflow.exceptions import MlflowException

    try:
        tags = registry.get_registered_model(name).tags
    except MlflowException as error:
        if not is_absent(error):
            raise silent(error) from error
        raise ModelError(
            f"there is no model {name!r} in the registry; train it: ./pitwall train {name}"
        ) from None
    return list(json.loads(tags.get(HISTORY, "[]")))


def _crown(
    registry: Any,
    name: str,
    version: str,
    why: str,
    *,
    forced: bool = False,
    rollback: bool = False,
) -> None:
    past = history(registry, name)
    entry = {
        "version": int(version),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "why": why[:300],
        "forced": forced,
        "rollback": rollback,
    }
    registry.set_registered_model_tag(name, HISTORY, json.dumps([*past, entry][-KEPT:]))
    registry.set_model_version_tag(name, version, "promoted", why[:300])
    registry.set_registered_model_alias(name, "champion", version)


def _version(registry: Any, name: str, version: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return registry.get_model_version(name, version)
    except MlflowException as error:
        if not is_absent(error):
            raise silent(error) from error
        raise ModelError(
            f"model {name!r} has no version {version!r}; see ./pitwall models"
        ) from None
