"""Work that fails goes on, and says so until it succeeds."""

from __future__ import annotations

import threading

from waiting import wait

from pitwall.machine import lasting
from pitwall.machine.lasting import Lasting


def test_work_begins_again_after_an_error_and_says_so_meanwhile() -> None:
    rounds: list[int] = []
    failed, go_on = threading.Event(), threading.Event()

    def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise ValueError("a fault")
        failed.set()
        go_on.wait(20)

    thread = Lasting("the work", work)
    thread.start()
    assert failed.wait(20)
    assert thread.problem == "the work fails: ValueError: a fault"
    go_on.set()
    wait(lambda: not thread.problem, 20)
    thread.close()
    assert len(rounds) >= 2


def test_work_that_is_stuck_is_a_problem() -> None:
    pulse = lasting.Pulse("the work", patience_s=-1.0)
    assert "has done nothing" in pulse.problem
