"""`docs/architecture.md` says what the code is: its rooms, floors, functions and files exist."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "pitwall"
JAVA = ROOT / "flink_jobs" / "jvm" / "src" / "pitwall"
PAGE = (ROOT / "docs" / "architecture.md").read_text()
LINKED = re.findall(r"\]\(([^)#:]+)[^)]*\)", PAGE)
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
PYTHON_NAMES = [text for text in QUOTED if re.fullmatch(r"[a-z_.]+:[A-Za-z_][A-Za-z_.]*", text)]
JAVA_NAMES = [text for text in QUOTED if re.fullmatch(r"[a-z/]+/\w+\.java(:\w+)?", text)]
FILES = [
    text
    for text in QUOTED
    if "/" in text and text not in JAVA_NAMES and re.fullmatch(r"[\w./-]+", text)
]
LOOSE = {"logs", "settings", "errors"}
PLACEHOLDER = re.compile(r"\b(ROOM|KIND)\b")
"""A word in a path of the page that stands for any folder."""


def floors(container: str) -> list[list[str]]:
    """Rooms of each floor, from the top, by the contract in `pyproject.toml`."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (
        contract["layers"]
        for contract in contracts["contracts"]
        if contract.get("containers") == [container]
    )
    return [layer.split(" | ") for layer in layers]


def test_the_picture_shows_the_floors_of_the_contract() -> None:
    picture = re.findall(r"^ +(\d+)  (\w+(?: \| \w+)*)  ", PAGE, re.MULTILINE)
    assert [rooms.split(" | ") for _, rooms in picture] == floors("pitwall")
    assert [int(number) for number, _ in picture] == list(range(len(picture), 0, -1))


def test_every_room_has_one_line_from_the_top_floor_down() -> None:
    table = PAGE.partition("| room | in one line |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| `(\w+)` \| \S.+ \|$", table, re.MULTILINE)
    ordered = [room for floor in floors("pitwall") for room in floor if room not in LOOSE]
    assert named == ordered
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert Counter(named) == Counter(folders)


def test_the_floors_of_the_page_are_those_of_its_contract() -> None:
    stated = " > ".join(room for floor in floors("pitwall.page") for room in floor)
    assert f"`{stated}`" in PAGE


@pytest.mark.parametrize("name", PYTHON_NAMES)
def test_every_python_name_exists(name: str) -> None:
    module, _, qualified = name.partition(":")
    place = PACKAGE.joinpath(*module.split("."))
    sources = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    holders = [source for source in sources if qualified in definitions(source)]
    assert holders, f"{qualified} is nowhere in {module}"


@pytest.mark.parametrize("name", JAVA_NAMES)
def test_every_java_name_exists(name: str) -> None:
    file, _, method = name.partition(":")
    text = (JAVA / file).read_text()
    assert not method or re.search(rf"^ +[\w<>\[\], ]+ {method}\(", text, re.MULTILINE), name


@pytest.mark.parametrize("file", sorted({*FILES, *LINKED}))
def test_every_file_exists(file: str) -> None:
    base = ROOT / "docs" if file in LINKED else ROOT
    pattern = PLACEHOLDER.sub("*", file)
    assert next(base.glob(pattern.rstrip("/")), None) is not None, file


def test_the_page_answers_where_to_add_things() -> None:
    answers = PAGE.partition("## Where do I add")[2]
    for thing in (
        "a feature kind",
        "a channel",
        "a file format",
        "a task",
        "a server",
        "a page view",
        "a fault",
    ):
        assert re.search(rf"^\| {thing}\b.*\| \S", answers, re.MULTILINE), thing


@cache
def definitions(source: Path) -> set[str]:
    """Functions, classes, `Class.member`s, nested functions and constants of a module."""
    names: set[str] = set()
    tree = ast.parse(source.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names.update(
                f"{node.name}.{member.name}"
                for member in node.body
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)
            )
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        names.update(target.id for target in targets if isinstance(target, ast.Name))
    return names
