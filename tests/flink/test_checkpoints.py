"""Which checkpoint a job goes on from: the newest that is complete."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from pitwall.flink import checkpoints
from pitwall.settings import Settings

SECOND = 1_700_000_000
RUN = "0f3a"


def on_s3(monkeypatch: pytest.MonkeyPatch, *objects: tuple[str, float]) -> str | None:
    """The newest of these objects on S3, each a key below the job's folder and its time (s)."""

    def list_objects(bucket: str, prefix: str, recursive: bool) -> list[SimpleNamespace]:
        assert (bucket, prefix, recursive) == ("flink", "job", True)
        return [
            SimpleNamespace(
                object_name=f"job/{key}", last_modified=datetime.fromtimestamp(time_s, UTC)
            )
            for key, time_s in objects
        ]

    client = SimpleNamespace(list_objects=list_objects)
    monkeypatch.setattr(checkpoints, "s3_client", lambda settings, user: client)
    return checkpoints.newest(Settings(checkpoint_url="s3://flink/job"))


def in_folder(root: Path, *files: tuple[str, float]) -> str | None:
    """The newest of these files in the job's folder, each a path below it and its time (s)."""
    settings = Settings(home=root)
    folder = Path(settings.flink_dir.removeprefix("file://"))
    for name, time_s in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (time_s, time_s))
    newest = checkpoints.newest(settings)
    return newest and newest.removeprefix(f"file://{folder}/")


@pytest.mark.parametrize("numbers", [(8, 9, 10), (10, 9, 8), (99, 100, 98)])
def test_of_checkpoints_of_one_second_the_one_with_the_greatest_number_is_newest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, numbers: tuple[int, ...]
) -> None:
    files = [(f"checkpoints/{RUN}/chk-{number}/_metadata", SECOND) for number in numbers]
    last = f"checkpoints/{RUN}/chk-{max(numbers)}"
    assert on_s3(monkeypatch, *files) == f"s3://flink/job/{last}"
    assert in_folder(tmp_path, *files) == last


def test_a_later_second_counts_more_than_a_greater_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = [
        (f"checkpoints/{RUN}/chk-12/_metadata", SECOND),
        ("checkpoints/77aa/chk-3/_metadata", SECOND + 1),
    ]
    assert on_s3(monkeypatch, *files) == "s3://flink/job/checkpoints/77aa/chk-3"
    assert in_folder(tmp_path, *files) == "checkpoints/77aa/chk-3"


def test_a_savepoint_is_newer_than_the_checkpoints_of_its_second(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = [
        (f"checkpoints/{RUN}/chk-12/_metadata", SECOND),
        ("savepoints/savepoint-0f3a-1/_metadata", SECOND),
    ]
    assert on_s3(monkeypatch, *files) == "s3://flink/job/savepoints/savepoint-0f3a-1"
    assert in_folder(tmp_path, *files) == "savepoints/savepoint-0f3a-1"


def test_what_is_not_complete_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = [(f"checkpoints/{RUN}/chk-12/9b1c", SECOND), (f"checkpoints/{RUN}/shared/1", SECOND)]
    assert on_s3(monkeypatch, *files) is None
    assert in_folder(tmp_path, *files) is None
