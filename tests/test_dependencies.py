"""Every imported package is declared in `pyproject.toml`, and every declared one is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHIPPED = ["src", "feature_repo", "flink_jobs", "serving", "spark_jobs", "training"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--optional-dependencies-dev-groups", "dev", "--ignore", "DEP002", *SHIPPED],
        [*SHIPPED, "docs", "tests"],
    ],
    ids=["what is shipped needs no developer's package", "all code, and all packages"],
)
def test_deptry_is_content(arguments: list[str]) -> None:
    command = [Path(sys.executable).with_name("deptry"), *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
