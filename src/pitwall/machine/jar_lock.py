"""Which jars the project uses, in which versions, and the command that locks them.

`python -m pitwall.machine.jar_lock` resolves the dependencies anew and writes `jars.lock`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pitwall.machine.jars import LOCK, download

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
"""Jars of the servers, by group; each is locked with all its dependencies."""

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
    "simulation": (
        "org.apache.flink:flink-runtime:2.3.0:tests",
        "org.apache.flink:flink-test-utils-junit:2.3.0",
    ),
}
"""Jars locked without their dependencies, by group.

They are the libraries of the jobs, the compiler of the jobs' Java, the page's charts, and Flink's
test harness for the simulation.
"""


def version(artifact: str) -> str:
    """The version of a jar that `ROOTS` or `SINGLE` name, from its `group:artifact`.

    Raises `KeyError` for any other jar.
    """
    parts = (line.split(":") for group in (*ROOTS.values(), *SINGLE.values()) for line in group)
    return {f"{group}:{name}": number for group, name, number, *_ in parts}[artifact]


def relock(cache: Path) -> None:
    """Resolve `ROOTS` and `SINGLE` from Maven Central, download into `cache`, write `jars.lock`."""
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=cache, timeout=60)
    groups: dict[str, list[str]] = {}
    """Groups by coordinate."""

    def add(group: str, coordinates: Iterable[str]) -> None:
        for coordinate in coordinates:
            names = groups.setdefault(coordinate, [])
            if group not in names:
                names.append(group)

    for group, roots in ROOTS.items():
        named = {root.rsplit(":", 1)[0] for root in roots}
        add(group, roots)
        for root in roots:
            add(group, _dependencies(context, root, named))
    for group, singles in SINGLE.items():
        add(group, singles)
    lines = ["# groups coordinate sha256; written by: python -m pitwall.machine.jar_lock"]
    with ThreadPoolExecutor(8) as pool:
        paths = pool.map(lambda coordinate: download(coordinate, cache), groups)
        for (coordinate, names), path in zip(groups.items(), paths, strict=True):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(f"{','.join(names)} {coordinate} {digest}")
    LOCK.write_text("\n".join(lines) + "\n")


def _dependencies(context: Any, root: str, named: set[str]) -> Iterator[str]:
    """Coordinates of the jars that `root` needs when it runs, without those in `named`."""
    from jgo.maven import Model

    group, artifact, number = root.split(":")
    pom = context.project(group, artifact).at_version(number).pom()
    dependencies, _ = Model(pom, context).dependencies()
    for dependency in dependencies:
        jar = dependency.artifact
        if dependency.scope not in ("compile", "runtime") or dependency.optional:
            continue
        if f"{jar.groupId}:{jar.artifactId}" in named:
            continue
        # HBase's web pages ask for any version of one library; the jars do not hold the pages.
        if jar.packaging != "jar" or jar.version.startswith("["):
            continue
        yield ":".join(filter(None, (jar.groupId, jar.artifactId, jar.version, jar.classifier)))


if __name__ == "__main__":
    from pitwall.settings import Settings

    relock(Settings().cache_dir / "m2")
