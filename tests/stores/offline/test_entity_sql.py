"""Entity rows as SQL: rows of the right types, and attacks (`attacks.yaml`) that reach nothing."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.flight as flight
import pytest
import yaml

from pitwall.errors import StoreError
from pitwall.stores.offline import sealed_sql
from pitwall.stores.offline.entity_sql import rows_of

ATTACKS: list[str] = yaml.safe_load((Path(__file__).parent / "attacks.yaml").read_text())
MEMORY = 200_000_000
SOURCE = Path(sealed_sql.__file__).parents[2]


class World:
    """A folder with a secret, and a server that counts its connections."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "secret.csv").write_text("word\nhunter2\n")
        self._server = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def sql(self, attack: str) -> str:
        port = str(self._server.getsockname()[1])
        return attack.replace("FOLDER", str(self.folder)).replace("PORT", port)

    def is_untouched(self) -> bool:
        files = {path.name: path.read_text() for path in self.folder.iterdir()}
        return files == {"secret.csv": "word\nhunter2\n"} and self.connections == 0

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "world"
    folder.mkdir()
    made = World(folder)
    yield made
    made.close()


def test_the_rows_of_sql_have_their_types() -> None:
    rows = rows_of(
        "SELECT 'car' || i AS car, i AS lap, "
        "TIMESTAMPTZ '2026-01-01 10:00:00+02' + i * INTERVAL 1 SECOND AS event_timestamp "
        "FROM range(2) AS r(i)",
        "200MB",
    )
    assert rows.to_pylist() == [
        {"car": "car0", "lap": 0, "event_timestamp": datetime(2026, 1, 1, 8, tzinfo=UTC)},
        {"car": "car1", "lap": 1, "event_timestamp": datetime(2026, 1, 1, 8, 0, 1, tzinfo=UTC)},
    ]
    assert rows.schema.field("event_timestamp").type == pa.timestamp("us", "UTC")


def test_every_attack_is_refused(world: World, tmp_path: Path) -> None:
    secret_table = duckdb.sql("SELECT 'hunter2' AS word")
    assert secret_table is not None
    ran = []
    for attack in ATTACKS:
        folder = tmp_path / "spill"
        folder.mkdir(exist_ok=True)
        with sealed_sql.connect(MEMORY, str(folder)) as connection:
            sink = pa.BufferOutputStream()
            try:
                sealed_sql.write_rows(connection, world.sql(attack), MEMORY, sink)
            except (StoreError, duckdb.Error) as error:
                assert "hunter2" not in str(error), attack
            else:
                ran.append(attack)
        assert world.is_untouched(), attack
    assert ran == []


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT * FROM read_csv('FOLDER/secret.csv')", "disabled by configuration"),
        ("COPY (SELECT 1 AS a) TO 'FOLDER/new.csv'", "is COPY; give one SELECT"),
        ("SELECT 1; SELECT 2", "is SELECT, SELECT; give one SELECT"),
        ("", "is no statement; give one SELECT"),
        ("SELEC", "syntax error"),
        ("SELECT * FROM range(1000000000000)", "take over 50,000,000 bytes"),
        ("SELECT list(range) FROM range(100000000)", "Out of Memory"),
        ("SELECT repeat('a', 4000000000) FROM range(2048)", "Out of Memory|more memory"),
    ],
)
def test_a_refusal_has_its_reason(world: World, sql: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason):
        rows_of(world.sql(sql), "50MB")
    assert world.is_untouched()


def test_endless_sql_ends_at_its_time() -> None:
    begin = time.monotonic()
    with pytest.raises(StoreError, match="took over 3 s"):
        rows_of("SELECT count(*) FROM range(1000000000) a, range(1000000000) b", "50MB", 3.0)
    assert time.monotonic() - begin < 20


def test_sql_sees_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITWALL_SECRET_TOKEN", "hunter2")
    for sql in ("SELECT * FROM duckdb_settings()", "SELECT getvariable('HOME') AS home"):
        assert "hunter2" not in str(rows_of(sql, "50MB").to_pylist())


def test_a_wrong_memory_limit_is_named() -> None:
    with pytest.raises(StoreError, match="memory_limit is 'much'; give a number of bytes"):
        rows_of("SELECT 1", "much")


def test_no_other_module_runs_sql_of_users() -> None:
    """Polars' SQL reads files, and nothing turns that off: no module may use it."""
    for path in SOURCE.rglob("*.py"):
        assert not re.search(r"SQLContext|\b(pl|polars)\.sql\(", path.read_text()), path


def test_the_same_through_serve_offline(world: World, tmp_path: Path) -> None:
    """Feast's server of offline stores passes SQL on; the client gets the refusal."""
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.offline_server import OfflineServer
    from feast.types import Float64, String

    store = FeatureStore(
        config=RepoConfig(
            project="attacked",
            provider="local",
            registry=str(tmp_path / "registry.db"),
            online_store={"type": "sqlite", "path": str(tmp_path / "online.db")},
            offline_store={"type": "pitwall.stores.offline.store.ParquetOfflineStore"},
            entity_key_serialization_version=3,
        )
    )
    car = Entity(name="car", join_keys=["car"], value_type=ValueType.STRING)
    source = FileSource(name="laps", path=str(tmp_path / "laps"), timestamp_field="event_timestamp")
    fields = [Field(name="car", dtype=String), Field(name="speed", dtype=Float64)]
    store.apply([car, FeatureView(name="laps", entities=[car], schema=fields, source=source)])
    times = pa.array([datetime(2026, 1, 1, 10, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    store.write_to_offline_store(
        "laps",
        pa.table({"car": ["a"], "speed": [41.5], "event_timestamp": times}).to_pandas(),
    )
    server = OfflineServer(store, location="grpc+tcp://127.0.0.1:0")
    client = store_of(tmp_path, server.port)
    try:
        good = "SELECT 'a' AS car, TIMESTAMPTZ '2026-01-01 10:00:01+00' AS event_timestamp"
        joined = client.get_historical_features(good, ["laps:speed"]).to_df()
        assert joined["speed"].tolist() == [41.5]
        for attack in (
            "SELECT word AS car, now() AS event_timestamp FROM read_csv('FOLDER/secret.csv')",
            "COPY (SELECT 1 AS a) TO 'FOLDER/new.csv'",
            "ATTACH 'FOLDER/new.db'",
            "INSTALL httpfs",
            "SET lock_configuration = false",
        ):
            with pytest.raises((flight.FlightError, StoreError), match="the entity rows' SQL"):
                client.get_historical_features(world.sql(attack), ["laps:speed"]).to_df()
            assert world.is_untouched(), attack
    finally:
        server.shutdown()


def store_of(folder: Path, port: int) -> object:
    """A store whose offline store is the server at `port`."""
    from feast import FeatureStore, RepoConfig

    return FeatureStore(
        config=RepoConfig(
            project="attacked",
            provider="local",
            registry=str(folder / "registry.db"),
            online_store={"type": "sqlite", "path": str(folder / "online.db")},
            offline_store={
                "type": "remote",
                "host": "127.0.0.1",
                "port": port,
                "connection_retries": 0,
            },
            entity_key_serialization_version=3,
        )
    )
