"""The outcome of a fault follows from the session's rows beside the undisturbed session's."""

from __future__ import annotations

import pytest

from pitwall.errors import UsageError
from pitwall.lab.chaos.experiment import run
from pitwall.lab.chaos.faults import FAULTS, SERVERS
from pitwall.lab.chaos.isolation import refused
from pitwall.lab.chaos.outcome import Arrivals, compare


def arrivals(*rows: tuple[int, bytes, float]) -> Arrivals:
    """Rows by event time (µs), values and time of arrival (s)."""
    arrived = Arrivals()
    for row in rows:
        arrived.add(*row)
    return arrived


ORACLE = arrivals((0, b"a", 0.0), (20, b"b", 0.1), (40, b"c", 0.2))


def test_rows_again_are_doubled_and_the_longest_silence_counts_from_the_fault() -> None:
    disturbed = arrivals(
        (0, b"a", 100.0), (20, b"b", 101.0), (0, b"a", 109.0), (20, b"b", 109.1), (40, b"c", 109.5)
    )
    outcome = compare("kill-kafka", disturbed, ORACLE, 101.5, 3, True, restarts=1)
    assert outcome.ok
    assert (outcome.lost, outcome.wrong, outcome.doubled, outcome.silence_s) == (0, 0, 2, 8.0)
    assert not compare("kill-kafka", disturbed, ORACLE, 101.5, 3, True).ok, (
        "doubled, and the job never began again"
    )


@pytest.mark.parametrize(
    ("disturbed", "offline", "online", "lost", "wrong"),
    [
        (arrivals((0, b"a", 1.0), (40, b"c", 1.1)), 3, True, 1, 0),
        (
            arrivals((0, b"a", 1.0), (20, b"x", 1.1), (20, b"b", 1.2), (40, b"c", 1.3)),
            3,
            True,
            0,
            1,
        ),
        (
            arrivals((0, b"a", 1.0), (20, b"b", 1.1), (40, b"c", 1.2), (60, b"d", 1.3)),
            3,
            True,
            0,
            1,
        ),
        (ORACLE, 2, True, 0, 0),
        (ORACLE, 3, False, 0, 0),
    ],
    ids=["lost", "wrong once", "made up", "not offline", "wrong online"],
)
def test_what_is_not_as_it_should_be_is_not_ok(
    disturbed: Arrivals, offline: int, online: bool, lost: int, wrong: int
) -> None:
    outcome = compare("x", disturbed, ORACLE, 0.0, offline, online)
    assert not outcome.ok and (outcome.lost, outcome.wrong) == (lost, wrong)


def test_every_server_of_the_job_has_its_fault_and_others_are_refused() -> None:
    assert {name.split("-", 1)[1] for name in FAULTS if name.startswith("kill-")} == set(SERVERS)
    with pytest.raises(UsageError, match="there is no fault 'flood'; there are kill-kafka"):
        run(["flood"], 30, lambda text, share: None)


def test_what_the_machine_does_not_let_be_tried_says_why() -> None:
    reasons = {name: refused(name, "unshare: Operation not permitted") for name in FAULTS}
    assert reasons["cut-kafka"] == reasons["fill-disk"] == "unshare: Operation not permitted"
    assert not reasons["kill-kafka"] and not reasons["skew-car-ahead"]
