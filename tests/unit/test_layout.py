"""Stages import shared modules, never each other; the repository keeps its shape and its promises."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "pitwall"
STAGES = {"car", "flink", "training", "serving", "page"}
SHARED_INSIDE_STAGES = {
    "pitwall.flink.jobs",
    "pitwall.training.tasks",
    "pitwall.training.dataset",
    "pitwall.training.estimators",
}
"""Names, not work: the online table's name, the list of tasks, the types a model may hold."""


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_stages_do_not_import_each_other(stage: str) -> None:
    for path in (PACKAGE / stage).rglob("*.py"):
        for name in imports(path) - SHARED_INSIDE_STAGES:
            parts = name.split(".")
            other = parts[1] if parts[0] == "pitwall" and len(parts) > 1 else ""
            assert other not in STAGES - {stage}, f"{path} imports {name}"


@pytest.mark.parametrize(
    "folder", ["feature_repo", "flink_jobs", "spark_jobs", "training", "serving", "compose"]
)
def test_top_level_folders_are_explained_and_no_packages(folder: str) -> None:
    assert len((ROOT / folder / "README.md").read_text().splitlines()) <= 6
    assert not (ROOT / folder / "__init__.py").exists()


def test_the_lock_names_no_registry_host() -> None:
    assert not re.search(r"https?://", (ROOT / "requirements.lock").read_text())
    assert "://" not in (PACKAGE / "local" / "jars.lock").read_text()


def test_every_command_of_the_readme_exists() -> None:
    help_text = (
        subprocess.run(
            [ROOT / ".venv" / "bin" / "pitwall", "--help"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        if (ROOT / ".venv").exists()
        else ""
    )
    if not help_text:
        pytest.skip("not in a checkout with its .venv")
    for command in (
        "demo",
        "test",
        "up",
        "down",
        "status",
        "replay",
        "simulate",
        "train",
        "models",
        "serve",
        "score",
        "predict",
    ):
        assert re.search(rf"\b{command}\b", help_text), command


def test_mypy_is_content() -> None:
    tools = ROOT / ".venv" / "bin"
    if not (tools / "mypy").exists():
        pytest.skip("not in a checkout with its .venv")
    result = subprocess.run([tools / "mypy"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_ruff_is_content() -> None:
    tools = ROOT / ".venv" / "bin"
    if not (tools / "ruff").exists():
        pytest.skip("not in a checkout with its .venv")
    result = subprocess.run(
        [tools / "ruff", "check", "src", "tests"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout
