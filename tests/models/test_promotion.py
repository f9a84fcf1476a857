"""Who is champion: the way forward, the way back, and a registry that does not answer."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException, RestException

from pitwall.errors import ModelError
from pitwall.models.promotion import gate, history, promote, rollback
from pitwall.models.registry import by_alias

ABSENT = {"error_code": "INVALID_PARAMETER_VALUE", "message": "Registered model alias x not found."}


class Registry:
    """A registry of one model `m`, in memory; with `away` it does not answer."""

    def __init__(self, versions: int, **tags: str) -> None:
        self.away = False
        self.aliases: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self._versions = {
            str(number): SimpleNamespace(version=str(number), tags={"unit": "s", **tags})
            for number in range(1, versions + 1)
        }

    def _answer(self) -> None:
        if self.away:
            raise MlflowException("API request failed: connection refused")

    def get_registered_model(self, name: str) -> Any:
        self._answer()
        return SimpleNamespace(tags=self.tags)

    def get_model_version(self, name: str, version: str) -> Any:
        self._answer()
        return self._versions[version]

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        self._answer()
        if alias not in self.aliases:
            raise RestException(ABSENT)
        return self._versions[self.aliases[alias]]

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        self.tags[key] = value

    def set_model_version_tag(self, name: str, version: str, key: str, value: str) -> None:
        self._versions[version].tags[key] = value

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        self.aliases[alias] = version


def crowned(*versions: int) -> Registry:
    registry = Registry(max(versions), verdict="beats baselines")
    for version in versions:
        promote(registry, "m", str(version), "a test")
    return registry


def test_rollbacks_walk_back_through_the_champions_one_by_one() -> None:
    registry = crowned(1, 2, 3)
    assert [rollback(registry, "m"), rollback(registry, "m")] == ["2", "1"]
    with pytest.raises(ModelError, match="no champion before this one"):
        rollback(registry, "m")
    promote(registry, "m", "3", "again")
    promote(registry, "m", "2", "again")
    assert [rollback(registry, "m"), rollback(registry, "m")] == ["3", "1"]
    assert [entry["version"] for entry in history(registry, "m")] == [1, 2, 3, 2, 1, 3, 2, 3, 1]


def test_a_rollback_of_an_older_history_is_known_by_its_reason() -> None:
    registry = crowned(1, 2, 3)
    rollback(registry, "m")
    past = [
        {key: value for key, value in entry.items() if key != "rollback"}
        for entry in history(registry, "m")
    ]
    registry.tags["champions"] = json.dumps(past)
    assert rollback(registry, "m") == "1"


def test_an_alias_moved_by_hand_goes_back_to_the_last_known_champion() -> None:
    registry = crowned(1, 2, 3)
    registry.aliases["champion"] = "1"
    assert rollback(registry, "m") == "3"


def test_no_answer_is_not_the_answer_that_there_is_no_champion() -> None:
    registry = crowned(1, 2)
    assert by_alias(registry, "m", "challenger") is None
    registry.away = True
    for ask in (
        lambda: by_alias(registry, "m", "champion"),
        lambda: gate(registry, "m", "2"),
        lambda: promote(registry, "m", "2", "a reason"),
        lambda: rollback(registry, "m"),
        lambda: history(registry, "m"),
    ):
        with pytest.raises(ModelError, match=r"does not answer.*connection refused"):
            ask()
    assert registry.aliases == {"champion": "2"}


def test_a_forced_promotion_says_that_it_was_forced() -> None:
    registry = Registry(2, verdict="beats baselines")
    assert promote(registry, "m", "1") == "the first champion"
    why = promote(registry, "m", "2", "the new car")
    assert why.startswith("forced: the new car (the gate said: it never met the champion")
    assert [(e["forced"], e["why"]) for e in history(registry, "m")][1] == (True, why)
    assert not promote(registry, "m", "2", "no need").startswith("forced")


def test_a_version_of_another_circuit_is_promoted_only_when_asked() -> None:
    registry = Registry(3, verdict="beats baselines")
    against = json.dumps({"version": 1, "laps": 9, "gain": 1.0, "standard_error": 0.1})
    for number, length_m in ((1, "4000"), (2, "2500"), (3, "4030")):
        tags = registry.get_model_version("m", str(number)).tags
        tags |= {"circuit_length_m": length_m, "circuit": "", "against": against}
    promote(registry, "m", "1")
    assert (
        gate(registry, "m", "2").why
        == "it learned from 2,500 m, the champion, version 1, from 4,000 m"
    )
    with pytest.raises(ModelError, match="version 2 of m is not promoted: it learned from 2,500 m"):
        promote(registry, "m", "2")
    assert gate(registry, "m", "3").passes
    assert gate(registry, "m", "2", new_circuit=True).passes
    promote(registry, "m", "2", new_circuit=True)
    assert registry.aliases == {"champion": "2"}


@pytest.mark.parametrize(
    ("met", "passes", "why"),
    [
        ({"gain": 0.3}, True, "+0.3000 ± 0.1000 s a lap beside version 1 on 9 laps"),
        ({"gain": 0.0, "standard_error": 0.0}, False, "+0.0000 ± 0.0000 s a lap"),
        ({"gain": 0.05}, False, "+0.0500 ± 0.1000 s a lap"),
        ({"gain": -0.3}, False, "-0.3000 ± 0.1000 s a lap"),
        ({"gain": 0.3, "laps": 4}, False, "only 4 laps to compare it with version 1; 5 are needed"),
        ({"gain": 0.3, "laps": 1}, False, "only 1 lap to compare"),
        (
            {"gain": 0.3, "standard_error": None},
            False,
            "all 9 laps to compare it with version 1 are of one session",
        ),
    ],
)
def test_a_version_must_be_ahead_of_the_champion(
    met: dict[str, float | None], passes: bool, why: str
) -> None:
    registry = Registry(2, verdict="beats baselines", unit="s")
    promote(registry, "m", "1")
    against = {"version": 1, "laps": 9, "standard_error": 0.1, **met}
    registry.get_model_version("m", "2").tags["against"] = json.dumps(against)
    verdict = gate(registry, "m", "2")
    assert verdict.passes is passes and why in verdict.why
