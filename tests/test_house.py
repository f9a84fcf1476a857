"""The house keeps its shape: rooms, floors, sizes, formatting, types, and what the README says."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "pitwall"
LOOSE = {"__init__.py", "settings.py", "errors.py", "logs.py"}
LONGEST = 400
MEDIAN = 120


def tool(name: str, *arguments: str) -> None:
    """Run a tool of the environment in the checkout; its output is the assertion's message."""
    command = Path(sys.executable).parent / name
    result = subprocess.run([command, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_imports_go_down_the_floors() -> None:
    tool("lint-imports", "--no-cache")


def test_only_settings_errors_and_logs_stand_loose() -> None:
    assert {path.name for path in PACKAGE.glob("*.py")} == LOOSE


def test_every_room_says_what_it_takes_gives_and_may_import() -> None:
    for room in PACKAGE.rglob("__init__.py"):
        doc = room.read_text().partition('"""')[2].partition('"""')[0]
        assert len(doc.split()) >= 12, f"{room.relative_to(ROOT)} does not say what its room is for"


def test_modules_have_one_job_and_few_lines() -> None:
    lines = {
        path.relative_to(ROOT): len(path.read_text().splitlines())
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    }
    assert {path: n for path, n in lines.items() if n > LONGEST} == {}
    assert statistics.median(lines.values()) <= MEDIAN


@pytest.mark.parametrize(
    "folder", ["feature_repo", "flink_jobs", "spark_jobs", "training", "serving", "compose"]
)
def test_top_level_folders_are_explained_and_no_packages(folder: str) -> None:
    assert len((ROOT / folder / "README.md").read_text().splitlines()) <= 6
    assert not (ROOT / folder / "__init__.py").exists()


def test_the_locks_name_no_registry_host() -> None:
    assert not re.search(r"https?://", (ROOT / "requirements.lock").read_text())
    assert "://" not in (PACKAGE / "machine" / "jars.lock").read_text()


def test_types_are_right() -> None:
    tool("mypy")


def test_every_file_is_formatted_and_no_line_is_too_long() -> None:
    tool("ruff", "format", "--check", ".")
    tool("ruff", "check", ".")
    skipped = [
        str(path.relative_to(ROOT))
        for folder in ("src", "tests", "docs", "training", "serving", "compose", "feature_repo")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"# fmt: *(skip|off)", path.read_text()) and path != Path(__file__)
    ]
    assert skipped == []
