"""One server of the stack in a container: `python -m pitwall.local.containers COMMAND [NAME]`.

become NAME    replace this process by that server, as the local stack starts it
healthy NAME   exit with status 0 when that server answers, else with 1
prepare        make topics, Cassandra's roles and keyspace and buckets, and apply the feature
               repository; running it again is harmless
keep           submit the features job whenever the cluster does not run it
jars           download all jars and compile the job's own, for an image
config         write the local stack's configuration for compose to mount into other images
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import yaml

from pitwall.errors import PitwallError, UsageError
from pitwall.local.servers.cassandra import cassandra_yaml
from pitwall.local.servers.kafka import kafka_properties
from pitwall.local.servers.server import Server
from pitwall.local.servers.table import CONTAINED, SERVERS
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment
from pitwall.stores.s3 import BUCKETS, s3_client

GENERATED = "# Written by: python -m pitwall.local.containers config\n"


def configuration() -> dict[str, str]:
    """Text of each generated file, by its path below `compose/config`."""
    settings = Settings.model_construct()
    kafka = kafka_properties(settings, Path("/var/lib/kafka/data/log"))
    return {
        "kafka/server.properties": GENERATED
        + "".join(f"{key}={value}\n" for key, value in kafka.items()),
        "cassandra.yaml": GENERATED
        + yaml.safe_dump(cassandra_yaml(settings, Path("/var/lib/cassandra"))),
    }


def write_configuration(settings: Settings) -> None:
    """Write the files of `configuration` to `compose/config`."""
    for name, text in configuration().items():
        path = settings.repository / "compose" / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def become(settings: Settings, server: Server) -> None:
    """Replace this process by the server."""
    command = server.command(settings)
    os.chdir(settings.repository)
    os.execve(command[0], command, child_environment(settings, server.name))


def make_buckets(settings: Settings) -> None:
    """Create the buckets that are missing."""
    client = s3_client(settings)
    present = {bucket.name for bucket in client.list_buckets()}
    for bucket in BUCKETS:
        if bucket not in present:
            client.make_bucket(bucket)


def prepare(settings: Settings) -> None:
    """Make topics, roles, keyspace and buckets once the servers answer; apply the features."""
    from pitwall.stores.repository import apply

    for name in ("kafka", "cassandra"):
        SERVERS[name].first_ready(settings)
    make_buckets(settings)
    apply(settings)


def keep_job(settings: Settings, pause_s: float = 5.0) -> None:
    """Submit the features job, from its newest checkpoint, whenever the cluster does not run it.

    Looks every `pause_s` and never returns.
    """
    from pitwall.errors import JobError
    from pitwall.flink.rest import running

    while True:
        try:
            running(settings, "features")
        except JobError:
            if SERVERS["taskmanager"].ready(settings):
                command = [
                    sys.executable,
                    "-m",
                    "pitwall.cli.main",
                    "jobs",
                    "run",
                    "features",
                    "--cluster",
                    settings.flink_url,
                ]
                subprocess.run(command, env=child_environment(settings), cwd=settings.repository)
        time.sleep(pause_s)


def fill_cache(settings: Settings) -> None:
    """Download and compile now what else is downloaded and compiled at first use."""
    from pitwall.machine import compile, jars

    jars.fetch(settings.cache_dir / "m2", optional=jars.OPTIONAL)
    compile.job_jar(settings)
    compile.metrics_jar(settings)


def main(arguments: list[str]) -> int:
    """Run one of the commands above; returns the exit status."""
    settings, servers = Settings(), SERVERS | CONTAINED
    match arguments:
        case ["become", name] if name in servers:
            become(settings, servers[name])
        case ["healthy", name] if name in servers:
            return 0 if servers[name].ready(settings) else 1
        case ["prepare"]:
            prepare(settings)
        case ["keep"]:
            keep_job(settings)
        case ["jars"]:
            fill_cache(settings)
        case ["config"]:
            write_configuration(settings)
        case _:
            raise UsageError(
                f"unknown arguments {' '.join(arguments)!r}; the commands are:\n{__doc__}"
            )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PitwallError as error:
        sys.exit(f"pitwall: {error}")
