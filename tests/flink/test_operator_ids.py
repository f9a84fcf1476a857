"""An operator finds its state again whatever else is defined: its id is that of its own table."""

from __future__ import annotations

import pytest
from job_graph import Operator, operators

from pitwall.machine import jars
from pitwall.settings import Settings

pytestmark = pytest.mark.xdist_group("operator_ids")
JOBS = (
    "car_state",
    "van,car_state",
    "bus,van,car_state",
    "bus,van+,car_state",
    "bus,van,car_state%",
    "bus*,van,car_state",
)
VIEWS = ("van", "car_state")


@pytest.fixture(scope="module")
def jobs() -> dict[str, list[Operator]]:
    """The operators of each of the jobs above."""
    jars.fetch(Settings().cache_dir / "m2")
    return dict(zip(JOBS, operators(*JOBS), strict=True))


def uids(job: list[Operator]) -> set[str]:
    return {operator.uid for operator in job if operator.uid is not None}


@pytest.mark.parametrize("name", JOBS)
def test_every_operator_has_an_id_of_its_own_and_none_is_computed(
    jobs: dict[str, list[Operator]], name: str
) -> None:
    assert [operator for operator in jobs[name] if operator.uid is None] == []
    assert len(uids(jobs[name])) == len(jobs[name])


def test_the_sources_and_sinks_are_among_them(jobs: dict[str, list[Operator]]) -> None:
    assert uids(jobs["van,car_state"]) >= {
        "telemetry/source",
        *(f"{sink}_{view}" for sink in ("online", "features_topic", "offline") for view in VIEWS),
        *(f"Sink Committer: offline_{view}" for view in VIEWS),
        "telemetry_history",
        "dead_letters",
    }


@pytest.mark.parametrize(
    ("fewer", "more", "added"),
    [("car_state", "van,car_state", "van"), ("van,car_state", "bus,van,car_state", "bus")],
)
def test_a_view_more_keeps_all_ids_and_its_own_name_it(
    jobs: dict[str, list[Operator]], fewer: str, more: str, added: str
) -> None:
    assert uids(jobs[fewer]) <= uids(jobs[more])
    new = uids(jobs[more]) - uids(jobs[fewer])
    assert new and [uid for uid in new if added not in uid] == []


@pytest.mark.parametrize(
    "changed",
    ["bus,van+,car_state", "bus,van,car_state%", "bus*,van,car_state"],
    ids=["a feature and a channel more", "sectors", "other vehicles"],
)
def test_other_definitions_of_the_same_views_have_the_same_ids(
    jobs: dict[str, list[Operator]], changed: str
) -> None:
    assert uids(jobs[changed]) == uids(jobs["bus,van,car_state"])
