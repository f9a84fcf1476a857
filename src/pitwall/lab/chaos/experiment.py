"""Faults over a live session: what stalls, for how long, and whether a row is lost, wrong or twice
there in the end.

The same drive is sent once undisturbed and once under each fault, as sessions of their own on
servers of their own. The undisturbed one is the oracle: the promise is that each session's rows are
the same bit for bit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from pitwall.car.session import Session
from pitwall.errors import JobError, StackError, UsageError
from pitwall.features.topic import FeatureRows
from pitwall.flink.rest import get, running
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import create_topic
from pitwall.kafka.wire import TickEncoder
from pitwall.lab.faults import FAULTS, SERVERS, World, isolate, prepare, refused, submit, wait
from pitwall.local.stack import Stack
from pitwall.machine import jars
from pitwall.machine.sandbox import sandbox
from pitwall.settings import Settings

FAULT_AT_S = 8.0
"""Seconds of the drive before the fault."""
RATE_HZ = 50.0


@dataclass
class Outcome:
    """One fault. Rows are counted by event time on the features topic."""

    fault: str
    ticks: int
    silence_s: float
    """The longest time without a new row, from the fault until the last row."""
    lost: int
    wrong: int
    """Rows whose values differ from the undisturbed session's, in any of their copies."""
    doubled: int
    """Copies beyond the first; the topic is at-least-once, and a copy is equal unless counted as
    wrong.
    """
    offline_lost: int
    online_right: bool
    restarts: int = 0
    """How often the job began again from a checkpoint. Only then may rows be doubled."""
    refused: str = ""
    """Why this machine does not let the fault be tried; the rest is empty then."""

    @property
    def ok(self) -> bool:
        """Whether nothing is lost or wrong, or doubled without a restart of the job."""
        return (
            not (self.doubled and not self.restarts)
            and not self.lost
            and not self.wrong
            and not self.offline_lost
            and self.online_right
        )


@dataclass
class Seen:
    """What arrived of one session: by event time (µs), the values of each copy, as they came."""

    rows: dict[int, list[bytes]] = field(default_factory=dict)
    new_at_s: list[float] = field(default_factory=list)
    """When a row not seen before arrived, monotonic clock."""

    def add(self, event_us: int, values: bytes, now_s: float) -> None:
        """One more row."""
        copies = self.rows.setdefault(event_us, [])
        if not copies:
            self.new_at_s.append(now_s)
        copies.append(values)


def compare(
    fault: str,
    seen: Seen,
    oracle: Seen,
    fault_at_s: float,
    offline: int,
    online_right: bool,
    restarts: int = 0,
) -> Outcome:
    """The outcome of one fault. `offline` is the number of distinct rows in the offline store."""
    wanted = {event_us: copies[0] for event_us, copies in oracle.rows.items()}
    times = [fault_at_s, *(t for t in sorted(seen.new_at_s) if t > fault_at_s)]
    return Outcome(
        fault=fault,
        ticks=len(wanted),
        silence_s=round(max((b - a for a, b in pairwise(times)), default=0.0), 1),
        lost=len(wanted.keys() - seen.rows.keys()),
        wrong=sum(
            any(copy != wanted.get(event_us) for copy in copies)
            for event_us, copies in seen.rows.items()
        ),
        doubled=sum(len(copies) - 1 for copies in seen.rows.values()),
        offline_lost=max(0, len(wanted) - offline),
        online_right=online_right,
        restarts=restarts,
    )


