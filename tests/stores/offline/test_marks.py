"""Tags and exclusions of sessions: nothing that one writer says is lost to another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pitwall.errors import StoreError, UsageError
from pitwall.settings import Settings
from pitwall.stores.offline.files import files
from pitwall.stores.offline.marks import FOLDER, Mark, change, excluded, forget, marks

KEY = ("car", "20260101-000000-a")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_a_store_without_marks_has_none(settings: Settings) -> None:
    assert marks(settings) == {} and excluded(settings) == set()


def test_changes_add_up_in_the_order_of_their_times(settings: Settings) -> None:
    change(settings, KEY, add=["wet", "circuit=Home"])
    change(settings, KEY, add=["circuit=Away"], remove=["wet"], excluded="no speed")
    change(settings, ("λ, car", KEY[1]), add=["night race"])
    mark = marks(settings)[KEY]
    assert mark == Mark(frozenset({"circuit=Away"}), "no speed") and mark.circuit == "Away"
    assert marks(settings)["λ, car", KEY[1]].tags == {"night race"}
    assert excluded(settings) == {KEY}
    change(settings, KEY, excluded="")
    assert excluded(settings) == set() and marks(settings)[KEY].tags == {"circuit=Away"}


def test_writers_at_the_same_time_lose_nothing(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: change(settings, KEY, add=[f"tag {n}"]), range(40)))
    assert marks(settings)[KEY].tags == {f"tag {n}" for n in range(40)}


def test_marks_are_no_rows_of_the_store(settings: Settings) -> None:
    change(settings, KEY, add=["wet"])
    assert files(settings.offline_dir) == []


def test_what_is_forgotten_is_gone_and_only_that(settings: Settings) -> None:
    change(settings, KEY, add=["wet"])
    change(settings, KEY, excluded="a")
    change(settings, ("car", "other"), add=["dry"])
    forget(settings, KEY)
    assert marks(settings) == {("car", "other"): Mark(frozenset({"dry"}))}
    assert len([*(settings.offline_dir / FOLDER).iterdir()]) == 1


def test_a_file_that_is_no_change_is_refused_by_name(settings: Settings) -> None:
    change(settings, KEY, excluded="a")
    (settings.offline_dir / FOLDER / "broken.json").write_text('{"vehicle": "car"')
    with pytest.raises(StoreError, match=r"broken\.json is no change of a session's mark"):
        excluded(settings)


def test_half_a_file_that_a_kill_left_is_not_read(settings: Settings) -> None:
    change(settings, KEY, add=["wet"])
    (settings.offline_dir / FOLDER / ".half.json").write_text("{")
    assert marks(settings)[KEY].tags == {"wet"}


@pytest.mark.parametrize("tag", ["", "  ", "a,b", "a\nb", "x" * 81, "circuit="])
def test_a_tag_that_cannot_be_shown_is_refused(settings: Settings, tag: str) -> None:
    with pytest.raises(UsageError, match="1 to 80 characters"):
        change(settings, KEY, add=[tag])
    assert marks(settings) == {}


def test_two_circuits_and_a_long_reason_are_refused(settings: Settings) -> None:
    with pytest.raises(UsageError, match="circuit=A and circuit=B; give one"):
        change(settings, KEY, add=["circuit=A", "circuit=B"])
    with pytest.raises(UsageError, match="the reason has 501 characters"):
        change(settings, KEY, excluded="x" * 501)
