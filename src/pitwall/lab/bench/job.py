"""One bounded Flink job over a whole topic, watched from outside.

`python -m pitwall.lab.bench.job STAGE`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from pitwall.errors import JobError, PitwallError
from pitwall.features import load
from pitwall.features.plan import plan
from pitwall.flink.cluster import cluster_options, job_options, write_configuration
from pitwall.flink.rest import get, jobs
from pitwall.flink.sql import render
from pitwall.flink.submit import attach, environment, submit, wait
from pitwall.machine import processes as process
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment

WARM_UP = 0.4
"""Share of the messages read before the clock starts: the virtual machine compiles the hot code
meanwhile.
"""

WRITTEN: dict[str, tuple[str, ...]] = {"history": ("telemetry_history",), "ingest": ()}
"""Stages that write, and into which tables of the job alone."""

WATCHED = {"metrics.fetcher.update-interval": "1 s", "web.refresh-interval": "1 s"}

BYTES = """CREATE TEMPORARY TABLE telemetry (`value` BYTES) WITH (
    'connector' = 'kafka', 'properties.bootstrap.servers' = '{servers}', 'topic' = '{topic}',
    'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',
    'format' = 'raw')"""


@dataclass
class Rate:
    """Messages a second after the warm-up, of so many messages in so many seconds."""

    messages_s: float
    messages: int
    seconds: float


def measure(settings: Settings, stage: str, messages: int) -> Rate:
    """Run `stage` (bytes, parse, features, history or ingest) over the telemetry topic in a Flink
    of its own.
    """
    log = settings.log_dir / f"bench-{stage}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        job = subprocess.Popen(
            [sys.executable, "-m", "pitwall.lab.bench.job", stage],
            stdout=file,
            stderr=file,
            env=child_environment(settings),
            cwd=settings.repository,
            preexec_fn=process.die_with_parent,
        )
        try:
            return _watch(settings, job, messages)
        except PitwallError as error:
            raise JobError(
                f"bench stage {stage}: {error}: {log.read_text(errors='replace')[-1500:]}"
            ) from error
        finally:
            process.end([job.pid])
            job.wait()


def _watch(settings: Settings, job: subprocess.Popen[bytes], messages: int) -> Rate:
    """Follow how far the source has come.

    It is held back by the slowest sink, so its pace is that of the whole.
    """
    seen: list[tuple[float, int]] = []
    counter = ""
    while job.poll() is None:
        time.sleep(0.5)
        try:
            counter = counter or _counter(settings)
            seen.append((time.monotonic(), int(get(settings, counter)[0]["sum"])))
        except (JobError, LookupError, ValueError, StopIteration):
            continue
    paced = [(at, read) for at, read in seen if WARM_UP * messages <= read < messages]
    if len(paced) < 2 or paced[-1][1] == paced[0][1]:
        # A topic read faster than Flink tells of it: all of it, between the last reading of nothing
        # and the first of everything.
        nothing = [(at, read) for at, read in seen if read == 0][-1:]
        everything = [(at, read) for at, read in seen if read >= messages][:1] or [
            (time.monotonic(), messages)
        ]
        paced = nothing + everything
    if job.returncode or len(paced) < 2:
        raise JobError(f"the job ended with {job.returncode} and {len(paced)} readings of its pace")
    (start, first), (end, last) = paced[0], paced[-1]
    return Rate((last - first) / (end - start), last - first, end - start)


def _counter(settings: Settings) -> str:
    """Where Flink tells how many messages the source has read."""
    (job,) = [each["jid"] for each in jobs(settings)]
    vertices = get(settings, f"/jobs/{job}")["vertices"]
    source = next(v["id"] for v in vertices if v["name"].startswith("Source"))
    path = f"/jobs/{job}/vertices/{source}/subtasks/metrics"
    name = next(
        m["id"]
        for m in get(settings, path)
        if m["id"].startswith("Source") and m["id"].endswith(".numRecordsIn")
    )
    return f"{path}?get={name}&agg=sum"


def start(settings: Settings, stage: str) -> Any:
    """Submit the stage's job and return PyFlink's `JobClient`."""
    from pyflink.table import StreamTableEnvironment

    flink = environment(
        {**cluster_options(settings), **job_options(settings), **WATCHED}, settings, remote=False
    )
    if stage in WRITTEN:
        return submit(flink, settings, topic=settings.telemetry_topic, sinks=WRITTEN[stage])
    tables = StreamTableEnvironment.create(flink)
    sets = load(settings.feature_repo)
    if stage == "bytes":
        tables.execute_sql(
            BYTES.format(servers=settings.bootstrap_servers, topic=settings.telemetry_topic)
        )
    else:
        for statement in render(settings, sets, topic=settings.telemetry_topic)[0]:
            tables.execute_sql(statement)
    if stage == "features":
        attach(tables, [plan(settings, each) for each in sets])
    queries = {
        "bytes": ["SELECT `value` FROM telemetry"],
        "parse": ["SELECT vehicle, `session`, start_us, t_us, samples, extras FROM telemetry"],
        "features": [f"SELECT * FROM features_{each.name}" for each in sets],
    }
    inserts = tables.create_statement_set()
    for query in queries[stage]:
        inserts.add_insert(_blackhole(), tables.sql_query(query))
    inserts.attach_as_datastream()
    return flink.execute_async(None)


def _blackhole() -> Any:
    from pyflink.table import TableDescriptor

    return TableDescriptor.for_connector("blackhole").build()


def main() -> None:
    """Submit and wait for the end."""
    os.environ.setdefault("_python_worker_execution_mode", "process")
    settings = Settings()
    write_configuration(settings)
    wait(start(settings, sys.argv[1]))


if __name__ == "__main__":
    main()