class Watcher(threading.Thread):
    """Reads the features topic until closed, also over an outage of Kafka."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self.sessions: dict[str, Seen] = {}
        self._settings, self._done = settings, threading.Event()

    def run(self) -> None:
        """Until `close`."""
        from confluent_kafka import Consumer

        consumer = Consumer(
            {
                **client_config(self._settings),
                "group.id": "pitwall-chaos",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 300_000,
                "max.poll.interval.ms": 600_000,
            }
        )
        consumer.subscribe([self._settings.features_topic])
        reader = FeatureRows(self._settings)
        while not self._done.is_set():
            for row in reader.read(
                m for m in consumer.consume(500, timeout=0.1) if m.error() is None
            ):
                self.sessions.setdefault(row.session, Seen()).add(
                    row.event_us, row.values.tobytes(), time.monotonic()
                )
        consumer.close()

    def close(self) -> None:
        """Stop reading."""
        self._done.set()
        self.join()


def run(
    faults: list[str], seconds: float, step: Callable[[str, float | None], None]
) -> list[Outcome]:
    """Drive `seconds` under each fault.

    Raises `UsageError` for an unknown one, `StackError` where a server does not come back.
    """
    for name in faults:
        if name not in FAULTS:
            raise UsageError(f"there is no fault {name!r}; there are {', '.join(FAULTS)}")
    from pitwall.car.simulator import simulate
    from pitwall.stores.repository import apply

    whole = simulate(laps=1, seed=11, hz=RATE_HZ)
    ticks = int(seconds * RATE_HZ)
    cache = Settings().cache_dir / "m2"
    jars.fetch(cache, step, ["flink-s3"])
    isolated = isolate() if any(name.startswith(("cut-", "fill-")) for name in faults) else ""
    with sandbox(checkpoint_interval_s="2", checkpoint_url="s3://flink/chaos") as settings:
        prepare(settings)
        with Stack(settings, lambda name, state: step(f"{name} {state}", None)) as stack:
            stack.start(["kafka", "cassandra", "s3"], patience_s=300)
            apply(settings)
            stack.start(SERVERS, patience_s=300)
            submit(settings)
            watcher = Watcher(settings)
            watcher.start()
            world = World(settings, stack)
            outcomes: list[Outcome] = []
            oracle = Seen()
            for number, name in enumerate(["undisturbed", *faults]):
                step(name, number / (len(faults) + 1))
                if why := refused(name, isolated):
                    outcomes.append(Outcome(name, 0, 0.0, 0, 0, 0, 0, True, refused=why))
                    continue
                session = Session(
                    whole.vehicle,
                    f"20260101-000000-{name}",
                    whole.names,
                    whole.units,
                    whole.times_s[:ticks],
                    whole.values[:ticks],
                )
                before = _begun(settings)
                fault_at_s = _drive(world, session, FAULTS.get(name))
                try:
                    wait(
                        lambda s=session: (  # type: ignore[misc]
                            len(watcher.sessions.get(s.session, Seen()).rows) >= ticks
                        ),
                        180,
                        f"all rows of {name}",
                    )
                except StackError:
                    if name == "undisturbed":
                        raise
                seen = watcher.sessions.get(session.session, Seen())
                if name == "undisturbed":
                    oracle = seen
                    continue
                offline, online = (
                    _offline(settings, session, ticks),
                    _online(settings, session, oracle),
                )
                outcomes.append(
                    compare(
                        name,
                        seen,
                        oracle,
                        fault_at_s,
                        offline,
                        online,
                        _restarts(before, _begun(settings)),
                    )
                )
            watcher.close()
    return outcomes


def _begun(settings: Settings) -> tuple[str, int]:
    """The features job's id, and how often it was restored (which, unlike the metric of restarts,
    is never told late).
    """
    while True:
        try:
            job = running(settings, "features")
            return job, int(get(settings, f"/jobs/{job}/checkpoints")["counts"]["restored"])
        except JobError:
            time.sleep(0.5)


def _restarts(before: tuple[str, int], after: tuple[str, int]) -> int:
    return after[1] - before[1] if before[0] == after[0] else after[1]


def _drive(world: World, session: Session, fault: Callable[[World], None] | None) -> float:
    """Send the session at its own pace, with the fault in its midst; gives when that began,
    monotonic clock.
    """
    from confluent_kafka import Producer

    settings = world.settings
    topic = f"{settings.telemetry_topic}-{session.session}"
    create_topic(settings, topic, 2)
    producer = Producer(
        {
            **client_config(settings),
            "enable.idempotence": True,
            "delivery.timeout.ms": 300_000,
            "linger.ms": 0,
        }
    )
    encoder = TickEncoder(session.vehicle, session.session, session.names, session.units, RATE_HZ)
    begun, trouble, errors = time.monotonic(), None, list[BaseException]()

    def disturb() -> None:
        try:
            assert fault is not None
            fault(world)
        except BaseException as error:
            errors.append(error)

    for number, (time_s, values) in enumerate(
        zip(session.times_s.tolist(), session.values.tolist(), strict=True)
    ):
        due = begun + time_s - session.times_s[0]
        while (rest := due - time.monotonic()) > 0:
            producer.poll(min(rest, 0.05))
        stamp_ms = round((time.time() + world.car_skew_s) * 1000)
        producer.produce(
            topic, encoder.encode(time_s, values), partition=number % 2, timestamp=stamp_ms
        )
        if fault is not None and trouble is None and time.monotonic() - begun >= FAULT_AT_S:
            trouble = threading.Thread(target=disturb, daemon=True)
            begun_fault = time.monotonic()
            trouble.start()
    if trouble is not None:
        trouble.join()
    if errors:
        raise errors[0]
    if left := producer.flush(300):
        raise StackError(
            f"Kafka at {settings.bootstrap_servers} did not take {left} ticks of "
            f"{session.session} within 300 s"
        )
    return begun_fault if trouble is not None else begun


def _offline(settings: Settings, session: Session, ticks: int, patience_s: float = 60.0) -> int:
    """Distinct rows of a session in the offline store, once there are `ticks` or patience ends."""
    from pitwall.stores.offline.database import database
    from pitwall.stores.offline.files import files, recorded

    where = recorded(settings, "car_state")
    query = (
        "SELECT count(DISTINCT event_timestamp) "
        "FROM read_parquet(?, union_by_name = true, hive_partitioning = false) WHERE session = ?"
    )
    limit, found = time.monotonic() + patience_s, 0
    while found < ticks and time.monotonic() < limit:
        time.sleep(1)
        if paths := files(where):
            row = database(where).execute(query, [paths, session.session]).fetchone()
            found = int(row[0]) if row else 0
    return found


def _online(settings: Settings, session: Session, oracle: Seen) -> bool:
    """Whether the online row holds the values of the newest tick."""
    import numpy as np

    from pitwall.features import load
    from pitwall.serving.reader import FeatureReader

    reader = FeatureReader(settings)
    try:
        row = reader.read(
            session.vehicle, session.session, tuple(load(settings.feature_repo)[-1].names)
        )
    finally:
        reader.close()
    if row is None:
        return False
    found = np.array([np.nan if value is None else value for value in row[2]], dtype=np.float64)
    return found.tobytes() == oracle.rows[max(oracle.rows)][0]
