"""Flink's configuration: options of its processes and of a job, and the files that hold them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml

from pitwall.errors import UsageError
from pitwall.flink.checkpoints import newest
from pitwall.logs import LOG4J_JSON
from pitwall.machine import compile, jars
from pitwall.settings import Settings

_LOADED_ONCE = (
    "com.datastax.",
    "com.typesafe.config.",
    "com.codahale.metrics.",
    "org.reactivestreams.",
    "org.HdrHistogram.",
)
"""Packages that a process loads once, not with each start of a job.

Otherwise a task manager's metaspace is full after a dozen starts.
"""


_METRICS_REPORTER = "org.apache.flink.metrics.prometheus.LoopbackPrometheusFactory"
"""Our reporter for Prometheus (`flink_jobs/metrics`), which listens on one address only."""


def _java_options() -> str:
    """Options of each Java process: those that Flink ships, which it needs to run, and ours."""
    shipped = yaml.safe_load((compile.flink_home() / "conf" / "config.yaml").read_text())
    return f"{shipped['env']['java']['opts']['all']} -XX:+UseParallelGC"


def cluster_options(settings: Settings) -> dict[str, str]:
    """Options of Flink's processes: addresses, slots, memory, metrics, S3.

    They listen on `flink_host` alone.
    """
    return {
        "rest.address": settings.flink_host,
        "rest.bind-address": settings.flink_host,
        "rest.port": str(settings.flink_port),
        "jobmanager.rpc.address": settings.flink_host,
        "jobmanager.rpc.port": str(settings.flink_rpc_port),
        "jobmanager.bind-host": settings.flink_host,
        "jobmanager.memory.process.size": "1g",
        "taskmanager.host": settings.flink_host,
        "taskmanager.bind-host": settings.flink_host,
        "taskmanager.numberOfTaskSlots": str(settings.parallelism),
        "taskmanager.memory.process.size": "2g",
        "taskmanager.memory.managed.size": "0b",
        "taskmanager.memory.network.max": "128mb",
        "env.java.opts.all": _java_options(),
        "classloader.parent-first-patterns.additional": ";".join(_LOADED_ONCE),
        "io.tmp.dirs": str(settings.home_dir / "tmp"),
        "heartbeat.timeout": "10 s",
        "heartbeat.interval": "2 s",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "500 ms",
        "restart-strategy.exponential-delay.max-backoff": "10 s",
        "metrics.reporters": "prom",
        "metrics.reporter.prom.factory.class": _METRICS_REPORTER,
        "metrics.reporter.prom.host": settings.flink_host,
        "metrics.reporter.prom.port": str(settings.flink_metrics_port),
        **_s3(settings),
    }


def on_s3(settings: Settings) -> bool:
    """Whether the job keeps checkpoints or Parquet on the S3 server."""
    return any(url.startswith("s3:") for url in (settings.checkpoint_url, settings.offline_url))


def _s3(settings: Settings) -> dict[str, str]:
    if not on_s3(settings):
        return {}
    from pitwall.stores.s3 import s3_key

    key, secret = s3_key(settings, "flink")
    return {
        "s3.endpoint": settings.s3_url,
        "s3.path.style.access": "true",
        "s3.access-key": key,
        "s3.secret-key": secret,
    }


def job_options(settings: Settings, name: str = "features") -> dict[str, str]:
    """Options of a streaming job of this name.

    It restores the newest checkpoint or savepoint, also one of other definitions. Raises `JobError`
    when checkpoints on S3 cannot be listed.
    """
    values = {
        "pipeline.name": name,
        "pipeline.jars": ";".join(
            f"file://{path}" for path in [compile.job_jar(settings), *compile.libraries(settings)]
        ),
        "pipeline.object-reuse": "true",
        "parallelism.default": str(settings.parallelism),
        "execution.buffer-timeout.interval": "2 ms",
        "pipeline.auto-watermark-interval": "10 ms",
        "execution.checkpointing.interval": f"{round(settings.checkpoint_interval_s * 1000)} ms",
        "execution.checkpointing.dir": f"{settings.flink_dir}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"{settings.flink_dir}/savepoints",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.num-retained": "2",
        "execution.checkpointing.timeout": "5 min",
        "execution.checkpointing.tolerable-failed-checkpoints": "1000000",
        "state.backend.type": "hashmap",
        "table.local-time-zone": "UTC",
    }
    state = newest(settings)
    if state is not None:
        values["execution.state-recovery.path"] = state
        values["execution.state-recovery.ignore-unclaimed-state"] = "true"
    return values


def write_configuration(settings: Settings) -> Path:
    """Write the files that Flink's processes read, and return their folder.

    `config.yaml` holds the options, and `lib` links to the jars of the class path (a cluster in one
    process has no plugins). Raises `UsageError` for checkpoints on S3 with offline rows on HDFS.
    """
    conf = settings.home_dir / "conf" / "flink"
    conf.mkdir(parents=True, exist_ok=True)
    (settings.home_dir / "tmp").mkdir(parents=True, exist_ok=True)
    # Only its owner may read it: it may hold the key of S3.
    (conf / "config.yaml").touch(mode=0o600)
    (conf / "config.yaml").chmod(0o600)
    (conf / "config.yaml").write_text(yaml.safe_dump(cluster_options(settings)))
    for name in ("log4j-console.properties", "log4j-cli.properties"):
        text = (compile.flink_home() / "conf" / name).read_text()
        if settings.log_format == "json":
            text = re.sub(
                r"(?m)^(appender\.\w+\.layout\.pattern) = .*$",
                lambda match: f"{match[1]} = {LOG4J_JSON}",
                text,
            )
        (conf / name).write_text(text)
    jar_files = [*compile.drivers(settings), *compile.prometheus(), compile.metrics_jar(settings)]
    if on_s3(settings):
        jars.fetch(settings.cache_dir / "m2", optional=["flink-s3"])
        jar_files += jars.classpath("flink-s3", settings.cache_dir / "m2")
    if settings.offline_url.startswith("hdfs:"):
        if on_s3(settings):
            raise UsageError(
                f"PITWALL_CHECKPOINT_URL is {settings.checkpoint_url!r} and PITWALL_OFFLINE_URL "
                f"{settings.offline_url!r}: S3 and HDFS bring two versions of Hadoop; "
                "keep the checkpoints in a folder (PITWALL_CHECKPOINT_URL=)"
            )
        jar_files += jars.classpath("flink-parquet", settings.cache_dir / "m2")
    libraries = conf / "lib"
    shutil.rmtree(libraries, ignore_errors=True)
    libraries.mkdir()
    for jar in jar_files:
        (libraries / jar.name).symlink_to(jar)
    return conf
