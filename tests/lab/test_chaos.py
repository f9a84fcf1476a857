"""The schedule follows from its seed, and the verdict from what arrived beside what should have."""

from __future__ import annotations

import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from pitwall.errors import UsageError
from pitwall.lab.chaos import page, verdict
from pitwall.lab.chaos.arrivals import Arrivals
from pitwall.lab.chaos.asker import HUNG, RIGHT, UNREACHABLE, WRONG, Asked, Judge, equal
from pitwall.lab.chaos.experiment import first_of_slots, try_each
from pitwall.lab.chaos.faults import FAULTS
from pitwall.lab.chaos.history import History
from pitwall.lab.chaos.plan import HOLD_S, PAUSE_S, Round, rounds
from pitwall.lab.chaos.troubles import Episode
from pitwall.lab.chaos.verdict import RECOVERY_S, Answers, Outcome, Topic
from pitwall.lab.chaos.world import LINKED, SERVERS

PARTS = {name: fault.parts for name, fault in FAULTS.items()}


def first_rounds(seed: int, count: int = 200) -> list[Round]:
    return list(islice(rounds(seed, PARTS), count))


def test_a_seed_repeats_its_schedule_and_another_gives_another() -> None:
    assert first_rounds(5) == first_rounds(5) != first_rounds(6)


def test_pairs_overlap_and_act_on_different_parts() -> None:
    pairs = [planned.faults for planned in first_rounds(1) if len(planned.faults) == 2]
    assert 60 < len(pairs) < 140
    for first, second in pairs:
        assert 0 == first.after_s <= second.after_s <= first.hold_s
        assert not PARTS[first.fault] & PARTS[second.fault], (first, second)


def test_every_fault_comes_about_equally_often_for_a_random_time_after_a_random_pause() -> None:
    planned = [fault for one in first_rounds(1, 400) for fault in one.faults]
    counts = [sum(fault.fault == name for fault in planned) for name in FAULTS]
    assert max(counts) - min(counts) <= 4 and min(counts) > 5
    assert all(HOLD_S[0] <= fault.hold_s <= HOLD_S[1] for fault in planned)
    pauses = [one.pause_s for one in first_rounds(1)]
    assert PAUSE_S[0] <= min(pauses) < max(pauses) <= PAUSE_S[1] and len(set(pauses)) > 100


def test_one_fault_alone_never_makes_a_pair() -> None:
    alone = islice(rounds(1, {"kill-kafka": frozenset(["kafka"])}), 50)
    assert all(len(planned.faults) == 1 for planned in alone)


def arrivals(*messages: tuple[int, bytes, float]) -> Arrivals[int, bytes]:
    """Messages by event time (µs), values and time of arrival (s)."""
    arrived: Arrivals[int, bytes] = Arrivals()
    for message in messages:
        arrived.add(*message)
    return arrived


EXPECTED = {0: b"a", 20: b"b", 40: b"c"}
WHOLE = ((0, b"a", 1.0), (20, b"b", 1.1), (40, b"c", 1.2))


def test_copies_are_doubled_and_the_longest_silence_counts_from_the_first_fault() -> None:
    disturbed = arrivals(
        (0, b"a", 100.0), (20, b"b", 101.0), (0, b"a", 109.0), (20, b"b", 109.1), (40, b"c", 109.5)
    )
    assert verdict.topic(disturbed, EXPECTED, 101.5) == Topic(3, 0, 0, 2, 8.0)


@pytest.mark.parametrize(
    ("messages", "lost", "wrong", "doubled"),
    [
        (WHOLE, 0, 0, 0),
        ((WHOLE[0], WHOLE[2]), 1, 0, 0),
        ((*WHOLE, (20, b"x", 1.3)), 0, 1, 1),
        ((*WHOLE, (60, b"d", 1.3)), 0, 1, 0),
        ((), 3, 0, 0),
    ],
    ids=["as expected", "one lost", "a wrong copy", "made up", "nothing came"],
)
def test_messages_are_counted_beside_the_undisturbed_ones(
    messages: tuple[tuple[int, bytes, float], ...], lost: int, wrong: int, doubled: int
) -> None:
    topic = verdict.topic(arrivals(*messages), EXPECTED, 0.0)
    assert (topic.lost, topic.wrong, topic.doubled) == (lost, wrong, doubled)


