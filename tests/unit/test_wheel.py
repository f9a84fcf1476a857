"""The wheel brings all the commands need: what it holds starts without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = ROOT / ".venv" / "bin" / "uv"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if not UV.exists():
        pytest.skip("not in a checkout with its .venv")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    names = [
        "src",
        "feature_repo",
        "flink_jobs",
        "serving",
        "spark_jobs",
        "training",
        "pyproject.toml",
        "setup.py",
        "README.md",
    ]
    subprocess.run(["cp", "-r", *(str(ROOT / name) for name in names), str(source)], check=True)
    build = [
        UV,
        "build",
        "-q",
        "--wheel",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--out-dir",
        folder / "dist",
        source,
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("pitwall_telemetry-*.whl")
    subprocess.run(
        [
            UV,
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--python",
            sys.executable,
            "--target",
            folder / "site",
            wheel,
        ],
        check=True,
    )
    yield folder


def test_the_wheel_starts_without_the_checkout(installed: Path) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("PITWALL_")}
    env |= {"PYTHONPATH": str(installed / "site"), "XDG_DATA_HOME": str(installed / "data")}
    code = (
        "import sys; from pitwall.cli.main import main; from pitwall.settings import Settings; from pitwall.flink.sql import render\n"
        "from pitwall.features import load\n"
        "sys.argv = ['pitwall', 'features']\n"
        "try: main()\nexcept SystemExit as end: assert not end.code\n"
        "s = Settings(); print(s.repository); print(len(render(s, load(s.feature_repo))[1]))"
    )
    empty = installed / "empty"
    empty.mkdir()
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=empty, env=env, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    *features, repository, inserts = result.stdout.splitlines()
    assert any("speed_mean_5s" in line for line in features)
    assert Path(repository).parent == installed / "data" / "pitwall" and int(inserts) > 5
    assert {path.name for path in Path(repository).iterdir()} >= {
        "feature_repo",
        "flink_jobs",
        "serving",
        "spark_jobs",
        "training",
    }
    assert not list(empty.iterdir())
