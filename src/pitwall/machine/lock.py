"""Renew `requirements.lock`: `python -m pitwall.machine.lock`.

The lock takes the newest versions of all packages that resolve together, for Python 3.11 and 3.12,
with hashes and without the name of any registry. The command then brings `.venv` up to date and
prints two tables: which packages moved, and which are not at their newest version and why not.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rich.console import Console
from rich.table import Column, Table

from pitwall.errors import PitwallError, StackError, UsageError
from pitwall.settings import DISTRIBUTION, Settings

UV = str(Path(sys.executable).with_name("uv"))
RESOLVE = ["--universal", "--python-version", "3.11"]
WRITE = [
    *("--quiet", "--upgrade", "--generate-hashes"),
    *("--no-header", "--no-emit-index-url", "--no-emit-find-links"),
]
HEADER = "# Written by: python -m pitwall.machine.lock\n"
_ROW = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(?: ; ([^\\\n]+))?", re.MULTILINE)


def versions(text: str) -> dict[str, str]:
    """Version of each package in the text of a lock, as this Python and platform install it."""
    return {
        name: version
        for name, version, marker in _ROW.findall(text)
        if not marker or Marker(marker.strip()).evaluate()
    }


def moved(before: dict[str, str], after: dict[str, str]) -> list[tuple[str, str, str]]:
    """Package, old and new version of what differs; an empty version means absent."""
    rows = ((name, before.get(name, ""), after.get(name, "")) for name in before | after)
    return sorted(row for row in rows if row[1] != row[2])


def requirements() -> Iterator[tuple[str, Requirement]]:
    """The requirements in force in this environment, each with the distribution that states it.

    It begins with our own distribution and its extra `dev`, and follows extras as installers do.
    """
    waiting, seen = [(DISTRIBUTION, "dev")], set()
    while waiting:
        name, extra = waiting.pop()
        if (canonicalize_name(name), extra) in seen:
            continue
        seen.add((canonicalize_name(name), extra))
        try:
            lines = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for requirement in map(Requirement, lines):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                yield name, requirement
                waiting += [(requirement.name, wanted) for wanted in ("", *requirement.extras)]


def holders(package: str, newest: str) -> list[str]:
    """Which requirements in force exclude version `newest` of a package: `feast <0.25.0`."""
    return sorted(
        {
            f"{name} {bound}"
            for name, requirement in requirements()
            if canonicalize_name(requirement.name) == canonicalize_name(package)
            for bound in requirement.specifier
            if not bound.contains(newest, prereleases=True)
        }
    )


def conflict(root: Path, package: str, newest: str) -> str:
    """The resolver's first reason why version `newest` of a package cannot be locked."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraint:
        constraint.write(f"{package}=={newest}\n")
        constraint.flush()
        command = [UV, "pip", "compile", *RESOLVE, "--extra", "dev", "pyproject.toml"]
        result = subprocess.run(
            [*command, "--constraint", constraint.name], cwd=root, capture_output=True, text=True
        )
    reason = re.search(r"Because (.+?), we can conclude", " ".join(result.stderr.split()))
    if reason:
        return reason[1]
    return "the other newest versions" if result.returncode else "nothing; renew the lock again"


def held(root: Path, locked: dict[str, str]) -> list[tuple[str, str, str, str]]:
    """Package, locked version, newest version on the index, and what holds it back."""
    outdated = _uv(root, "pip", "list", "--python", sys.executable, "--outdated", "--format=json")
    rows = []
    for package in json.loads(outdated):
        name, newest = package["name"], package["latest_version"]
        if name in locked:
            reason = ", ".join(holders(name, newest)) or conflict(root, name, newest)
            rows.append((name, locked[name], newest, reason))
    return sorted(rows)


def renew(root: Path) -> None:
    """Write `requirements.lock` and `requirements-spark.lock` anew in the folder `root`.

    Raises `StackError` when no set of versions fits together; the locks then stay as they were.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lock, spark = folder / "requirements.lock", folder / "requirements-spark.lock"
        write = ["pip", "compile", *RESOLVE, *WRITE]
        _uv(root, *write, "--extra", "dev", "pyproject.toml", "--output-file", str(lock))
        (folder / "spark.in").write_text("\n".join(project["optional-dependencies"]["spark"]))
        _uv(folder, *write, "spark.in", "--constraint", lock.name, "--output-file", spark.name)
        texts = {path.name: path.read_text() for path in (lock, spark)}
    if any("://" in text for text in texts.values()):
        raise StackError("a new lock names a host; state every requirement by name and version")
    for name, text in texts.items():
        (root / name).write_text(HEADER + text)


def note_size(lock: Path) -> None:
    """Write into the lock's header how much it installs; the launcher says so before it starts."""
    size = sum(path.lstat().st_size for path in Path(sysconfig.get_path("purelib")).rglob("*"))
    text = lock.read_text().removeprefix(HEADER)
    note = f"# installed: {len(versions(text))} packages, {size / 1e9:.1f} GB\n"
    lock.write_text(HEADER + note + text)


def _uv(root: Path, *arguments: str) -> str:
    result = subprocess.run([UV, *arguments], cwd=root, capture_output=True, text=True)
    if result.returncode:
        raise StackError(f"uv {arguments[0]} {arguments[1]} failed: {result.stderr.strip()}")
    return result.stdout


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    wrapped = (Column(name, overflow="fold") for name in columns)
    table = Table(*wrapped, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    return table


def main() -> None:
    """Renew the lock, install it and print what moved and what is held back."""
    root = Settings().repository
    lock = root / "requirements.lock"
    if not lock.exists():
        raise UsageError(f"{root} has no requirements.lock; run this command in a checkout")
    before = versions(lock.read_text())
    print("resolving the newest versions that fit together", file=sys.stderr, flush=True)
    renew(root)
    after = versions(lock.read_text())
    subprocess.run([root / "pitwall", "--help"], stdout=subprocess.DEVNULL, check=True)
    note_size(lock)
    out = Console()
    out.print(_table("moved", ("package", "was", "is"), [*moved(before, after)]))
    columns = ("package", "locked", "newest", "held back by")
    out.print(_table("\nheld back", columns, [*held(root, after)]))


if __name__ == "__main__":
    try:
        main()
    except PitwallError as error:
        sys.exit(f"pitwall: {error}")