def test_predictions_may_differ_in_their_last_bits_only() -> None:
    assert equal(91.2, 91.2 * (1 + 1e-15)) and not equal(91.2, 91.2001)


def test_one_row_of_each_slot_is_scored() -> None:
    assert first_of_slots([0, 20_000, 99_999, 100_000, 180_000, 340_000], 10) == [
        0,
        100_000,
        340_000,
    ]


def answer(event_us: int, value: float) -> dict[str, Any]:
    return {"event_time": f"1970-01-01T00:00:00.{event_us // 1000:03}Z", "value": value}


def refusal(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "", "features": []}}


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, answer(20_000, 2.0), RIGHT),
        (200, answer(20_000, 2.1), WRONG),
        (200, answer(0, 1.0), WRONG),
        (200, answer(30_000, 3.0), WRONG),
        (503, refusal("store_unavailable"), "store_unavailable"),
        (404, refusal("unknown_entity"), WRONG),
        (500, {"detail": "Internal Server Error"}, WRONG),
        (500, refusal("store_unavailable"), WRONG),
    ],
    ids=[
        "right",
        "another value",
        "behind the answer before",
        "a tick that never was",
        "refused",
        "denied",
        "no error of ours",
        "a fault of the endpoint's own",
    ],
)
def test_an_answer_is_right_a_clear_refusal_or_wrong(
    status: int, body: dict[str, Any], outcome: str
) -> None:
    judge = Judge({0: 1.0, 10_000: 1.5, 20_000: 2.0})
    assert judge.outcome(200, answer(10_000, 1.5)) == (RIGHT, "")
    assert judge.outcome(status, body)[0] == outcome


def asked(at_s: float, outcome: str = RIGHT, **more: Any) -> Asked:
    return Asked(at_s, at_s + 0.1, outcome, prediction_id=f"id-{at_s}", value=1.0, **more)


def judged(*questions: Asked, fault: str = "kill-cassandra", last_us: int = 40) -> Answers:
    """The verdict where one fault lasted from 10 s to 20 s, and all right answers are published."""
    published = {one.prediction_id: one.value for one in questions if one.outcome == RIGHT}
    return verdict.answers(questions, published, [Episode(fault, 10.0, 20.0)], last_us)


def test_refusals_during_a_fault_and_shortly_after_it_are_explained() -> None:
    last = asked(60.0, event_us=40)
    explained = judged(asked(12.0, "store_unavailable"), asked(45.0, "not_ready"), last)
    assert not explained.unexplained and explained.refused == {
        "store_unavailable": 1,
        "not_ready": 1,
    }
    late = judged(asked(20.1 + RECOVERY_S, "store_unavailable"), last)
    early = judged(asked(9.0, "store_unavailable"), last)
    assert late.unexplained == early.unexplained == {"store_unavailable": 1}


@pytest.mark.parametrize("outcome", [HUNG, UNREACHABLE])
def test_no_answer_at_all_is_explained_by_a_fault_of_the_endpoint_alone(outcome: str) -> None:
    questions = (asked(12.0, outcome), asked(60.0, event_us=40))
    assert judged(*questions).unexplained == {outcome: 1}
    for fault in ("kill-serving", "mute-serving"):
        excused = judged(*questions, fault=fault)
        assert not excused.unexplained and excused.no_answer == 1


def test_answers_must_be_on_the_topic_and_the_last_one_must_be_the_last_ticks() -> None:
    questions = [asked(5.0, event_us=20), asked(22.0, event_us=40)]
    good = judged(*questions)
    assert (good.right, good.lost, good.right_again, good.silence_s) == (2, 0, True, 12.1)
    assert not judged(*questions, last_us=60).right_again
    assert not judged(asked(5.0, WRONG)).right_again and judged(asked(5.0, WRONG)).wrong == 1
    assert verdict.answers(questions, {"id-5.0": 1.0, "id-22.0": 1.1}, [], 40).lost == 1
    assert verdict.answers(questions, {"id-5.0": 1.0}, [], 40).lost == 1
    assert not verdict.answers([], {}, [], 40).right_again


def test_silence_of_answers_lasts_until_asking_ends() -> None:
    assert judged(asked(12.0, event_us=20), asked(30.0, "not_ready")).silence_s == 18.0


