"""Feast's servers with roles: who may call what, and wrong input that is never a 500."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.flight as flight
import pytest
from oidc_issuer import OidcIssuer, oidc_issuer

from pitwall.errors import StoreError
from pitwall.machine.roles import RULES, SECRETS, Role
from pitwall.serving.feature_server import create_app
from pitwall.serving.offline_server import offline_server
from pitwall.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore")
ROW = {
    "vehicle": ["a"],
    "session": ["s"],
    "speed": [41.5],
    "event_timestamp": ["2026-01-01T10:00:00Z"],
}
ASK = {"features": ["laps:speed"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with oidc_issuer() as running:
        yield running


@pytest.fixture(scope="module")
def settings(folder: Path, issuer: OidcIssuer) -> Settings:
    return Settings(home=folder / "home", oidc=issuer.file(folder), max_body_bytes=100_000)


def config(folder: Path, offline: dict[str, Any], auth: dict[str, Any]) -> Any:
    from feast import RepoConfig

    return RepoConfig(
        project="served",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        offline_store=offline,
        auth=auth,
        entity_key_serialization_version=3,
    )


@pytest.fixture(scope="module")
def store(folder: Path) -> Any:
    from feast import (
        Entity,
        FeatureStore,
        FeatureView,
        Field,
        FileSource,
        PushSource,
        ValueType,
    )
    from feast.types import Float64, String

    ours = {"type": "pitwall.stores.offline.store.ParquetOfflineStore"}
    made = FeatureStore(config=config(folder, ours, {"type": "no_auth"}))
    entities = [
        Entity(name=name, join_keys=[name], value_type=ValueType.STRING)
        for name in ("vehicle", "session")
    ]
    source = FileSource(
        name="laps_file", path=str(folder / "laps"), timestamp_field="event_timestamp"
    )
    types = {"vehicle": String, "session": String, "speed": Float64}
    view = FeatureView(
        name="laps",
        entities=entities,
        schema=[Field(name=name, dtype=dtype) for name, dtype in types.items()],
        source=PushSource(name="laps_push", batch_source=source),
    )
    made.apply([*entities, view])
    times = pa.array([datetime(2026, 1, 1, 10, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    rows = pa.table({"vehicle": ["a"], "session": ["s"], "speed": [41.5], "event_timestamp": times})
    made.write_to_offline_store("laps", rows.to_pandas())
    return made


@pytest.fixture(scope="module")
def client(settings: Settings, store: Any) -> Client:
    return Client(create_app(settings, store))


class Client:
    """Asks an ASGI application in this process. An exception that leaves it is a 500."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)


def token(settings: Settings, role: Role) -> dict[str, str]:
    secret = settings.secret(SECRETS[role]).get_secret_value() if role else "wrong"
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("issued", [False, True])
def test_every_route_asks_for_its_role(
    settings: Settings, client: Client, issuer: OidcIssuer, issued: bool
) -> None:
    for rule in RULES:
        if rule.server != "features":
            continue
        for role in Role:
            headers = token(settings, role)
            if issued:
                headers = {"Authorization": f"Bearer {issuer.token(role)}"}
            answer = client.request(rule.method, rule.path, headers=headers)
            if role >= rule.role:
                assert answer.status_code not in (401, 403, 404, 500), (rule, role, answer.text)
            else:
                assert answer.status_code == (401 if role == Role.ANYONE else 403), (rule, role)
        assert client.request(rule.method, rule.path).status_code == (
            401 if rule.role > Role.ANYONE else 200
        )


def test_what_feast_serves_besides_is_closed(settings: Settings, store: Any) -> None:
    """Its pages of documentation, which load from elsewhere, its chat, and what comes next."""
    from feast.feature_server import get_app

    named = {rule.path for rule in RULES if rule.server == "features"}
    client = Client(create_app(settings, store))
    others = {str(getattr(route, "path", "")) for route in get_app(store).routes} - named
    assert {"/docs", "/redoc", "/chat"} <= others
    admin = token(settings, Role.ADMIN)
    for path in others:
        assert client.request("GET", path).status_code == 401
        assert client.request("GET", path, headers=admin).status_code == 404, path


