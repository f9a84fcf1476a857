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


def outcome_lines(outcomes: Iterable[Outcome], before: str = "") -> list[str]:
    """The lines of the second table: every fault's outcome, how it was measured, what is missing.

    A fault that is not among the outcomes keeps its line of `before`, the page as it was.
    """
    lines = {
        name: line
        for line in before.splitlines()
        for name in FAULTS
        if line.startswith(f"| `{name}` |")
    }
    for one in outcomes:
        lines[one.fault] = f"| `{one.fault}` | {' | '.join(figures(one))} |"
    missing = [f"- `{name}`" for name in FAULTS if name not in lines]
    return [
        f"Runs on {os.cpu_count()} cores, which did other work at the same time. A drive has "
        f"{DRIVE_S:g} s, and",
        f"the fault lasts {HOLD_S:g} s of it:",
        "",
        "| " + " | ".join(head.lower() for head in HEADS) + " |",
        "| --- " * len(HEADS) + "|",
        *(lines[name] for name in FAULTS if name in lines),
        *(["", "Not tried yet:", "", *missing] if missing else []),
    ]


def write(repository: Path, outcomes: Iterable[Outcome]) -> Path:
    """Write both tables into the page of this checkout, and return its path.

    The second table keeps the lines of faults that are not among the outcomes.

    Raises `UsageError` where there is no such page.
    """
    path = repository / PAGE
    if not path.exists():
        raise UsageError(f"there is no {path}; --write-docs is for a checkout")
    text = replace(path.read_text(), "faults", fault_lines())
    before = text.partition("<!-- outcomes -->")[2]
    path.write_text(replace(text, "outcomes", outcome_lines(outcomes, before)))
    return path


def replace(text: str, name: str, lines: Iterable[str]) -> str:
    """`text` with these lines between its marks `<!-- NAME -->` and `<!-- end of NAME -->`."""
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    _, _, after = rest.partition(f"<!-- end of {name} -->")
    body = "\n".join(lines)
    return f"{before}<!-- {name} -->\n\n{body}\n\n<!-- end of {name} -->{after}"
