"""The features job, or a part of it, over what the telemetry topic holds now.

`python -m pitwall.lab.bench.flink_stage STAGE` runs it in a Flink cluster of its own, until the
topic's end.

bytes     reads the topic as bytes: the ceiling
parse     reads messages by the car's format
features  and computes the features, without writing them
twenty    and computes twenty features instead (`pitwall.lab.bench.twenty`)
over      computes those by Flink's own JSON format and OVER windows
history   writes the telemetry history alone
ingest    the whole job, with all sinks
"""

from __future__ import annotations

import sys
from typing import Any

from pitwall.features import load
from pitwall.features.plan import plan
from pitwall.flink.submit import attach, create_source, local_environment, submit, wait
from pitwall.lab.bench import twenty
from pitwall.settings import Settings

SINKS: dict[str, tuple[str, ...]] = {"history": ("telemetry_history",), "ingest": ()}
"""Of each stage that writes: the only tables that it writes; () for all."""
FRESH_METRICS = {"metrics.fetcher.update-interval": "1 s", "web.refresh-interval": "1 s"}
"""Options of Flink: its REST interface shows counters that are at most a second old."""
BYTES = """CREATE TEMPORARY TABLE telemetry (`value` BYTES) WITH (
    'connector' = 'kafka', 'properties.bootstrap.servers' = '{servers}', 'topic' = '{topic}',
    'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',
    'format' = 'raw')"""
SOURCES = {"bytes": BYTES, "over": twenty.SOURCE}
"""Stages with a source other than the job's."""


def start(settings: Settings, stage: str) -> Any:
    """Submit the stage's job to a cluster in this process; returns PyFlink's `JobClient`."""
    from pyflink.table import StreamTableEnvironment

    stream = local_environment(settings, FRESH_METRICS)
    topic = settings.telemetry_topic
    if stage in SINKS:
        return submit(stream, settings, topic=topic, sinks=SINKS[stage])
    tables = StreamTableEnvironment.create(stream)
    sets = [twenty.feature_set()] if stage == "twenty" else load(settings.feature_repo)
    if stage in SOURCES:
        source = SOURCES[stage].format(servers=settings.bootstrap_servers, topic=topic)
        tables.execute_sql(source)
    else:
        create_source(tables, settings, sets, topic)
    if stage in ("features", "twenty"):
        attach(tables, [plan(settings, features) for features in sets])
    queries = {
        "bytes": ["SELECT `value` FROM telemetry"],
        "parse": ["SELECT vehicle, `session`, start_us, t_us, samples, extras FROM telemetry"],
        "features": [f"SELECT * FROM features_{features.name}" for features in sets],
        "twenty": ["SELECT * FROM features_twenty"],
        "over": [twenty.over_windows()],
    }
    inserts = tables.create_statement_set()
    for query in queries[stage]:
        inserts.add_insert(_discarding_sink(), tables.sql_query(query))
    inserts.attach_as_datastream()
    return stream.execute_async(None)


def _discarding_sink() -> Any:
    """The description of a table that forgets every row."""
    from pyflink.table import TableDescriptor

    return TableDescriptor.for_connector("blackhole").build()


def main() -> None:
    """Run the stage's job and wait for its end."""
    wait(start(Settings(), sys.argv[1]))


if __name__ == "__main__":
    main()