def values(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    names = body["metadata"]["feature_names"]
    return list(body["results"][names.index("speed")]["values"])


def test_a_missing_session_is_a_null_row(settings: Settings, client: Client) -> None:
    engineer = token(settings, Role.ENGINEER)
    body = {"push_source_name": "laps_push", "df": ROW, "to": "online"}
    assert client.post("/push", json=body, headers=engineer).status_code == 200

    def ask(**entities: Any) -> list[Any]:
        body = {**ASK, "entities": entities}
        return values(client.post("/get-online-features", json=body, headers=engineer))

    assert ask(vehicle=["a"], session=["s"]) == [41.5]
    assert ask(vehicle=["a", "a", "b"], session=["s", "none", "s"]) == [41.5, None, None]
    assert ask(vehicle=["a", "a"], session=["s", ""]) == [41.5, None]
    assert ask(vehicle=["a"]) == [None]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/get-online-features", {**ASK, "entities": {"vehicle": ["a", "b"], "session": ["s"]}}),
        ("/get-online-features", {**ASK, "entities": {"vehicle": ["a"], "session": [[1]]}}),
        ("/get-online-features", {**ASK, "entities": {"vehicle": ["a"], "session": [{"a": 1}]}}),
        ("/get-online-features", {**ASK, "entities": {}}),
        ("/get-online-features", {**ASK, "entities": {"vehicle": [], "session": []}}),
        ("/get-online-features", {"features": ["laps:no"], "entities": {"vehicle": ["a"]}}),
        ("/get-online-features", {"features": ["no"], "entities": {"vehicle": ["a"]}}),
        ("/get-online-features", {"features": [], "entities": {"vehicle": ["a"]}}),
        ("/get-online-features", {"feature_service": "no", "entities": {"vehicle": ["a"]}}),
        ("/get-online-features", {}),
        ("/push", {"push_source_name": "none", "df": ROW}),
        ("/push", {"push_source_name": "laps_push", "df": {**ROW, "speed": ["fast"]}}),
        ("/push", {"push_source_name": "laps_push", "df": {**ROW, "speed": [1, 2]}}),
        ("/push", {"push_source_name": "laps_push", "df": {"speed": [1]}}),
        ("/push", {"push_source_name": "laps_push", "df": ROW, "to": "nowhere"}),
        ("/push", {"push_source_name": "laps_push", "df": {**ROW, "event_timestamp": ["now?"]}}),
        ("/write-to-online-store", {"feature_view_name": "none", "df": ROW}),
        ("/materialize", {"start_ts": "x", "end_ts": "y"}),
        ("/materialize-incremental", {"end_ts": "x"}),
    ],
)
def test_wrong_input_is_the_callers_fault(
    settings: Settings, client: Client, path: str, body: dict[str, Any]
) -> None:
    answer = client.post(path, json=body, headers=token(settings, Role.ADMIN))
    assert answer.status_code in (404, 422), answer.text
    assert answer.json()["detail"]


