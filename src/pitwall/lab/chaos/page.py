"""The tables of `docs/how-to/chaos.md`: the faults there are, and what each did in one run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pitwall.errors import UsageError
from pitwall.lab.chaos.experiment import DRIVE_S, HOLD_S
from pitwall.lab.chaos.faults import FAULTS
from pitwall.lab.chaos.verdict import Outcome

PAGE = Path("docs") / "how-to" / "chaos.md"
HEADS = ("Fault", "Rows", "Predictions", "Answers", "Lost", "Doubled", "Wrong")
"""The columns of `figures`. The first three numbers are the longest silences."""


def figures(outcome: Outcome) -> list[str]:
    """The cells of an outcome's line, in the order of `HEADS`."""
    if outcome.refused:
        return [f"not possible here: {outcome.refused}", *[""] * 5]
    if outcome.error:
        return [outcome.error, *[""] * 5]
    silences = (outcome.rows, outcome.predictions, outcome.answers)
    doubled = outcome.rows.doubled + outcome.predictions.doubled
    return [
        *(f"{output.silence_s:.1f} s" for output in silences),
        *map(str, (outcome.lost, doubled, outcome.wrong)),
    ]


def fault_lines() -> list[str]:
    """The lines of the first table: every fault, and what happens."""
    by_text: dict[str, list[str]] = {}
    for name, fault in FAULTS.items():
        by_text.setdefault(fault.text, []).append(f"`{name}`")
    return [
        "| fault | what happens |",
        "| --- | --- |",
        *(f"| {', '.join(names)} | {text} |" for text, names in by_text.items()),
    ]


def outcome_lines(outcomes: Iterable[Outcome]) -> list[str]:
    """The lines of the second table: every outcome, how it was measured, and what is missing."""
    outcomes = list(outcomes)
    names = [outcome.fault for outcome in outcomes]
    missing = [f"- `{name}`" for name in FAULTS if name not in names]
    return [
        f"Measured on {os.cpu_count()} cores, which did other work at the same time. A drive has "
        f"{DRIVE_S:g} s, and",
        f"the fault lasts {HOLD_S:g} s of it:",
        "",
        "| " + " | ".join(head.lower() for head in HEADS) + " |",
        "| --- " * len(HEADS) + "|",
        *(f"| `{one.fault}` | {' | '.join(figures(one))} |" for one in outcomes),
        *(["", "Not in this run:", "", *missing] if missing else []),
    ]


def write(repository: Path, outcomes: Iterable[Outcome]) -> Path:
    """Write both tables into the page of this checkout, and return its path.

    Raises `UsageError` where there is no such page.
    """
    path = repository / PAGE
    if not path.exists():
        raise UsageError(f"there is no {path}; --write-docs is for a checkout")
    text = replace(path.read_text(), "faults", fault_lines())
    path.write_text(replace(text, "outcomes", outcome_lines(outcomes)))
    return path


def replace(text: str, name: str, lines: Iterable[str]) -> str:
    """`text` with these lines between its marks `<!-- NAME -->` and `<!-- end of NAME -->`."""
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    _, _, after = rest.partition(f"<!-- end of {name} -->")
    body = "\n".join(lines)
    return f"{before}<!-- {name} -->\n\n{body}\n\n<!-- end of {name} -->{after}"
