"""The model card: purpose of a version, its data, its errors, and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pitwall.training.evaluation import Evaluation
from pitwall.training.intervals import PARTS, said
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
        f"{params['laps']} laps, {params['rows']} rows every {task.every_s:g} s, "
        f"{params['first']} to {params['last']}. Feature service `{task.service}`, "
        f"definitions `{params['definitions']}`, entity rows `{params['entity_rows_sha256']}`, "
        f"data `{params['dataset_sha256']}`.",
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
                    f"{what}, gain over {name}: {gain:.4g} ± {error:.2g} "
                    f"(standard error, {len(comparison.errors)} {task.groups}s)."
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
    widths, unusual = evaluation.interval["half_width"], said(evaluation.interval)
    for part in range(PARTS):
        width = widths[part] if len(widths) > 1 else widths[0]
        errors = " | ".join(f"{evaluation.by_part[name][part]:.3g}" for name in columns)
        lines.append(
            f"| {part * 10}–{part * 10 + 10} % | {errors} "
            f"| {width:.3g} | {evaluation.coverage_by_part[part]:.0%} |"
        )
    lines += [
        "",
        f"Intervals are those of {evaluation.registered}. They are meant to hold "
        f"{evaluation.interval['coverage']:.0%} of the truths; of {task.groups}s left out they "
        f"held {evaluation.coverage:.1%}, of the {task.groups} with the fewest "
        f"{evaluation.coverages[evaluation.registered].min():.1%}."
        + (f" Note: {unusual}." if unusual else ""),
        "",
        "## Limits",
        "The model has learned one circuit and one kind of car; for another one it must be",
        "trained again. It has not learned from laps of which a part was not seen. The errors are",
        "of laps like those above: the interval's promise ends where the data drift.",
        "",
    ]
    return "\n".join(lines)
