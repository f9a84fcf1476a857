"""The commands on sessions: what they print, refuse, change and delete."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from stored_sessions import drive, store

from pitwall.cli.main import app, main
from pitwall.settings import Settings
from pitwall.stores.offline.marks import FOLDER


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PITWALL_HOME", str(tmp_path))
    monkeypatch.setenv("PITWALL_CASSANDRA_PORT", "1")
    monkeypatch.setenv("PITWALL_S3_PORT", "1")
    settings = Settings()
    store(settings, "a", [drive(80), drive(81)])
    store(settings, "b", [drive(82)])
    return settings


class Command:
    """Runs `sessions` with some arguments."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capfd = monkeypatch, capfd

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Status, standard output and standard error."""
        self._monkeypatch.setattr(sys, "argv", ["pitwall", "sessions", *arguments])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        out, err = self._capfd.readouterr()
        return status, out, err

    def json(self, *arguments: str) -> Any:
        """The answer with `--json`."""
        app(["sessions", *arguments, "--json"], standalone_mode=False)
        return json.loads(self._capfd.readouterr().out)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capfd)


def test_tags_and_exclusions_are_listed_and_taken_back(
    settings: Settings, command: Command
) -> None:
    assert command("tag", "a", "wet", "circuit=Home")[0] == 0
    status, out, _ = command("exclude", "a", "--reason", "no speed")
    assert (status, out) == (0, "a of car: tags circuit=Home, wet; excluded: no speed\n")
    answer = command.json("list")
    assert set(answer["not_asked"]) == {"online", "history"}
    first, second = sorted(answer["sessions"], key=lambda one: one["session"])
    assert (first["session"], first["tags"]) == ("a", ["circuit=Home", "wet"])
    assert (first["excluded"], first["counts_for_training"]) == ("no speed", False)
    assert (second["session"], second["laps"], second["training"]) == (
        *("b", 1),
        "yes, 1 of 1 laps",
    )
    assert second["stores"][0]["rows"] == 820
    _, out, _ = command("include", "a")
    assert out == "a of car: tags circuit=Home, wet; counts for training\n"
    _, out, _ = command("tag", "a", "wet", "--remove")
    assert out == "a of car: tags circuit=Home; counts for training\n"


def test_a_session_is_shown_with_its_laps_and_stores(settings: Settings, command: Command) -> None:
    status, out, err = command("show", "a")
    assert status == 0
    assert "counts for training: yes, 2 of 2 laps" in out and "quality: brake constant" in out
    assert "80.900 s" in out and "1,610" in out
    assert "archive could not be asked" in err


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["show", "c"], 2, "no store that was asked holds a session 'c'"),
        (["tag", "c", "wet"], 1, "it is not known whether there is a session 'c': Cassandra"),
        (["tag", "a", "x,y"], 2, "tag 'x,y' is not one"),
        (["exclude", "a", "--reason", " "], 2, "--reason is empty"),
        (["tag", "a", "wet", "--vehicle", "bus"], 2, "a session 'a' of vehicle 'bus'"),
        (["delete", "a", "--only", "kafka"], 2, "--only is 'kafka'; there are offline"),
        (
            ["delete", "a", "--yes"],
            1,
            "nothing was deleted, for a store cannot be asked: online: Cassandra",
        ),
        (["delete", "a", "--only", "offline"], 2, "--yes deletes without asking"),
        (["delete", "c", "--only", "offline", "--yes"], 2, "holds a session 'c'"),
    ],
)
def test_what_is_wrong_is_one_line_and_changes_nothing(
    settings: Settings, command: Command, arguments: list[str], status: int, says: str
) -> None:
    ended, _, err = command(*arguments)
    assert ended == status and says in err and "Traceback" not in err
    assert not (settings.offline_dir / FOLDER).exists()
    assert len(command.json("list")["sessions"]) == 2


def test_delete_says_what_it_would_do_and_does_it_when_told(
    settings: Settings, command: Command
) -> None:
    command("tag", "a", "wet")
    answer = command.json("delete", "a", "--only", "offline", "--dry-run")
    assert answer["deleted"] is False and answer["held"] == answer["left"]
    assert [(one["store"], one["rows"]) for one in answer["held"]] == [("offline", 1610)]
    assert set(answer["stays"]) == {"kafka", "models", "flink", "unreadable"}
    assert len(command.json("list")["sessions"]) == 2
    status, out, err = command("delete", "a", "--only", "offline", "--yes")
    assert status == 0, err
    assert "a of car: 1,610 rows deleted" in out and "kafka: messages of its topics stay" in out
    (left,) = command.json("list")["sessions"]
    assert (left["session"], left["stores"][0]["rows"]) == ("b", 820)
