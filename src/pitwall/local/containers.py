"""One server of the stack in a container: `python -m pitwall.local.containers COMMAND [NAME]`.

become NAME    be that server, as the local stack would start it
healthy NAME   exit 0 when that server answers
prepare        topics, Cassandra's password and keyspace, buckets, feast apply; may be done again
keep           submit the features job whenever the cluster does not have it
jars           fetch all jars and compile the job's, for an image
config         write what compose mounts into other images, from what the local stack runs on
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import yaml

from pitwall.errors import PitwallError, UsageError
from pitwall.local.servers.table import CONTAINED, SERVERS, Server, cassandra_yaml, kafka_properties
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment
from pitwall.stores.s3 import BUCKETS, s3_client

GENERATED = "# Written by: python -m pitwall.local.containers config\n"


def configuration() -> dict[str, str]:
    """Text of each generated file in `compose/config`, by name."""
    settings = Settings.model_construct()
    kafka = kafka_properties(settings, Path("/var/lib/kafka/data/log"))
    return {
        "kafka/server.properties": GENERATED
        + "".join(f"{key}={value}\n" for key, value in kafka.items()),
        "cassandra.yaml": GENERATED
        + yaml.safe_dump(cassandra_yaml(settings, Path("/var/lib/cassandra"))),
    }


def write_configuration(settings: Settings) -> None:
    """Write these files."""
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
    there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for bucket in BUCKETS:
        if bucket not in there:
            client.create_bucket(Bucket=bucket)


def prepare(settings: Settings) -> None:
    """What servers need once they answer, and the feature repository applied."""
    from pitwall.stores.repository import apply

    for name in ("kafka", "cassandra"):
        SERVERS[name].first_ready(settings)
    make_buckets(settings)
    apply(settings)


def keep_job(settings: Settings, pause_s: float = 5.0) -> None:
    """Look every `pause_s` whether the cluster runs the features job; submit it, from its newest checkpoint, where not."""
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
    """All that is fetched or compiled at first use, now."""
    from pitwall.machine import compile, jars

    jars.fetch(settings.cache_dir / "m2", optional=jars.OPTIONAL)
    compile.job_jar(settings)
    compile.metrics_jar(settings)


def main(arguments: list[str]) -> int:
    """Run one of the commands above; gives the exit status."""
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
            raise UsageError(f"containers does not take {' '.join(arguments)!r}; see its docstring")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PitwallError as error:
        sys.exit(f"pitwall: {error}")
