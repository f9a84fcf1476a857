"""What became of ticks that were sent: which the features job took, and which it refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pitwall.car.replay import Sent
from pitwall.errors import StackError
from pitwall.flink.control import settle
from pitwall.flink.status import features_job_state
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import end_offsets
from pitwall.operations.dead_letters import read
from pitwall.settings import Settings

PATIENCE_S = 300.0
GROUP = "pitwall-features"
"""The consumer group under which the job notes what it has read (`flink_jobs/features.sql`)."""


@dataclass(frozen=True)
class Arrival:
    """The job's account of ticks. A tick that comes twice counts as taken."""

    taken: int
    dead_letters: int
    reasons: dict[str, int] = field(default_factory=dict)
    """Number of dead letters by reason, the most frequent first."""


def dead_letters_now(settings: Settings) -> dict[int, int]:
    """Where the dead-letter topic ends, by partition: what `arrival` takes as its beginning."""
    return end_offsets(settings, settings.dead_letters_topic)


def is_running(settings: Settings) -> bool:
    """Whether the features job runs, so that it can be asked."""
    return features_job_state(settings) == "RUNNING"


def arrival(settings: Settings, topic: str, sent: Sent, since: Mapping[int, int]) -> Arrival:
    """Wait until the job has read what was sent to `topic`, and count its dead letters.

    `since` says where the dead-letter topic ended before. A checkpoint writes the dead letters of
    all that was read before it, and then the offsets, so nothing is missed. Raises `JobError` where
    the job stops meanwhile, and `StackError` where it has not read all within five minutes.
    """
    limit_s = time.monotonic() + PATIENCE_S
    wanted = {partition: max(offsets) + 1 for partition, offsets in sent.offsets.items()}
    while any(_read_until(settings, topic, part) < end for part, end in wanted.items()):
        if time.monotonic() > limit_s:
            raise StackError(
                f"the features job has not read all ticks of topic {topic!r} in {PATIENCE_S:g} s; "
                "see `./pitwall jobs list`"
            )
        settle(settings, "features")
    ours = {(part, offset) for part, offsets in sent.offsets.items() for offset in offsets}
    reasons = Counter(
        letter.reason
        for letter in read(settings, since)
        if letter.topic == topic and (letter.partition, letter.offset) in ours
    )
    return Arrival(sent.ticks - reasons.total(), reasons.total(), dict(reasons.most_common()))


def _read_until(settings: Settings, topic: str, partition: int) -> int:
    """The offset behind the last record that the job has noted as read; 0 for none."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({**client_config(settings), "group.id": GROUP})
    try:
        [noted] = consumer.committed([TopicPartition(topic, partition)], timeout=10)
        return max(0, int(noted.offset))
    finally:
        consumer.close()
