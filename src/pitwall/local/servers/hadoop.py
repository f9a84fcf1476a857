"""The folder of configuration that HDFS and HBase read through their class path."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape

from pitwall.machine import jars
from pitwall.machine.java import java
from pitwall.settings import Settings

LOG4J = """\
log4j.rootLogger=WARN,err
log4j.appender.err=org.apache.log4j.ConsoleAppender
log4j.appender.err.layout=org.apache.log4j.PatternLayout
log4j.appender.err.layout.ConversionPattern=%d{ISO8601} %p %c %m%n
"""


def hadoop_java(
    settings: Settings,
    group: str,
    properties: Mapping[str, object],
    flags: Iterable[str],
    web_folders: Iterable[str] = (),
) -> list[str]:
    """Java with the jars of `group` (`hdfs` or `hbase`) and a configuration on its class path.

    Fetches the jars, and writes `properties` to `<group>-site.xml`. `web_folders` are made beside
    it: the jars lack the servers' web pages, and a server does not start without their folders.
    """
    jars.fetch(settings.cache_dir / "m2", optional=[group])
    conf = settings.home_dir / "conf" / group
    conf.mkdir(parents=True, exist_ok=True)
    lines = [
        f"<property><name>{key}</name><value>{escape(str(value))}</value></property>"
        for key, value in properties.items()
    ]
    text = "\n".join(["<configuration>", *lines, "</configuration>", ""])
    (conf / f"{group}-site.xml").write_text(text)
    (conf / "log4j.properties").write_text(LOG4J)
    for folder in web_folders:
        (conf / "webapps" / folder).mkdir(parents=True, exist_ok=True)
    # `java` puts the class path last.
    *command, class_path = java(group, settings, "-XX:+UseSerialGC", *flags)
    return [*command, f"{conf}{os.pathsep}{class_path}"]
