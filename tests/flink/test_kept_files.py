"""A kill between a checkpoint and its files loses no row, also when a view is added next."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from waiting import wait

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.flink import control
from pitwall.kafka.topics import end_offsets
from pitwall.local.stack import Stack
from pitwall.machine import jars
from pitwall.machine import processes as process
from pitwall.machine.sandbox import sandbox
from pitwall.settings import Settings
from pitwall.stores.offline.files import files
from pitwall.stores.repository import apply

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
TICKS = 500
VAN = """
VAN = FeatureSet("van", session_time(), last("Speed"), vehicles="VAN*")

CAR_STATE = """


@contextmanager
def temporary_names(folder: Path) -> Iterator[set[Path]]:
    """The names that files of this folder have before a checkpoint shows them, as they come."""
    names: set[Path] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.002):
            names.update(folder.glob("event_date=*/.*.inprogress.*"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield names
    finally:
        ended.set()
        thread.join()


def kill(settings: Settings) -> None:
    """kill -9 of the features job, by its process's own id."""
    job = process.find(settings.run_dir, "flink")
    assert job is not None and job.process is not None
    for child in [*job.process.children(recursive=True), job.process]:
        child.kill()
    assert process.wait_gone(job, 20)
    ended = settings.run_dir / "flink.ended"
    wait(ended.exists, 10, "the supervisor did not notice")


def rows(folder: Path, session: str) -> int:
    """Distinct rows of the session in the view's files."""
    paths = files(folder)
    query = (
        "SELECT count(DISTINCT event_timestamp) FROM read_parquet(?, "
        "union_by_name = true, hive_partitioning = false) WHERE session = ?"
    )
    found = duckdb.execute(query, [paths, session]).fetchone() if paths else None
    return int(found[0]) if found else 0


def define_van(settings: Settings) -> None:
    """A view more, before the one of the car."""
    definitions = settings.feature_repo / "features.py"
    definitions.write_text(definitions.read_text().replace("\nCAR_STATE = ", VAN, 1))
    views = settings.feature_repo / "views.py"
    views.write_text(
        views.read_text().replace("import CAR_STATE", "import CAR_STATE, VAN") + "van = view(VAN)\n"
    )
    apply(settings)


def test_files_of_the_last_checkpoint_come_also_when_a_view_is_added_after_a_kill() -> None:
    drive = simulate(laps=1, seed=7)
    car = Session(
        drive.vehicle,
        "20260101-000000-kept",
        drive.names,
        drive.units,
        drive.times_s[:TICKS],
        drive.values[:TICKS],
    )
    with sandbox(checkpoint_interval_s="3600") as settings, Stack(settings) as servers:
        jars.fetch(settings.cache_dir / "m2")
        servers.start(["kafka", "cassandra"])
        apply(settings)
        servers.start(["flink"])
        folder = settings.offline_dir / "car_state"
        with temporary_names(folder) as names:
            produce(settings, [car], speed=None)
            wait(lambda: sum(end_offsets(settings, settings.features_topic).values()) >= TICKS)
            control.settle(settings, "features")
            wait(lambda: rows(folder, car.session) == TICKS, what="the files of the checkpoint")
        kill(settings)
        # The kill came before the files got their names: that is a moment which no test can meet.
        for path in map(Path, files(folder)):
            [name] = [name for name in names if name.name.startswith(f".{path.name}.inprogress.")]
            path.rename(name)
        assert rows(folder, car.session) == 0
        define_van(settings)
        servers.start(["flink"])
        wait(lambda: rows(folder, car.session) == TICKS, what=f"{rows(folder, car.session)} rows")
