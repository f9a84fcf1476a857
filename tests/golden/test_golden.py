"""Every golden case through the oracle, and through the operator in each way its ticks may come."""

from __future__ import annotations

import struct

import pytest
from case import FOLDER, Case, cases
from dryrun import Begin, Outcome, RawRun, Step, frames, parse

from pitwall.features.kinds import Kind
from pitwall.features.oracle import reference

pytestmark = pytest.mark.xdist_group("golden")
CASES = cases()
ARRIVAL = "arrival"
"""The folder of the cases that are about the order of ticks and not about a kind of feature."""
OF_NO_KIND = {ARRIVAL, "maths"}
"""That folder, and the one of the cases about formulas."""


def bits(value: float) -> bytes:
    return b"null" if value != value else struct.pack(">d", value)


def differences(case: Case, rows: list[tuple[int, list[float]]]) -> list[str]:
    """One line for each value whose bits are not the expected ones, or one if the times differ."""
    times = [time_us for time_us, _ in rows]
    expected_times = [time_us for time_us, _ in case.expected]
    if times != expected_times:
        return [f"expected rows at {expected_times} µs, seen {times} µs"]
    return [
        f"tick {number} (t = {time_us / 1e6:g} s), {name}: expected {wanted!r}, seen {value!r}"
        for number, ((time_us, values), (_, row)) in enumerate(
            zip(rows, case.expected, strict=True)
        )
        for name, value, wanted in zip(case.features.names, values, row, strict=True)
        if bits(value) != bits(wanted)
    ]


@pytest.fixture(scope="module")
def outcome(raw_run: RawRun) -> Outcome:
    """All cases in one process of the operator."""
    steps: list[Step] = []
    for case in CASES:
        for _, session in case.sessions():
            steps += [Begin(raw_run.plan(case.features)), *session]
    return parse(raw_run(CASES[0].features, frames(steps)), 0)


def test_each_kind_of_feature_has_a_case_that_is_about_it() -> None:
    kinds = {case.kind for case in CASES}
    assert kinds - OF_NO_KIND == {kind.value for kind in Kind}, (
        f"each kind has a folder in {FOLDER}, with a case"
    )
    for case in CASES:
        assert case.kind in OF_NO_KIND or case.kind in {f.kind for f in case.features.features}, (
            f"{case.path}: no feature is of the folder's kind"
        )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_oracle_gives_the_rows_of_the_case(case: Case) -> None:
    rows = [
        (time_us, [float("nan") if value is None else value for value in row.values()])
        for (time_us, _), row in zip(case.ticks, reference(case.features, case.ticks), strict=True)
    ]
    wrong = differences(case, rows)
    assert not wrong, "\n".join([f"{case.path}, by the oracle:", *wrong])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_operator_gives_the_rows_of_the_case(case: Case, outcome: Outcome) -> None:
    """One by one, restored at each place, and over several partitions."""
    wrong = []
    for session, _ in case.sessions():
        key = f"{case.name}/{session}"
        rows = [(time_us, values.tolist()) for time_us, values in outcome.rows.get(key, [])]
        seen = differences(case, rows)
        for mark in ("late", "duplicate"):
            marked = [arrival.time_us for arrival in case.arrivals if getattr(arrival, mark)]
            reported = outcome.late if mark == "late" else outcome.duplicates
            times = [time_us for place, time_us in reported if place == key]
            if times != marked:
                seen.append(f"expected {mark} ticks at {marked} µs, seen {times} µs")
        wrong += [f"{session}: {line}" for line in seen]
    assert not wrong, "\n".join([f"{case.path}, by the operator:", *wrong[:20]])
    assert not outcome.bad and not outcome.restarts
