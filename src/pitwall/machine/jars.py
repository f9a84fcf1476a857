"""Jars from Maven Central: named, versioned and checked against `jars.lock`.

`jars.lock` holds one line a jar: the groups that need it, its Maven coordinate and its SHA-256.
`python -m pitwall.machine.jars` resolves `ROOTS` again and writes that file.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pitwall.errors import JarError

ROOTS: dict[str, tuple[str, ...]] = {
    "kafka": (
        "org.apache.kafka:kafka_2.13:4.4.0",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5",
    ),
    "cassandra": ("org.apache.cassandra:cassandra-all:5.0.9",),
    "hdfs": (
        "org.apache.hadoop:hadoop-hdfs:3.4.1",
        "org.apache.hadoop:hadoop-hdfs-client:3.4.1",
        "org.apache.hadoop:hadoop-common:3.4.1",
    ),
    "hbase": ("org.apache.hbase:hbase-server:2.6.1", "org.apache.hbase:hbase-thrift:2.6.1"),
    "s3": ("org.gaul:s3proxy:4.1.0", "com.fasterxml.jackson.core:jackson-annotations:2.21"),
}
"""Servers, resolved with their dependencies."""

SINGLE: dict[str, tuple[str, ...]] = {
    "compiler": ("org.eclipse.jdt:ecj:3.40.0",),
    "flink": (
        "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2",
        "org.apache.cassandra:java-driver-core-shaded:4.19.0",
        "org.apache.cassandra:java-driver-guava-shaded:4.19.0",
        "com.datastax.oss:native-protocol:1.5.2",
        "com.typesafe:config:1.4.3",
        "org.hdrhistogram:HdrHistogram:2.2.2",
        "io.dropwizard.metrics:metrics-core:4.1.18",
        "org.reactivestreams:reactive-streams:1.0.4",
        "ch.randelshofer:fastdoubleparser:2.0.1",
    ),
    "flink-parquet": (
        "org.apache.flink:flink-sql-parquet:2.3.0",
        "org.apache.hadoop:hadoop-client-api:3.4.1",
        "org.apache.hadoop:hadoop-client-runtime:3.4.1",
        "commons-logging:commons-logging:1.2",
    ),
    "flink-s3": ("org.apache.flink:flink-s3-fs-hadoop:2.3.0",),
    "spark": (
        "org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.7",
        "org.apache.spark:spark-token-provider-kafka-0-10_2.12:3.5.7",
        "org.apache.kafka:kafka-clients:3.4.1",
        "org.apache.commons:commons-pool2:2.11.1",
        "com.datastax.spark:spark-cassandra-connector_2.12:3.5.1",
        "com.datastax.spark:spark-cassandra-connector-driver_2.12:3.5.1",
        "org.apache.cassandra:java-driver-core-shaded:4.19.0",
        "org.apache.cassandra:java-driver-guava-shaded:4.19.0",
        "org.apache.cassandra:java-driver-mapper-runtime:4.19.0",
        "org.apache.cassandra:java-driver-query-builder:4.19.0",
        "com.datastax.oss:native-protocol:1.5.2",
        "com.typesafe:config:1.4.3",
        "org.hdrhistogram:HdrHistogram:2.2.2",
        "org.reactivestreams:reactive-streams:1.0.4",
        "com.thoughtworks.paranamer:paranamer:2.8",
        "org.apache.flink:flink-core:2.3.0",
        "org.apache.flink:flink-core-api:2.3.0",
        "org.apache.flink:flink-annotations:2.3.0",
        "org.apache.flink:flink-shaded-jackson:2.18.2-20.0",
        "ch.randelshofer:fastdoubleparser:2.0.1",
    ),
    "page": ("org.webjars.npm:uplot:1.6.30",),
}
"""Jars taken alone: the jobs' libraries, the compiler of its Java, and the live page's strip charts."""

OPTIONAL = frozenset({"flink-s3", "hbase", "hdfs", "spark"})
"""Groups that only some settings need."""

LOCK = Path(__file__).with_name("jars.lock")


@dataclass(frozen=True)
class Jar:
    """One line of `jars.lock`."""

    groups: tuple[str, ...]
    coordinate: str
    sha256: str

    def path(self, cache: Path) -> Path:
        """Where the jar lies in `cache`, a Maven local repository."""
        group, artifact, version, *classifier = self.coordinate.split(":")
        name = "-".join([artifact, version, *classifier]) + ".jar"
        return cache.joinpath(*group.split("."), artifact, version, name)


def read_lock() -> list[Jar]:
    """All locked jars, in classpath order."""
    rows = (
        line.split() for line in LOCK.read_text().splitlines() if line and not line.startswith("#")
    )
    return [
        Jar(tuple(groups.split(",")), coordinate, sha256) for groups, coordinate, sha256 in rows
    ]


def classpath(group: str, cache: Path) -> list[Path]:
    """The jars of one group, in order. They must have been fetched."""
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
            _download(jar.coordinate, cache)
            break
        except Exception as error:
            if attempt == 3:
                raise JarError(
                    f"jar {jar.coordinate} could not be downloaded from Maven Central ({error}); "
                    "check the network and run again"
                ) from error
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != jar.sha256:
        path.unlink()
        raise JarError(
            f"jar {jar.coordinate} has SHA-256 {found}, jars.lock says {jar.sha256}; it was deleted, run again"
        )
    _mark(jar, cache).write_text(jar.sha256)
    return path


def _download(coordinate: str, cache: Path) -> Path:
    from jgo.maven import MavenContext

    logging.getLogger("jgo").setLevel(logging.ERROR)
    group, artifact, version, *classifier = coordinate.split(":")
    context = MavenContext(repo_cache=cache, timeout=60)
    component = context.project(group, artifact).at_version(version)
    return Path(component.artifact(classifier=classifier[0] if classifier else "").resolve())


def relock(cache: Path) -> None:
    """Resolve `ROOTS` and `SINGLE` from Maven Central and write `jars.lock`."""
    from jgo.maven import MavenContext, Model

    groups: dict[str, list[str]] = {}

    def add(group: str, coordinates: Iterable[str]) -> None:
        for coordinate in coordinates:
            names = groups.setdefault(coordinate, [])
            if group not in names:
                names.append(group)

    context = MavenContext(repo_cache=cache, timeout=60)
    for group, roots in ROOTS.items():
        pinned = {root.rsplit(":", 1)[0] for root in roots}
        add(group, roots)
        for root in roots:
            g, a, v = root.split(":")
            dependencies, _ = Model(
                context.project(g, a).at_version(v).pom(), context
            ).dependencies()
            for dep in dependencies:
                art = dep.artifact
                if (
                    dep.scope not in ("compile", "runtime")
                    or dep.optional
                    or f"{art.groupId}:{art.artifactId}" in pinned
                ):
                    continue
                # HBase's pages, which are not in its jars, would take any version of one.
                if art.packaging != "jar" or art.version.startswith("["):
                    continue
                add(
                    group,
                    [
                        ":".join(
                            x
                            for x in (art.groupId, art.artifactId, art.version, art.classifier)
                            if x
                        )
                    ],
                )
    for group, singles in SINGLE.items():
        add(group, singles)
    lines = ["# groups coordinate sha256; written by: python -m pitwall.machine.jars"]
    with ThreadPoolExecutor(8) as pool:
        paths = pool.map(lambda c: _download(c, cache), groups)
        for (coordinate, names), path in zip(groups.items(), paths, strict=True):
            lines.append(
                f"{','.join(names)} {coordinate} {hashlib.sha256(path.read_bytes()).hexdigest()}"
            )
    LOCK.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    from pitwall.settings import Settings

    relock(Settings().cache_dir / "m2")