def test_a_store_that_does_not_answer_is_a_503(
    settings: Settings, client: Client, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise StoreError("reading view 'laps' from Cassandra failed")

    monkeypatch.setattr(type(store), "get_online_features", away)
    body = {**ASK, "entities": {"vehicle": ["a"], "session": ["s"]}}
    answer = client.post("/get-online-features", json=body, headers=token(settings, Role.VIEWER))
    assert (answer.status_code, answer.json()["detail"]) == (
        503,
        "reading view 'laps' from Cassandra failed",
    )


def test_a_body_has_limits(settings: Settings, client: Client) -> None:
    headers = {**token(settings, Role.VIEWER), "Content-Type": "application/json"}
    long = client.post("/get-online-features", content=b"[" * 100_001, headers=headers)
    deep = client.post("/get-online-features", content=b"[" * 99_999, headers=headers)
    nested = json.dumps({**ASK, "entities": {"vehicle": []}}).replace("[]", "[" * 900 + "]" * 900)
    inside = client.post("/get-online-features", content=nested, headers=headers)
    assert (long.status_code, deep.status_code) == (413, 400), deep.text[:200]
    assert inside.status_code == 422, inside.text[:200]


def test_the_offline_store_asks_for_roles(
    settings: Settings, store: Any, folder: Path, issuer: OidcIssuer
) -> None:
    from feast import FeatureStore

    server = offline_server(settings, store, 0)
    entities = pa.table({"vehicle": ["a"], "session": ["s"]}).to_pandas()
    entities["event_timestamp"] = datetime(2026, 1, 1, 10, 0, 1, tzinfo=UTC)

    def ask(role: Role | None, by: OidcIssuer | None = None) -> list[Any]:
        auth = {"type": "no_auth"}
        if role is not None:
            ours = token(settings, role)["Authorization"][7:]
            auth = {"type": "oidc", "token": by.token(role) if by else ours}
        remote = {
            "type": "remote",
            "host": settings.host,
            "port": server.port,
            "connection_retries": 0,
        }
        reading = FeatureStore(config=config(folder, remote, auth))
        joined = reading.get_historical_features(entities, ["laps:speed"])
        return list(joined.to_df()["speed"])

    def call(role: Role, api: str, **more: Any) -> None:
        with flight.connect(f"grpc://{settings.host}:{server.port}") as client:
            header = token(settings, role)["Authorization"].encode()
            options = flight.FlightCallOptions(headers=[(b"authorization", header)])
            descriptor = flight.FlightDescriptor.for_command(json.dumps({"api": api, **more}))
            writer, reader = client.do_exchange(descriptor, options)
            with writer:
                writer.begin(pa.schema([]))
                writer.done_writing()
                reader.read_all()

    try:
        assert ask(Role.ENGINEER) == ask(Role.ADMIN) == [41.5]
        assert ask(Role.ENGINEER, issuer) == [41.5]
        with pytest.raises(Exception, match="your token has the role viewer"):
            ask(Role.VIEWER, issuer)
        for role in (None, Role.ANYONE):
            with pytest.raises(Exception, match="Bearer <token>"):
                ask(role)
        with pytest.raises(Exception, match="needs the role engineer, your token has the role v"):
            ask(Role.VIEWER)
        for rule in RULES:
            if rule.server == "offline":
                for role in (Role.VIEWER, Role.ENGINEER, Role.ADMIN):
                    refused = pytest.raises(Exception, match="your token has the role")
                    if role < rule.role:
                        with refused:
                            call(role, rule.path)
                    else:
                        with pytest.raises(Exception) as error:  # it lacks its arguments
                            call(role, rule.path)
                        assert "your token has the role" not in str(error.value)
        with pytest.raises(flight.FlightUnauthorizedError, match="needs the role admin"):
            call(Role.ENGINEER, "new_api")
    finally:
        server.shutdown()


def test_what_a_client_sends_to_the_offline_store_has_limits(
    settings: Settings, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pitwall.serving.offline_server.MOST_SENT", 1 << 20)
    monkeypatch.setattr("pitwall.serving.offline_server.MOST_KEPT", 2 << 20)
    server = offline_server(settings, store, 0)
    header = token(settings, Role.ENGINEER)["Authorization"].encode()
    options = flight.FlightCallOptions(headers=[(b"authorization", header)])

    def put(number: int, size: int) -> None:
        command = json.dumps({"api": "get_historical_features", "command_id": number})
        descriptor = flight.FlightDescriptor.for_command(command)
        writer, _ = client.do_put(descriptor, pa.schema([("event", pa.int64())]), options)
        with writer:
            for _ in range(size // 8000):
                writer.write_table(pa.table({"event": [0] * 1000}))

    try:
        with flight.connect(f"grpc://{settings.host}:{server.port}") as client:
            for number in range(5):
                put(number, 900_000)
            assert sum(table.nbytes for table in server.flights.values()) <= 2 << 20
            assert len(server.flights) == 2
            with pytest.raises(flight.FlightError, match="more than 1 MiB were sent in one call"):
                put(5, 1_200_000)
            assert len(server.flights) == 2
    finally:
        server.shutdown()


def test_a_repository_that_was_not_applied_is_said(tmp_path: Path) -> None:
    import shutil

    from paths import ROOT

    from pitwall.stores.repository import applied_store

    shutil.copytree(ROOT / "feature_repo", tmp_path / "feature_repo")
    with pytest.raises(StoreError, match=r"registry .* cannot be read .*: \./pitwall up"):
        applied_store(Settings(repository=tmp_path))


def test_every_call_of_feasts_server_is_in_the_table() -> None:
    import inspect
    import re

    from feast.offline_server import OfflineServer

    source = inspect.getsource(OfflineServer)
    called = set(re.findall(r"OfflineServer\.(\w+)\.__name__", source))
    assert called == {rule.path for rule in RULES if rule.server == "offline"}
