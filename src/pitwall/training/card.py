"""The model card: what a version is for, what it learned from, how wrong it is where, and what it is not good for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pitwall.training.evaluation import PARTS, Evaluation
from pitwall.training.tasks import Task


def card(task: Task, evaluation: Evaluation, params: Mapping[str, Any], kind: str) -> str:
    """The card as Markdown."""
    out, walk, unit = evaluation.out, evaluation.walk, task.unit
    best = out.best_baseline
    lines = [
        f"# {task.name}",
        "",
        f"{task.description}. Answers in {unit}. "
        + (
            f"The candidate, {task.estimator.name}, beats its baselines."
            if kind == "candidate"
            else f"The candidate lost: this is the baseline {best}."
        ),
        "",
        "## Data",
        f"{params['laps']} laps, {params['rows']} rows every {task.every_s:g} s, {params['first']} to {params['last']}. Feature service "
        f"`{task.service}`, definitions `{params['definitions']}`, entity rows `{params['entity_rows_sha256']}`, data `{params['dataset_sha256']}`.",
        "",
        f"## Error ({task.metric}, {unit}), mean over held-out {task.groups}s",
        "",
        "| | " + " | ".join(out.errors.columns) + " |",
        "| --- |" + " --- |" * len(out.errors.columns),
        "| one left out | "
        + " | ".join(f"{out.mean(name):.4g}" for name in out.errors.columns)
        + " |",
    ]
    if walk is not None:
        lines.append(
            "| walk-forward | "
            + " | ".join(f"{walk.mean(name):.4g}" for name in walk.errors.columns)
            + " |"
        )
    lines.append("")
    for what, comparison in (("One left out", out), ("Walk-forward", walk)):
        for name in comparison.errors.columns if comparison is not None else ():
            if name != "candidate" and comparison is not None:
                gain, error = comparison.gain(name)
                lines.append(
                    f"{what}, gain over {name}: {gain:.4g} ± {error:.2g} (standard error, {len(comparison.errors)} {task.groups}s)."
                )
    columns = ["candidate", best, *(["walk_candidate", f"walk_{best}"] if walk is not None else [])]
    titles = [name.replace("walk_", "walk-forward: ") for name in columns]
    lines += [
        "",
        "By tenth of the lap:",
        "",
        f"| lap | {' | '.join(titles)} | interval ± | holds |",
        "| --- |" + " --- |" * (len(columns) + 2),
    ]
    widths = evaluation.interval["half_width"]
    for part in range(PARTS):
        width = widths[part] if len(widths) > 1 else widths[0]
        lines.append(
            f"| {part * 10}–{part * 10 + 10} % | {' | '.join(f'{evaluation.by_part[name][part]:.3g}' for name in columns)} "
            f"| {width:.3g} | {evaluation.coverage_by_part[part]:.0%} |"
        )
    lines += [
        "",
        f"Intervals are meant to hold {evaluation.interval['coverage']:.0%}; left-out {task.groups}s lay in {evaluation.coverage:.1%} of them.",
        "",
        "## Limits",
        "Learned on one circuit and one kind of car; on another one it must be trained again. Laps of which a part was not seen are not",
        "learned from. Errors are of laps like those above: what the interval promises ends where the data drift.",
        "",
    ]
    return "\n".join(lines)
