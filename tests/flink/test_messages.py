"""Nothing that may come through Kafka stops the job, is lost, or is read in two ways."""

from __future__ import annotations

import json
import struct
from collections import Counter

import pytest
from corpus import mutations
from dryrun import MAX, Advance, Message, RawRun, frames, parse
from judge import Bad, Judge, Tick
from wrecks import wrecks

from pitwall.features import FeatureSet, last, rolling, session_time
from pitwall.features.plan import plan_json

FEATURES = FeatureSet(
    "fuzz", session_time(), last("Speed", "Brake"), rolling("Speed", ("mean", "std"), (1,))
)
PLAN = json.loads(plan_json(FEATURES, 2.0))
COUNT = 100_000
FAST_COUNT = 20_000
"""With `--fast`, and of wrecks; the kinds of mistakes are the same, their combinations fewer."""
pytestmark = pytest.mark.xdist_group("messages")


@pytest.fixture(scope="module", params=["mutations", "wrecks"])
def corpus(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> list[bytes]:
    """Messages with small mistakes, or with large ones."""
    if request.param == "wrecks":
        return list(wrecks(20260217, FAST_COUNT))
    fast = pytestconfig.option.markexpr == "not integration"
    return list(mutations(20220217, FAST_COUNT if fast else COUNT))


@pytest.fixture(scope="module")
def verdicts(corpus: list[bytes]) -> list[list[Tick] | None]:
    judge = Judge(PLAN)

    def verdict(message: bytes) -> list[Tick] | None:
        try:
            return judge.ticks(message)
        except Bad:
            return None

    return [verdict(message) for message in corpus]


@pytest.fixture(scope="module")
def framed(corpus: list[bytes]) -> bytes:
    messages = (
        Message(value, 1_000_000 + i, 1_000_002 + i, watermark=1_000_000 + i)
        for i, value in enumerate(corpus)
    )
    return frames([*messages, Advance(9_000_000, MAX), Advance(9_900_000, MAX)])


def read(data: bytes) -> tuple[dict[int, list[Tick]], dict[int, str]]:
    """By offset the ticks as the reader gave them, and why it refused."""
    names = [channel["id"] for channel in PLAN["channels"]]
    ticks: dict[int, list[Tick]] = {}
    bad: dict[int, str] = {}
    at = 0
    while at < len(data):
        kind = data[at : at + 1]
        (length,) = struct.unpack_from(">i", data, at + 1)
        text = data[at + 5 : at + 5 + length].decode()
        (offset,) = struct.unpack_from(">q", data, at + 5 + length)
        at += 13 + length
        if kind == b"B":
            assert offset not in bad, "one bad message, two records"
            bad[offset] = text
            continue
        start_us, time_us, size = struct.unpack_from(">qqi", data, at)
        at += 20
        key, *extras = text.split("\n")
        known = names + extras
        samples = []
        for code, value in struct.iter_unpack("<H8s", data[at : at + size]):
            name = "~" + known[code & 0x7FFF] if code & 0x8000 else known[code]
            samples.append(
                (
                    name,
                    b"NaN" if struct.unpack("<d", value) != struct.unpack("<d", value) else value,
                )
            )
        at += size
        vehicle, _, session = key.rpartition("/")
        ticks.setdefault(offset, []).append(Tick(vehicle, session, start_us, time_us, samples))
    return ticks, bad


def test_the_reader_agrees_with_the_judge_on_every_message(
    raw_run: RawRun, corpus: list[bytes], verdicts: list[list[Tick] | None], framed: bytes
) -> None:
    ticks, bad = read(raw_run(FEATURES, framed, "read"))
    for offset, (message, verdict) in enumerate(zip(corpus, verdicts, strict=True)):
        if verdict is None:
            assert offset in bad, (message, ticks.get(offset))
            assert offset not in ticks
            assert bad[offset] and "\n" not in bad[offset]
        else:
            assert offset not in bad, (message, bad[offset])
            got = [(t.start_us, t.time_us, t.samples) for t in ticks[offset]]
            wanted = [(t.start_us, t.time_us, t.samples) for t in verdict]
            assert got == wanted, (message, got, wanted)
            assert [f"{t.vehicle}/{t.session}" for t in ticks[offset]] == [
                f"{t.vehicle}/{t.session}" for t in verdict
            ]
    assert 0.3 * len(corpus) < len(bad) < 0.7 * len(corpus)


def test_templates_accept_and_give_the_same_as_the_full_reader(
    raw_run: RawRun, framed: bytes
) -> None:
    assert raw_run(FEATURES, framed, "read") == raw_run(FEATURES, framed, "read", "full")


def test_every_message_is_accounted_for(
    raw_run: RawRun, verdicts: list[list[Tick] | None], framed: bytes
) -> None:
    outcome = parse(raw_run(FEATURES, framed), len(FEATURES.features))
    assert outcome.bad_offsets == [
        offset for offset, verdict in enumerate(verdicts) if verdict is None
    ]
    sent = Counter(
        (f"{t.vehicle}/{t.session}", t.time_us) for verdict in verdicts for t in verdict or []
    )
    rows = Counter((key, time_us) for key, found in outcome.rows.items() for time_us, _ in found)
    back = rows + Counter(outcome.late) + Counter(outcome.duplicates)
    assert back.keys() == sent.keys()
    assert all(back[tick] <= sent[tick] for tick in back), "a tick came out that nobody sent"
