"""Trains a task: compare with the baselines, fit, log, register, and promote past the gate."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pitwall.models import registry as models
from pitwall.models.circuit import Circuit, of_tags
from pitwall.models.promotion import Verdict, gate, promote
from pitwall.settings import Settings
from pitwall.training import lineage
from pitwall.training.comparison import finite
from pitwall.training.dataset import build, entity_rows, sha256
from pitwall.training.evaluation import evaluate
from pitwall.training.laps import choose
from pitwall.training.log import log
from pitwall.training.search import drawn
from pitwall.training.selection import fitted
from pitwall.training.side_by_side import alone
from pitwall.training.tasks import task

Step = Callable[[str], None]


def train(
    settings: Settings,
    name: str,
    sessions: list[str] | None = None,
    *,
    circuit: str | float | Circuit | None = None,
    promoted: bool = False,
    new_circuit: bool = False,
    tune: int | None = None,
    step: Step = lambda text: None,
) -> dict[str, Any]:
    """Train, log and register the task `name` as `challenger`, on these sessions or on all.

    It learns from whole, plausible laps of one circuit, which `circuit` may name: see
    `pitwall.training.laps.choose`. A champion gives way to one of another circuit only with
    `new_circuit`. The candidate is registered where it beats every baseline, else the best
    baseline. With `tune`, its parameters are chosen from so many candidates: see
    `pitwall.training.search`. The first version becomes champion; a later one does with `promoted`,
    where the gate is open. Gives

    - of what it learned from: circuit (its length in metres and its name), left_out (the number of
      other laps by reason), taken (both in a sentence);
    - of the new version: version, mae, baseline_mae, unit, champion (`candidate` or `baseline`:
      which of the two was registered, and whose error and coverage these are), gate, baseline,
      gain (of the candidate over that baseline), standard_error, coverage, laps, rows;
    - of the version that serves: serving (its number), serving_mae, serving_baseline_mae,
      serving_kind.

    Errors are means over laps left out, in the unit. Raises `ModelError` where there are too few
    laps, where they are not of one circuit, or where an input leaks the label.
    """
    chosen = task(settings, name)
    if tune is not None:
        chosen = drawn(chosen, tune)
    started = time.monotonic()
    step("choosing laps")
    choice = choose(settings, sessions, circuit)
    step(f"joining features of {choice}")
    data = build(settings, chosen, entity_rows(settings, chosen, choice.laps))
    evaluation = evaluate(chosen, data, step)
    step("fitting")
    kind = "candidate" if evaluation.wins() else "baseline"
    best = evaluation.out.best_baseline
    model = alone(lambda: fitted(chosen, evaluation.registered, data))
    registry = models.client(settings)
    step("logging")
    version = log(settings, registry, chosen, data, evaluation, model, kind, choice)
    verdict = _promote(registry, name, version, promoted, new_circuit)
    gain, standard_error = evaluation.out.gain(best)
    return {
        "circuit": choice.circuit.metadata(),
        "left_out": choice.left_out,
        "taken": str(choice),
        "version": int(version),
        "mae": round(evaluation.out.mean(evaluation.registered), 4),
        "baseline_mae": round(evaluation.out.mean(best), 4),
        "unit": chosen.unit,
        "champion": kind,
        **_serving(registry, name),
        "gate": verdict.why,
        "baseline": best,
        "gain": round(gain, 5),
        "standard_error": finite(standard_error),
        "coverage": round(evaluation.coverage, 3),
        "laps": len(evaluation.out.errors),
        "rows": len(data.y),
        "seconds": round(time.monotonic() - started, 1),
    }


def _promote(registry: Any, name: str, version: str, promoted: bool, new_circuit: bool) -> Verdict:
    if not promoted and models.by_alias(registry, name, "champion") is not None:
        return Verdict(False, f"not asked; ./pitwall promote {name} {version}")
    verdict = gate(registry, name, version, new_circuit=new_circuit)
    if verdict.passes:
        promote(registry, name, version, new_circuit=new_circuit)
    return verdict


def _serving(registry: Any, name: str) -> dict[str, Any]:
    """Number, errors and kind of the champion; all None where there is none."""
    champion = models.by_alias(registry, name, "champion")
    tags = {} if champion is None else champion.tags
    return {
        "serving": None if champion is None else int(champion.version),
        "serving_mae": float(tags["mae"]) if "mae" in tags else None,
        "serving_baseline_mae": float(tags["baseline_mae"]) if "baseline_mae" in tags else None,
        "serving_kind": tags.get("kind"),
    }


def retrain(
    settings: Settings,
    name: str,
    step: Step = lambda text: None,
    circuit: str | float | None = None,
) -> dict[str, Any]:
    """Train on what came since the champion was trained, and promote past the gate.

    It learns from the laps of `circuit`, or of the champion's where none is given. Where neither
    laps nor definitions are new, nothing is trained and `new` is False.
    """
    registry = models.client(settings)
    champion = models.by_alias(registry, name, "champion")
    own = circuit if champion is None or circuit is not None else of_tags(champion.tags)
    if champion is not None:
        params = registry.get_run(champion.run_id).data.params
        choice = choose(settings, circuit=own)
        rows = entity_rows(settings, task(settings, name), choice.laps)
        present = (sha256(rows), lineage.definitions(settings))
        if present == (params["entity_rows_sha256"], params["definitions"]):
            return {
                "version": int(champion.version),
                **_serving(registry, name),
                "new": False,
                "taken": str(choice),
                "gate": "no new laps since it was trained",
            }
    trained = train(settings, name, circuit=own, promoted=True, step=step)
    return {**trained, "new": True}
