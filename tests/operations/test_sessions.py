"""What is known of stored sessions, and deleting one of them from the offline store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest
from stored_sessions import drive, store

from pitwall.errors import StoreError, UsageError
from pitwall.operations.archive import Record
from pitwall.operations.held import Held
from pitwall.operations.session_list import Summary, summaries
from pitwall.operations.sessions import delete, holdings, key_of, tags_held
from pitwall.operations.sessions_archive import sessions_of, without
from pitwall.settings import Settings
from pitwall.stores.offline.files import files
from pitwall.stores.offline.marks import change, marks


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, s3_port=1, cassandra_port=1)


def listed(settings: Settings) -> dict[str, Summary]:
    found = holdings(settings, ["offline"])
    assert not found.silent
    return {f"{one.vehicle}/{one.session}": one for one in summaries(settings, found.held)}


def test_a_session_is_listed_with_laps_ticks_quality_and_whether_it_counts(
    settings: Settings,
) -> None:
    jitter = np.array([0.02, 3999.98])
    store(settings, "good", [drive(80), drive(81)])
    store(settings, "parked", [jitter] * 102)
    store(settings, "bad", [drive(80), drive(80)])
    change(settings, ("car", "bad"), add=["wet", "circuit=Home"], excluded="wrong wheel")
    known = listed(settings)
    assert set(known) == {"car/good", "car/parked", "car/bad"}
    good = known["car/good"]
    assert good.quality is not None
    assert (good.quality.ticks, good.quality.duration_s) == (1610, 160.9)
    assert good.quality.constant == ("brake",) and not good.quality.missing
    assert str(good.quality) == "brake constant"
    assert [(lap.number, lap.time_s, lap.length_m) for lap in good.laps] == [
        (1, 80.0, 3999.0),
        (2, 80.9, 3999.0),
    ]
    assert good.training == "yes, 2 of 2 laps" and str(good.circuit) == "3,999 m"
    (held,) = good.held
    assert (held.store, held.place, held.rows) == ("offline", "car_state", 1610)
    (path,) = [path for path in files(settings.offline_dir) if "car-good" in path]
    assert held.size is not None and 0.5 < held.size / Path(path).stat().st_size < 1
    parked = known["car/parked"]
    assert parked.training == "no, 101 whose distance leaps, 1 not recorded from start to end" or (
        parked.training == "no, 102 whose distance leaps"
    )
    assert not parked.counts and parked.circuit is None
    bad = known["car/bad"]
    assert bad.training == "no, excluded: wrong wheel" and bad.mark.tags == {"wet", "circuit=Home"}


def test_pauses_and_missing_values_are_told(settings: Settings) -> None:
    store(settings, "a", [drive(80)])
    (path,) = files(settings.offline_dir)
    table = pq.read_table(path).to_pandas()
    table.loc[400:, "event_timestamp"] += np.timedelta64(3_400_000, "us")
    table.loc[:199, "speed"] = None
    table["lap_distance"] = np.nan
    table.to_parquet(path, index=False)
    quality = listed(settings)["car/a"].quality
    assert quality is not None
    assert (quality.gaps, quality.longest_gap_s) == (1, 3.5)
    assert quality.missing == {"lap_distance": 1.0, "speed": 0.25}
    assert str(quality) == (
        "1 pauses (longest 3.5 s), no lap_distance, speed missing 25%, brake constant"
    )


def test_deleting_leaves_every_other_row(settings: Settings) -> None:
    for vehicle in ("car", "other"):
        for session in ("a", "b"):
            store(settings, session, [drive(80)], vehicle)
    held = holdings(settings, ["offline"], "a").held
    assert len(held) == 2
    with pytest.raises(UsageError, match="one of several vehicles \\('car', 'other'\\)"):
        key_of(held, "a")
    key = key_of(held, "a", "other")
    for one in held:
        if one.key == key:
            one.delete()
    assert set(listed(settings)) == {"car/a", "car/b", "other/b"}
    assert sum(one.rows for one in holdings(settings, ["offline"]).held) == 3 * 800
    with pytest.raises(UsageError, match="no store that was asked holds a session 'a' of vehicle"):
        key_of(holdings(settings, ["offline"], "a").held, "a", "other")


def test_tags_go_with_the_session_also_where_no_row_is_left(settings: Settings) -> None:
    change(settings, ("car", "a"), add=["driver=somebody"])
    change(settings, ("car", "a"), excluded="asked for it")
    change(settings, ("bus", "a"), add=["wet"])
    held = {one.key: one for one in tags_held(settings, "a")}
    assert {key: one.rows for key, one in held.items()} == {("car", "a"): 2, ("bus", "a"): 1}
    delete([held["car", "a"]])
    assert set(marks(settings)) == {("bus", "a")}
    assert not tags_held(settings, "b")


def test_a_deletion_that_stops_says_where_and_what_was_done() -> None:
    def fail() -> None:
        raise StoreError("S3 does not answer")

    def held(store: str, act: Callable[[], None]) -> Held:
        return Held(store, "place", "car", "a", 1, None, act)

    told: list[str] = []
    stores = [held("offline", lambda: None), held("archive", fail), held("tags", fail)]
    with pytest.raises(StoreError) as stopped:
        delete(stores, told.append)
    assert str(stopped.value) == (
        "archive: S3 does not answer (deleted before that: offline); run the command again"
    )
    assert told == ["deleting from offline: place", "deleting from archive: place"]


def test_a_store_that_does_not_answer_is_told_and_the_others_answer(settings: Settings) -> None:
    store(settings, "a", [drive(80)])
    found = holdings(settings, session="a")
    assert set(found.silent) == {"online", "history", "archive"}
    assert [one.store for one in found.held] == ["offline"]


def record(value: bytes | None, offset: int = 7) -> Record:
    return Record(1000, 2, offset, b"key", value, (("h", b"v"),))


def tick(*keys: tuple[str, str]) -> bytes:
    return orjson.dumps(
        [
            {"VehicleId": vehicle, "SessionId": session, "ChannelId": "SPEED"}
            for vehicle, session in keys
        ]
    )


def test_an_archived_message_loses_the_objects_of_one_session_alone() -> None:
    key, other = ("λ car", "a"), ("car", "b")
    both = record(tick(key, other, key))
    assert sessions_of(both) == {key, other}
    rest = without(both, key)
    assert rest is not None and orjson.loads(rest.value or b"") == orjson.loads(tick(other))
    assert (rest.offset, rest.partition, rest.timestamp_ms) == (7, 2, 1000)
    assert (rest.key, rest.headers) == (b"key", (("h", b"v"),))
    assert without(record(tick(key)), key) is None
    assert without(record(tick(other)), key) == record(tick(other))
    # An escaped character is the same session.
    assert without(record(tick(key).decode().replace("λ", "\\u03bb").encode()), key) is None


@pytest.mark.parametrize(
    "value",
    [None, b"", b"\x00\xff", b"[", b"[1]", b"{}", b'"a"', b'[{"VehicleId": 1, "SessionId": "a"}]'],
)
def test_a_message_that_names_no_session_stays(value: bytes | None) -> None:
    assert sessions_of(record(value)) == set()
    assert without(record(value), ("car", "a")) == record(value)


def test_a_prediction_names_its_session_otherwise() -> None:
    value = orjson.dumps({"vehicle": "car", "session": "a", "value": 1.0})
    assert sessions_of(record(value)) == {("car", "a")}
    assert without(record(value), ("car", "a")) is None
