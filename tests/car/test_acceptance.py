"""What the job would refuse is refused before it is sent, with the value and the remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pitwall.car.acceptance import check
from pitwall.car.session import Session
from pitwall.errors import LapFileError, UsageError
from pitwall.kafka.wire import TickEncoder
from pitwall.recordings.files import read_all

GOOD = Session(
    "car", "20260101-000000-a", ("Speed", "λ"), ("km/h", ""), np.arange(3.0), np.ones((3, 2))
)


def test_a_session_up_to_the_limits_is_accepted() -> None:
    check([GOOD, replace(GOOD, vehicle="other"), replace(GOOD, session="20260101-000000-b")])
    check(
        [
            replace(
                GOOD,
                vehicle="v" * 200,
                session="20260101-000000-" + "x" * 184,
                times_s=np.array([-366 * 86_400.0, 0.0, 366 * 86_400.0]),
            )
        ]
    )


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        (replace(GOOD, vehicle=""), "the vehicle is ''.*--vehicle NAME"),
        (replace(GOOD, vehicle="v" * 201), "vehicle 'v+'… has 201 characters"),
        (replace(GOOD, vehicle="a\nb"), "vehicle 'a.nb' has a control character"),
        (replace(GOOD, session="20260101-000000-" + "x" * 185), "session id .* 201 characters"),
        (replace(GOOD, session="20261301-000000-a"), "'20261301-000000-a' does not begin with"),
        (replace(GOOD, session="19690101-000000-a"), "'19690101-000000-a' does not begin with"),
        (replace(GOOD, times_s=np.arange(3.0) + 1.767e9), "has the time 1,767,000,002.000 s"),
        (replace(GOOD, names=("Speed", "+")), "channel '[+]' has no letter or digit"),
        (replace(GOOD, names=("Slip+", "Slip-")), "'Slip[+]' and 'Slip-' have the same id 'SLIP'"),
        (replace(GOOD, units=("km/h", "u" * 201)), "unit of 'λ' 'u+'… has 201 characters"),
        (
            replace(
                GOOD,
                names=tuple(f"c{i}" for i in range(12_000)),
                units=("",) * 12_000,
                values=np.ones((3, 12_000)),
            ),
            "has 12,000 channels",
        ),
    ],
)
def test_what_the_job_would_refuse_is_refused(bad: Session, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        check([bad])


def test_two_sessions_of_one_id_are_refused() -> None:
    with pytest.raises(LapFileError, match="two sessions of 'car' have the id"):
        check([GOOD, GOOD])


def test_two_files_of_one_name_are_refused_with_both_paths(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "stint1.csv").write_text("Time,Speed\n0,1\n1,2\n")
    with pytest.raises(LapFileError, match=r"a/stint1.csv and .*b/stint1.csv would both become"):
        read_all([tmp_path / "a", tmp_path / "b"])
    assert [session.vehicle for session in read_all([tmp_path / "a"], "")] == [""]


def test_a_channel_without_ascii_letters_has_an_id() -> None:
    message = TickEncoder("car", "20260101-000000-a", ["λ"], [""], 1.0).encode(0.0, [1.0])
    assert '"ChannelId": "Λ"' in message.decode()
