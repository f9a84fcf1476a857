"""The features job in virtual time: worlds that ever failed, new seeds, and the judge itself.

`docs/simulation.md` explains the simulation. Worlds and known faults are lines of
`simulation_seeds.txt`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from seeds import new_seed

from pitwall.errors import JobError, UsageError
from pitwall.lab.simulation.faults import Failure, Known, KnownWorld, faults_of, read_known
from pitwall.lab.simulation.run import run
from pitwall.lab.simulation.worker import Breach, Verdict, Worker
from pitwall.settings import Settings

pytestmark = pytest.mark.xdist_group("simulation")

SEEDS = Path(__file__).with_name("simulation_seeds.txt")
KNOWN, WORLDS = read_known(SEEDS)
NEW_SEEDS = 100
CALM = "1 only cars=2 car1.start_ms=500 keyed=1"
"""A world in which nothing goes wrong."""
LONG = "1 only car0.length_s=60"
DAMAGED = "1 only damaged=1 damaged.count=2"


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(Settings()) as running:
        yield running


def promises(verdict: Verdict) -> set[str]:
    return {breach.promise for breach in verdict.breaches}


def test_every_world_that_ever_failed(worker: Worker) -> None:
    known_faults = {known.name for known in KNOWN}
    verdicts = {
        verdict.world: verdict for verdict in worker.run([("judge", w.world) for w in WORLDS])
    }
    wrong = []
    for world in WORLDS:
        broken = promises(verdicts[world.world])
        if world.fault in known_faults and world.promise not in broken:
            wrong.append(f"{world.fault} seems mended; delete its `known` lines: {world.world}")
        if world.fault not in known_faults and broken:
            wrong.append(f"{world.fault} is back, {sorted(broken)} broken: {world.world}")
    assert not wrong, "\n".join(wrong)


def test_each_known_fault_has_a_world() -> None:
    assert {known.name for known in KNOWN} <= {world.fault for world in WORLDS}


def test_new_seeds_show_no_new_fault(worker: Worker) -> None:
    seed = new_seed()
    report = run(worker, seed, NEW_SEEDS, None, KNOWN, lambda text, share: None)
    print(f"seeds from {seed} on: {report.logical_hours:.1f} logical hours, {report.rows} rows")
    new = [
        "\n".join(
            [fault.smallest.breaches[0].detail, *fault.smallest.story, fault.smallest.choices]
        )
        for fault in report.faults
        if not fault.name
    ]
    assert not new, f"seeds from {seed} on show new faults:\n" + "\n\n".join(new)
    assert report.worlds == NEW_SEEDS and report.rows > 10_000
    assert report.oracle_sessions > 0
    assert report.oracle_differences == []


def test_a_calm_world_keeps_every_promise_and_gives_a_session_for_the_oracle(
    worker: Worker,
) -> None:
    (verdict,) = worker.run([("sample", CALM)])
    assert verdict.breaches == () and verdict.ingredients == frozenset()
    assert len(verdict.sample["rows"]) == len(verdict.sample["ticks"]) > 0


def test_a_seed_is_one_world(worker: Worker) -> None:
    seeds = [("judge", str(seed)) for seed in range(50, 56)]
    first, again = ({verdict.world: verdict for verdict in worker.run(seeds)} for _ in range(2))
    for world, verdict in first.items():
        assert (verdict.rows, verdict.breaches) == (again[world].rows, again[world].breaches)
    failing = {verdict.choices: verdict for verdict in first.values() if verdict.breaches}
    for named in worker.run([("judge", choices) for choices in failing]):
        assert named.breaches == failing[named.world].breaches


@pytest.mark.parametrize(
    ("spoil", "world", "promise"),
    [
        ("lose-row", CALM, "nothing-lost"),
        ("double-row", CALM, "nothing-twice"),
        ("change-bit", CALM, "right-values"),
        ("delay-row", CALM, "prompt"),
        ("hesitate", LONG, "at-once"),
        ("lose-history", CALM, "history"),
        ("take-back-newest", CALM, "newest-online"),
        ("lose-letter", DAMAGED, "letters"),
    ],
)
def test_the_judge_notices(worker: Worker, spoil: str, world: str, promise: str) -> None:
    judged, spoiled = sorted(
        worker.run([("judge", world), (spoil, world)]), key=lambda verdict: len(verdict.breaches)
    )
    assert judged.breaches == ()
    assert promise in promises(spoiled)


def test_a_world_without_an_ingredient_does_not_have_it() -> None:
    with Worker(Settings(), threads=1, without=["absurd-distance"]) as running:
        (verdict,) = running.run([("judge", "4")])
    assert "absurd-distance" not in verdict.ingredients
    assert "no-exception" not in promises(verdict)


def test_what_the_process_says_when_it_ends_is_shown() -> None:
    with (
        Worker(Settings(), threads=1, without=["earthquake"]) as running,
        pytest.raises(JobError, match="no ingredient 'earthquake'; there are lost-ticks"),
    ):
        list(running.run([("judge", "1")]))


def verdict(world: str, promise: str, *ingredients: str) -> Verdict:
    return Verdict(
        world, frozenset(ingredients), 0, 0, 0, 0, 0.0, (Breach(promise, "so"),), f"{world} only"
    )


class Shrinking(Worker):
    """Answers each `shrink` with the same world, with the ingredients of `smallest` alone."""

    def __init__(self, smallest: dict[str, Verdict]) -> None:
        self.smallest, self.asked = smallest, list[str]()

    def run(self, tasks: object) -> Iterator[Verdict]:
        for _, world in list(tasks):  # type: ignore[call-overload]
            self.asked.append(world)
            yield self.smallest[world]


def test_worlds_that_fail_alike_are_one_fault() -> None:
    failures = [
        Failure(verdict("1", "prompt", "lag", "spins"), 1.0),
        Failure(verdict("2", "prompt", "lag", "stall"), 2.0),
        Failure(verdict("3", "prompt", "stall"), 3.0),
        Failure(verdict("4", "history", "lag"), 4.0),
    ]
    shrinking = Shrinking(
        {
            "1": verdict("1", "prompt", "lag"),
            "3": verdict("3", "prompt", "stall"),
            "4": verdict("4", "history"),
        }
    )
    known = [Known("lag-holds-others", "prompt", frozenset({"lag"}))]
    found = faults_of(failures, shrinking, known, lambda text, share: None)
    assert [(fault.name, fault.promise, fault.worlds) for fault in found] == [
        ("lag-holds-others", "prompt", ["1", "2"]),
        ("", "prompt", ["3"]),
        ("", "history", ["4"]),
    ]
    assert "2" not in shrinking.asked


def test_lines_of_the_seeds_file(tmp_path: Path) -> None:
    path = tmp_path / "seeds.txt"
    path.write_text(
        "# a comment\n\nknown late in-time lag,spread # why\nworld late in-time 7 only a=1\n"
    )
    assert read_known(path) == (
        [Known("late", "in-time", frozenset({"lag", "spread"}))],
        [KnownWorld("late", "in-time", "7 only a=1")],
    )
    path.write_text("known late\n")
    with pytest.raises(UsageError, match=r"seeds\.txt, line 1 is 'known late'; write known NAME"):
        read_known(path)