@pytest.mark.parametrize(
    ("outcome", "failure"),
    [
        (Outcome("x", error="cassandra ended while starting"), "cassandra ended while starting"),
        (Outcome("x", rows=Topic(3, lost=1)), "1 rows lost"),
        (Outcome("x", rows=Topic(3, wrong=1)), "1 rows wrong"),
        (Outcome("x", rows=Topic(3, doubled=1)), "1 rows doubled without a restart of the job"),
        (Outcome("x", offline_lost=2), "2 offline rows lost"),
        (Outcome("x", offline_wrong=2), "2 offline rows wrong"),
        (Outcome("x", online_right=False), "the online row wrong"),
        (Outcome("x", predictions=Topic(3, lost=1)), "1 predictions lost"),
        (Outcome("x", predictions=Topic(3, wrong=1)), "1 predictions wrong"),
        (Outcome("x", predictions=Topic(3, doubled=1), restarts=1), "1 predictions doubled"),
        (Outcome("x", answers=Answers(wrong=1)), "1 answers wrong"),
        (Outcome("x", answers=Answers(lost=1)), "1 answers not on the topic"),
        (Outcome("x", answers=Answers(right_again=False)), "the last answer not right"),
        (
            Outcome("x", answers=Answers(unexplained={HUNG: 1})),
            "1 questions without a right answer that no fault explains (hung)",
        ),
    ],
)
def test_each_broken_promise_fails_and_says_so(outcome: Outcome, failure: str) -> None:
    assert outcome.failures == [failure] and not outcome.ok
    assert outcome.as_json()["failures"] == [failure]


def test_rows_may_be_doubled_where_the_job_began_again() -> None:
    assert Outcome("x", rows=Topic(3, doubled=2), restarts=1).ok


def test_every_server_has_its_faults_and_others_are_refused(tmp_path: Path) -> None:
    def targets(kind: str) -> set[str]:
        return {name.split("-", 1)[1] for name in FAULTS if name.startswith(f"{kind}-")}

    assert targets("kill") | targets("pause") == set(SERVERS)
    assert targets("far") == targets("drop") == targets("mute") == set(LINKED)
    with pytest.raises(UsageError, match="there is no fault 'flood'; there are kill-kafka"):
        try_each(["flood"], "", tmp_path / "history.jsonl", lambda text, share: None)


def test_the_history_has_every_note_and_counts_of_each_second(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "history.jsonl"
    with pytest.raises(ValueError), History(path) as history:
        history.note("fault begins", fault="kill-kafka")
        history.count("rows")
        history.count("rows", 2)
        raise ValueError("no reason")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["what"] for line in lines] == ["fault begins", "counts", "error"]
    assert lines[0]["fault"] == "kill-kafka" and lines[1]["rows"] == 3
    assert lines[2]["error"] == "ValueError: no reason"


def test_the_page_has_every_fault_and_what_it_did_or_that_it_was_not_tried() -> None:
    text = (Path(__file__).parents[2] / page.PAGE).read_text()
    assert page.replace(text, "faults", page.fault_lines()) == text, (
        "run ./pitwall chaos --write-docs"
    )
    _, _, outcomes = text.partition("<!-- outcomes -->")
    named = re.findall(r"^(?:\| |- )`(.*?)`", outcomes, re.MULTILINE)
    assert sorted(named) == sorted(FAULTS)


def test_a_fault_that_was_not_tried_keeps_its_line() -> None:
    before = "| `kill-kafka` | 9.0 s | 9.0 s | 9.0 s | 0 | 0 | 0 |"
    lines = page.outcome_lines([Outcome("kill-s3")], before)
    assert before in lines
    assert "| `kill-s3` | 0.0 s | 0.0 s | 0.0 s | 0 | 0 | 0 |" in lines
    assert "- `pause-kafka`" in lines
    assert "- `kill-kafka`" not in lines


def test_tables_are_written_between_their_marks() -> None:
    text = "before\n<!-- x -->\nold\n<!-- end of x -->\nafter\n"
    written = page.replace(text, "x", ["| new |"])
    assert written == "before\n<!-- x -->\n\n| new |\n\n<!-- end of x -->\nafter\n"
    assert page.replace(written, "x", ["| new |"]) == written
