"""Every benchmark by its name."""

from __future__ import annotations

from collections.abc import Callable

from pitwall.lab.bench.endpoint import predict
from pitwall.lab.bench.freshness import freshness
from pitwall.lab.bench.history import history
from pitwall.lab.bench.ingest import features, ingest, parse
from pitwall.lab.bench.offline import offline
from pitwall.lab.bench.online import online_race, online_write
from pitwall.lab.bench.online_read import online_read
from pitwall.lab.bench.page import page
from pitwall.lab.bench.read import read
from pitwall.lab.bench.result import Load, Result
from pitwall.lab.bench.row import row
from pitwall.lab.bench.scoring import score
from pitwall.lab.bench.sessions import live_cars, one_tick_sessions
from pitwall.lab.bench.soak import record_to_prediction, soak
from pitwall.lab.progress import Step

BENCHMARKS: dict[str, Callable[[Load, Step], Result]] = {
    "parse": parse,
    "features": features,
    "ingest": ingest,
    "history": history,
    "freshness": freshness,
    "live-cars": live_cars,
    "one-tick-sessions": one_tick_sessions,
    "page": page,
    "offline": offline,
    "read": read,
    "predict": predict,
    "score": score,
    "record-to-prediction": record_to_prediction,
    "soak": soak,
    "row": row,
    "online-write": online_write,
    "online-read": online_read,
    "online-race": online_race,
}
"""In the order in which `./pitwall bench all` runs them."""
