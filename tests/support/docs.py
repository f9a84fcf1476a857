"""The commands in the documentation's pages, by how they are to be run."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass

from paths import ROOT

DOCS = ROOT / "docs"
FENCE = re.compile(r"^```\{ \.sh \.(run|stack|by-hand) \}\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One line of a block: `run` needs no server, `stack` needs the local stack, `by-hand` is not
    run.
    """

    page: str
    kind: str
    text: str

    @property
    def arguments(self) -> list[str]:
        """How a test runs it."""
        words = shlex.split(self.text, comments=True)
        assert words[0] == "./pitwall", self
        return [sys.executable, "-m", "pitwall.cli.main", *words[1:]]


def commands() -> list[Command]:
    """All, in the order of the tutorials and then of the other pages."""
    pages = sorted(
        DOCS.rglob("*.md"),
        key=lambda path: (
            path.parent.name != "tutorials",
            path.name != "performance-engineer.md",
            path,
        ),
    )
    return [
        Command(str(page.relative_to(DOCS)), block[1], line)
        for page in pages
        for block in FENCE.finditer(page.read_text())
        for line in block[2].splitlines()
        if line.strip()
    ]
