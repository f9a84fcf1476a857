"""Every figure that is published beside a model, made anew: `pitwall report models`.

`python -m pitwall.training.report OUT [TASK…]` is its process; OUT gets the JSON. It needs no
server where the offline store is local. Nothing is registered and nothing stored.
"""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from pitwall.car.session import Session
from pitwall.errors import ModelError, PitwallError
from pitwall.features import load
from pitwall.models.circuit import Circuit, asked
from pitwall.recordings.files import readings
from pitwall.settings import Settings
from pitwall.training import offline
from pitwall.training.dataset import entity_rows, traces_of
from pitwall.training.groups import clusters
from pitwall.training.judging import judged_figures, stored_figures
from pitwall.training.laps import Choice, choose, counted
from pitwall.training.recomputed import write_features
from pitwall.training.tasks import Task, task, tasks

Step = Callable[[str], None]
LAP = ["vehicle", "session", "lap_number"]


def report(
    settings: Settings,
    names: Sequence[str] = (),
    judged: Sequence[Session] = (),
    circuit: str | float | Circuit | None = None,
    step: Step = lambda text: None,
) -> list[dict[str, Any]]:
    """The figures of these tasks, or of all, with the keys that `pitwall report models` documents.

    Without `judged`, each stored lap is left out in turn. With them, candidates and baselines are
    fitted to the stored laps and judged on these sessions; stored laps of the same sessions, and
    near copies of the judged laps, are left out of the fits. Raises `ModelError` where no session
    is stored, and where nothing remains to learn from or to judge by.
    """
    chosen = [task(settings, name) for name in names or tasks(settings)]
    step("choosing laps")
    choice = choose(settings, circuit=circuit)
    if not judged:
        return [_stored(settings, each, choice, step) for each in chosen]
    with tempfile.TemporaryDirectory(prefix="pitwall-judge-") as folder:
        write_features(settings, judged, Path(folder), step)
        elsewhere = settings.model_copy(update={"offline_url": folder})
        new = choose(
            elsewhere,
            circuit=choice.circuit.length_m,
            known={},
            whole_m=choice.laps["length_m"].to_list(),
        )
        laps, note = _unknown(settings, elsewhere, choice, new)
        return [_judged(settings, elsewhere, each, laps, new, note, step) for each in chosen]


def _stored(settings: Settings, task: Task, choice: Choice, step: Step) -> dict[str, Any]:
    step(f"{task.name}: joining features of {choice}")
    data = offline.build(settings, task, entity_rows(settings, task, choice.laps))
    figures = stored_figures(task, data, lambda text: step(f"{task.name}: {text}"))
    return {**figures, "taken": str(choice)}


def _judged(
    settings: Settings,
    elsewhere: Settings,
    task: Task,
    laps: pd.DataFrame,
    new: Choice,
    note: str,
    step: Step,
) -> dict[str, Any]:
    step(f"{task.name}: joining features")
    data = offline.build(settings, task, entity_rows(settings, task, laps))
    rows = entity_rows(elsewhere, task, new.laps)
    unseen = offline.build(elsewhere, task, rows, checked=False)
    if unseen.y.empty:
        raise ModelError(f"no lap to judge {task.name} by has a label; give other recordings")
    figures = judged_figures(task, data, unseen, lambda text: step(f"{task.name}: {text}"))
    left = counted(new.left_out)
    notes = [note, f"of the recordings to judge by were left out: {left}" if left else ""]
    notes.append(figures["note"])
    taken = f"learned from {len(laps)} stored laps, judged on {len(new.laps)} laps of {new.circuit}"
    return {**figures, "note": "; ".join(filter(None, notes)), "taken": taken}


def _unknown(
    settings: Settings, elsewhere: Settings, choice: Choice, new: Choice
) -> tuple[pd.DataFrame, str]:
    """The stored laps that are no recordings of the judged drives, and what was left out."""
    keys = set(zip(new.laps["vehicle"], new.laps["session"], strict=True))
    same = np.array(
        [key in keys for key in zip(choice.laps["vehicle"], choice.laps["session"], strict=True)]
    )
    stored = choice.laps[~same].reset_index(drop=True)
    both = pd.concat([new.laps[LAP], stored[LAP]], ignore_index=True)
    traces = (
        {**traces_of(settings, stored), **traces_of(elsewhere, new.laps)} if len(stored) else {}
    )
    names = clusters(both, traces)
    copies = np.isin(names[len(new.laps) :], names[: len(new.laps)])
    kept = stored[~copies].reset_index(drop=True)
    left = {"of the judged sessions": int(same.sum()), "near copies of them": int(copies.sum())}
    note = f"stored laps left out of the fits: {counted(left)}" if counted(left) else ""
    if len(kept) < 2:
        raise ModelError(
            f"{len(kept)} stored laps remain to learn from ({counted(left) or 'none was left out'})"
            "; judge on recordings that are not stored"
        )
    return kept, note


def _print_step(text: str) -> None:
    print(f"step {text}", file=sys.stderr, flush=True)


def make(
    out: Annotated[Path, typer.Argument(help="File that gets the JSON.")],
    names: Annotated[list[str] | None, typer.Argument(help="Tasks; default: all.")] = None,
    judge: Annotated[list[Path] | None, typer.Option(help="Recordings to judge on.")] = None,
    circuit: Annotated[str | None, typer.Option(help="Circuit: a name or a length.")] = None,
) -> None:
    """Make the figures; OUT gets them as a list, or an object with the `error`."""
    settings = Settings()
    answer: Any
    try:
        sets = load(settings.feature_repo)
        channels = {channel.id: channel for features in sets for channel in features.channels}
        read = readings(judge, None, channels) if judge else []
        named = None if circuit is None else asked(circuit)
        sessions = [reading.session for reading in read]
        answer = report(settings, names or (), sessions, named, _print_step)
    except PitwallError as failed:
        answer = {"error": str(failed)}
    except Exception as fault:
        traceback.print_exc()
        answer = {"error": f"{type(fault).__name__}: {fault}"}
    out.write_text(json.dumps(answer))


if __name__ == "__main__":
    typer.run(make)
