"""Reads of our online store beside the one that Feast ships and beside the bare driver."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pitwall.lab.bench.latency import Percentiles, percentiles
from pitwall.lab.bench.online import FEATURES, SHIPPED_STORE, entity, two_stores
from pitwall.lab.bench.redis_server import redis_server
from pitwall.lab.bench.result import Load, Result, machine_state
from pitwall.lab.progress import Step
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.lab.bench.stores import Backend

ENTITIES = 1000
TURN = 200
"""Reads of one store before it is another one's turn."""
TURN_OF_HUNDRED = 100
"""The same for reads of 100 entities, which take far longer."""

Read = Callable[[int], Any]
"""A read; its argument, a running number, chooses the entities."""


def online_read(load: Load, step: Step) -> Result:
    """Milliseconds to read 1 and 100 entities of 30 features through the Feast SDK.

    Our serving reader and the bare driver read one entity beside that, and with `peers` Feast's
    Redis store. `ratio` is ours against the shipped store for one entity, so smaller is better; the
    conditions hold the other figures.
    """
    conditions = machine_state()
    turns = 1 if load.quick else 10
    with two_stores(step) as (settings, ours, shipped), ExitStack() as until_read:
        backends = [ours, shipped]
        if load.peers:
            backends.append(until_read.enter_context(_on_redis(settings)))
        sdk_read = {backend.name: _filled(backend, step) for backend in backends}
        with_reader, close_reader = _reader(settings, ours)
        with_driver, close_driver = _driver(settings, ours)
        started = time.perf_counter()
        of_one = _in_turns(
            turns,
            TURN,
            {
                **{name: reads(1) for name, reads in sdk_read.items()},
                "reader": with_reader,
                "driver": with_driver,
            },
            step,
            "1 entity",
        )
        of_hundred = _in_turns(
            1,
            TURN_OF_HUNDRED // 5 if load.quick else TURN_OF_HUNDRED,
            {name: reads(100) for name, reads in sdk_read.items()},
            step,
            "100 entities",
        )
        close_reader()
        close_driver()
        our_ms, shipped_ms = of_one["ours"].p50, of_one["shipped"].p50
        figures: dict[str, float | None] = {}
        for name, latency in of_one.items():
            figures |= latency.figures("ms", start=f"{name}_")
        for name, latency in of_hundred.items():
            figures |= latency.figures("ms", start=f"{name}_", end="_100_entities")
        return Result(
            name="online-read",
            value=our_ms,
            unit="ms p50, 1 entity",
            peer=SHIPPED_STORE,
            peer_value=shipped_ms,
            ratio=round(our_ms / shipped_ms, 3),
            n=turns * TURN,
            seconds=round(time.perf_counter() - started, 1),
            conditions={
                **conditions,
                "smaller_ratio_is_better": True,
                "features": FEATURES,
                **figures,
                "ratio_100": round(of_hundred["ours"].p50 / of_hundred["shipped"].p50, 3),
                "reader_to_driver": round(of_one["reader"].p50 / of_one["driver"].p50, 3),
                **(
                    {
                        "ratio_to_redis": round(our_ms / of_one["redis"].p50, 3),
                        "ratio_to_redis_100": round(
                            of_hundred["ours"].p50 / of_hundred["redis"].p50, 3
                        ),
                    }
                    if load.peers
                    else {}
                ),
            },
        )


@contextmanager
def _on_redis(settings: Settings) -> Iterator[Backend]:
    """Feast's Redis store on a server of its own."""
    from pitwall.lab.bench.stores import redis

    with redis_server(settings) as port, tempfile.TemporaryDirectory() as folder:
        yield redis(settings, Path(folder), port)


def _filled(backend: Backend, step: Step) -> Callable[[int], Read]:
    """Fill a store with `ENTITIES` rows.

    Returns a function that makes a read through the SDK of so many entities.
    """
    from pitwall.lab.bench.stores import WIDE, sdk, tick, view

    step(f"filling: {backend.name}", None)
    features = view("bench", WIDE)
    store = sdk(backend, features)
    backend.write(features, *((entity(number), *tick(number)) for number in range(ENTITIES)))
    references = [f"bench:{name}" for name in WIDE]

    def reads(entities: int) -> Read:
        def read(number: int) -> Any:
            keys = [entity((number * 37 + k * 7) % ENTITIES) for k in range(entities)]
            rows = [{"vehicle": vehicle, "session": session} for vehicle, session in keys]
            return store.get_online_features(references, rows)

        return read

    return reads


def _reader(settings: Settings, ours: Backend) -> tuple[Read, Callable[[], None]]:
    """A read of one entity by the reader of the endpoint, and what closes the reader."""
    from pitwall.lab.bench.stores import WIDE
    from pitwall.serving.reader import FeatureReader

    reader, names = FeatureReader(settings, "bench", ours.config.project), tuple(WIDE)
    return lambda number: reader.read(*entity(number * 37 % ENTITIES), names), reader.close


def _driver(settings: Settings, ours: Backend) -> tuple[Read, Callable[[], None]]:
    """A read of one entity by a prepared statement of the driver, and what closes the driver."""
    from pitwall.lab.bench.stores import WIDE
    from pitwall.stores.cassandra.connect import connect

    session = connect(settings)
    columns = ", ".join(f'"{name}"' for name in WIDE)
    statement = session.prepare(
        f"SELECT event_timestamp, created_timestamp, {columns} "
        f'FROM {settings.keyspace}."{ours.config.project}_bench" '
        "WHERE vehicle = ? AND session = ?"
    )
    return (
        lambda number: session.execute(statement, entity(number * 37 % ENTITIES)).one(),
        session.cluster.shutdown,
    )


def _in_turns(
    turns: int, reads_in_turn: int, reads: dict[str, Read], step: Step, what: str
) -> dict[str, Percentiles]:
    """Milliseconds of each of these reads, by their names, which take turns of `reads_in_turn`.

    The turns are long because Feast keeps the registry of only one store in a process. It would
    load the registry again at every read.
    """
    times_ms: dict[str, list[float]] = {name: [] for name in reads}
    warm_up = reads_in_turn // 4
    order = list(reads.items())
    for turn in range(turns + 1):
        step(f"reading {what}", turn / (turns + 1))
        first = turn % len(order)
        for name, read in order[first:] + order[:first]:
            for number in range(warm_up + reads_in_turn):
                before = time.perf_counter()
                read(turn * reads_in_turn + number)
                if turn and number >= warm_up:  # the first turn warms server and client
                    times_ms[name].append((time.perf_counter() - before) * 1000)
    return {name: percentiles(values, decimals=3) for name, values in times_ms.items()}
