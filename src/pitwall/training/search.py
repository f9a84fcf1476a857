"""A search for an estimator's parameters: candidates that are drawn, and how each of them did.

The candidates become part of the task. From then on they are what each fold chooses from, among the
laps that the fold learns from: no lap has a say in the parameters that it is judged by.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from pitwall.errors import UsageError
from pitwall.training.tasks import MOST_CHOICES, Range, Task

SEED = 424
"""The draws begin with it, so that a search gives the same candidates again."""


def drawn(task: Task, count: int) -> Task:
    """The task with `count` candidates: its own parameters, and the rest drawn from its ranges.

    A larger count has the candidates of a smaller one first. Raises `UsageError` where the task has
    no ranges, and for a count that is not from 2 to `MOST_CHOICES`.
    """
    if not task.search:
        raise UsageError(
            f"task {task.name} has no `search`: give ranges of its estimator's parameters in "
            f"training/tasks/{task.name}.yaml, as `search: {{max_iter: {{low: 50, high: 400}}}}`"
        )
    least = len(own := choices(task))
    if not least < count <= MOST_CHOICES:
        raise UsageError(f"--tune {count}: give a number from {least + 1} to {MOST_CHOICES}")
    random = np.random.default_rng(SEED)
    rest = [
        {
            **{name: values[random.integers(len(values))] for name, values in task.tune.items()},
            **{name: _value(span, random) for name, span in task.search.items()},
        }
        for _ in range(count - least)
    ]
    return task.model_copy(update={"candidates": (*own, *rest)})


def choices(task: Task) -> list[dict[str, Any]]:
    """The parameters that a training of the task chooses from, the first before equal ones."""
    if task.candidates:
        return [dict(values) for values in task.candidates]
    return [dict(zip(task.tune, values, strict=True)) for values in product(*task.tune.values())]


def _value(span: Range, random: np.random.Generator) -> int | float:
    whole = isinstance(span.low, int) and isinstance(span.high, int)
    # Half a step on either side, so that the ends are drawn as often as the numbers between them.
    low, high = (span.low - 0.5, span.high + 0.5) if whole else (span.low, span.high)
    if span.log:
        value = float(np.exp(random.uniform(np.log(low), np.log(high))))
    else:
        value = float(random.uniform(low, high))
    return min(max(round(value), int(span.low)), int(span.high)) if whole else value
