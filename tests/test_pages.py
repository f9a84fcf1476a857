"""Every written page has short lines, which a terminal and a review show whole."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("*/README.md"),
    *(ROOT / "docs").rglob("*.md"),
]


def test_lines_outside_tables_have_at_most_100_columns() -> None:
    assert len(PAGES) > 30
    long = [
        f"{page.relative_to(ROOT)}:{number}"
        for page in PAGES
        for number, line in enumerate(page.read_text().splitlines(), start=1)
        if len(line) > 100 and not line.startswith("|")
    ]
    assert long == []
