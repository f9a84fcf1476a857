"""Every benchmark by its name."""

from __future__ import annotations

from collections.abc import Callable

from pitwall.bench import Load, Result, Step
from pitwall.bench.freshness import freshness
from pitwall.bench.ingest import features, ingest, parse
from pitwall.bench.online import online_race, online_read, online_write

BENCHMARKS: dict[str, Callable[[Load, Step], Result]] = {
    "parse": parse,
    "features": features,
    "ingest": ingest,
    "freshness": freshness,
    "online-write": online_write,
    "online-read": online_read,
    "online-race": online_race,
}
