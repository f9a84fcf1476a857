"""Jars from Maven Central, downloaded at first use and checked against `jars.lock`.

`jars.lock` holds one line for each jar: the groups that need it, separated by commas, its Maven
coordinate and its SHA-256. `pitwall.machine.jar_lock` writes that file.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pitwall.errors import JarError

OPTIONAL = frozenset({"flink-s3", "hbase", "hdfs", "simulation", "spark"})
"""Groups of jars that only some settings, or the simulation, need."""

LOCK = Path(__file__).with_name("jars.lock")


@dataclass(frozen=True)
class Jar:
    """One line of `jars.lock`."""

    groups: tuple[str, ...]
    coordinate: str
    sha256: str

    def path(self, cache: Path) -> Path:
        """The jar's file in `cache`, which has the layout of a Maven local repository."""
        group, artifact, version, *classifier = self.coordinate.split(":")
        name = "-".join([artifact, version, *classifier]) + ".jar"
        return cache.joinpath(*group.split("."), artifact, version, name)


def read_lock() -> list[Jar]:
    """All locked jars, in the order of a class path."""
    rows = (
        line.split() for line in LOCK.read_text().splitlines() if line and not line.startswith("#")
    )
    return [
        Jar(tuple(groups.split(",")), coordinate, sha256) for groups, coordinate, sha256 in rows
    ]


def classpath(group: str, cache: Path) -> list[Path]:
    """The jars of one group, in the order of a class path. Call `fetch` before using the files."""
    return [jar.path(cache) for jar in read_lock() if group in jar.groups]


def fetch(
    cache: Path,
    step: Callable[[str, float | None], None] = lambda text, share: None,
    optional: Iterable[str] = (),
) -> None:
    """Download the jars that are missing in `cache` and check each against its SHA-256.

    Of the `OPTIONAL` groups only those named in `optional` are fetched. A jar already checked is
    not read again: a file `<jar>.checked` stands beside it, holding the sum. `step(text, share)`
    is called with each jar that arrives, and never when all were there. Raises `JarError` on a
    failed download or a wrong sum.
    """
    jars = [jar for jar in read_lock() if set(jar.groups) - OPTIONAL.difference(optional)]
    missing = [jar for jar in jars if not _is_checked(jar, cache)]
    present, size = len(jars) - len(missing), 0
    if missing:
        step(f"downloading {len(missing)} jars from Maven Central into {cache}", None)
    with ThreadPoolExecutor(8) as pool:
        for path in pool.map(lambda jar: _fetch_one(jar, cache), missing):
            present, size = present + 1, size + path.stat().st_size
            step(f"jars {present} of {len(jars)}, {size / 1e6:.0f} MB", present / len(jars))


def _mark(jar: Jar, cache: Path) -> Path:
    path = jar.path(cache)
    return path.with_name(path.name + ".checked")


def _is_checked(jar: Jar, cache: Path) -> bool:
    mark = _mark(jar, cache)
    return jar.path(cache).exists() and mark.exists() and mark.read_text() == jar.sha256


def _fetch_one(jar: Jar, cache: Path) -> Path:
    path = jar.path(cache)
    for attempt in (1, 2, 3):
        try:
            download(jar.coordinate, cache)
            break
        except Exception as error:
            if attempt == 3:
                raise JarError(
                    f"jar {jar.coordinate} could not be downloaded from Maven Central ({error}); "
                    "check the network and run again"
                ) from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != jar.sha256:
        path.unlink()
        raise JarError(
            f"jar {jar.coordinate} has SHA-256 {digest}, jars.lock says {jar.sha256}; "
            "the jar was deleted, run again"
        )
    _mark(jar, cache).write_text(jar.sha256)
    return path


def download(coordinate: str, cache: Path) -> Path:
    """Download one jar from Maven Central, unless `cache` has it. Its sum is not checked here."""
    from jgo.maven import MavenContext

    logging.getLogger("jgo").setLevel(logging.ERROR)
    group, artifact, version, *classifier = coordinate.split(":")
    context = MavenContext(repo_cache=cache, timeout=60)
    component = context.project(group, artifact).at_version(version)
    return Path(component.artifact(classifier=classifier[0] if classifier else "").resolve())
