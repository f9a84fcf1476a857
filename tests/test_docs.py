"""The documentation builds without a warning, links included; its commands are run or
say why not.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from paths import ROOT

from docs import DOCS, FENCE, commands
from pitwall.settings import Settings


def test_the_site_builds_with_every_link_good(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    reference = (tmp_path / "reference" / "settings" / "index.html").read_text()
    assert all(f"PITWALL_{name.upper()}" in reference for name in Settings.model_fields)
    assert (
        "pitwall dead-letters replay"
        in (tmp_path / "reference" / "commands" / "index.html").read_text()
    )


def test_links_of_the_readme_exist() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / link).exists(), link


def test_every_command_is_run_or_says_why_not() -> None:
    found = commands()
    assert {command.kind for command in found} == {"run", "stack", "by-hand"}
    for page in DOCS.rglob("*.md"):
        for block in FENCE.finditer(page.read_text()):
            assert block[1] != "by-hand" or re.search(r"# not run here: \w+", block[2]), (
                page,
                block[0],
            )
        outside = FENCE.sub("", page.read_text())
        loose = [
            line
            for line in outside.splitlines()
            if re.match(r"(    |\s*\$ )(\./pitwall|docker|cd |uv |\.venv/bin/)", line)
        ]
        assert not loose, (page, loose)
    for test in re.findall(r"tests/[\w/]*test_\w+\.py", "\n".join(c.text for c in found)):
        assert (ROOT / test).exists(), test


def test_commands_that_need_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    shutil.copytree(
        ROOT / "feature_repo",
        tmp_path / "feature_repo",
        ignore=shutil.ignore_patterns("data", "__pycache__"),
    )
    monkeypatch.setenv("PITWALL_REPOSITORY", str(tmp_path))
    chosen = [command for command in commands() if command.kind == "run"]
    assert len(chosen) >= 3
    for command in chosen:
        result = subprocess.run(command.arguments, cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 0, (command, result.stderr)
        assert result.stdout.strip(), command
