"""The Java of the jobs: packages import downwards only, and a class name stands for one class."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "flink_jobs/jvm/src",
    "flink_jobs/metrics/src",
    "flink_jobs/simulation/src",
    "spark_jobs/jvm/src",
)
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.java"))
TRIALS = sorted((ROOT / "tests/flink/java").rglob("*.java"))
"""Programs of the tests, which lie in the packages that they try."""
MAX_LINES = 400
MAX_COLUMNS = 100

MAY_IMPORT: dict[str, set[str]] = {
    "pitwall.bytes": set(),
    "pitwall.plan": set(),
    "pitwall.wire": {"bytes", "plan"},
    "pitwall.ticks": {"bytes", "plan", "wire"},
    "pitwall.clock": {"bytes", "plan", "wire", "ticks"},
    "pitwall.maths": {"bytes", "plan"},
    "pitwall.features": {"bytes", "plan", "maths"},
    "pitwall.history": {"bytes", "plan", "wire", "ticks"},
    "pitwall.sinks": {"bytes"},
    "pitwall.sinks.cassandra": {"sinks"},
    "pitwall.sinks.kafka": {"bytes", "sinks"},
    "pitwall.sinks.parquet": {"bytes", "sinks"},
    "pitwall.job": {
        *("bytes", "plan", "wire", "ticks", "clock", "maths", "features", "history"),
    },
    "pitwall.simulation": {"plan", "wire", "features", "job"},
    "pitwall.spark": {"bytes", "plan", "wire", "ticks", "clock", "history"},
    "org.apache.flink.metrics.prometheus": set(),
}
"""The packages from the bottom up, with the packages below `pitwall` that each of them may import.
"""

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
TYPE = re.compile(r"\b(?:class|interface|enum|record|@interface)\s+([A-Z]\w*)\s*[<({\s]")
OURS = re.compile(r"\bpitwall((?:\.[a-z]+)+)\.[A-Z*]")


def code(path: Path) -> str:
    """The file without its comments."""
    return COMMENT.sub("", path.read_text())


def package(path: Path) -> str:
    """The package that the file declares."""
    declaration = re.search(r"^package ([\w.]+);", code(path), re.MULTILINE)
    assert declaration, f"{path} declares no package"
    return declaration[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_package_imports_only_what_its_row_names(path: Path) -> None:
    own = package(path)
    named = {f"pitwall{match}" for match in OURS.findall(code(path))} - {own}
    allowed = {f"pitwall.{name}" for name in MAY_IMPORT[own]}
    assert named <= allowed, f"{own} must not import {sorted(named - allowed)}"


def test_no_row_names_a_package_of_a_later_row() -> None:
    order = list(MAY_IMPORT)
    for place, allowed in enumerate(MAY_IMPORT.values()):
        assert {f"pitwall.{name}" for name in allowed} <= set(order[:place]), order[place]


def test_every_package_says_what_it_takes_and_gives() -> None:
    packages = {(package(path), path.parent) for path in FILES}
    described = {path.parent for path in FILES if path.name == "package-info.java"}
    assert {name for name, _ in packages} == MAY_IMPORT.keys()
    for name, folder in packages:
        assert folder.as_posix().endswith(name.replace(".", "/")), f"{name} is in {folder}"
    for name in MAY_IMPORT:
        (folder,) = {folder for other, folder in packages if other == name} & described
        text = " ".join((folder / "package-info.java").read_text().split())
        assert re.search(r"\b[Tt]akes?\b", text), f"{folder} does not say what it takes"
        assert re.search(r"\b[Ii]mports?\b", text), f"{folder} does not say what it imports"


def test_no_two_classes_have_one_simple_name() -> None:
    names = Counter(name for path in FILES for name in TYPE.findall(code(path)))
    assert len(names) >= len(FILES) - len(MAY_IMPORT)
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("path", FILES + TRIALS, ids=lambda path: path.stem)
def test_a_file_is_short_and_its_lines_are(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= MAX_LINES
    too_long = [
        number
        for number, line in enumerate(lines, 1)
        if len(line) > MAX_COLUMNS and not line.startswith("import ")
    ]
    assert too_long == [], "run google-java-format --aosp"
