"""Puts the folders that tools read into the wheel, as `pitwall/project`."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

READ_BY_TOOLS = ("feature_repo", "flink_jobs", "serving", "spark_jobs", "training")


class BuildWithProject(build_py):
    """Builds the package as `build_py` does, and adds the folders beside `src`."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for name in READ_BY_TOOLS:
                target = Path(self.build_lib) / "pitwall" / "project" / name
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(
                    name, target, ignore=shutil.ignore_patterns("__pycache__", "*.class", "data")
                )


setup(cmdclass={"build_py": BuildWithProject})
