"""Names and texts in CQL: no two views share a table, and no text ends its quotes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitwall.errors import StoreError
from pitwall.settings import Settings
from pitwall.stores.cassandra import prepare
from pitwall.stores.cassandra.options import Connection
from pitwall.stores.names import cql_map, cql_name, cql_text, online_table

WORDS = st.text(alphabet="ab_1-", min_size=1, max_size=6)


def test_a_table_is_named_by_project_and_view() -> None:
    assert online_table("pitwall", "car_state") == "pitwall_car_state"
    assert online_table("a", "b_c") == "a_b_c"
    assert online_table("a_b", "c") == "3_a_b_c"
    assert online_table("3", "a_b_c") == "1_3_a_b_c"
    assert online_table("my-team", "lap-times") == "my_team_lap_times__b40032cbc242"
    assert len(online_table("a" * 40, "b" * 40)) == 48


@given(WORDS, WORDS, WORDS, WORDS)
def test_no_two_views_share_a_table(
    project: str, view: str, other_project: str, other_view: str
) -> None:
    same = online_table(project, view) == online_table(other_project, other_view)
    assert same == ((project, view) == (other_project, other_view))


def test_quotes_stay_inside() -> None:
    assert cql_text("it's'; DROP TABLE t; --") == "'it''s''; DROP TABLE t; --'"
    assert cql_name('a" text; DROP TABLE t; --') == '"a"" text; DROP TABLE t; --"'
    assert cql_map({"class": "X'", "dc'1": 3}) == "{'class': 'X''', 'dc''1': '3'}"


class Recorder:
    """A Cassandra session that notes what it is asked and answers with `rows`."""

    def __init__(self, rows: list[Any] | None = None) -> None:
        self.statements: list[str] = []
        self._rows = rows or []

    def execute(self, statement: str, values: object = None, timeout: float = 0) -> Any:
        self.statements.append(statement)
        return _Rows(self._rows.pop(0) if self._rows else [])


class _Rows(list[Any]):
    def one(self) -> Any:
        return self[0] if self else None


def test_a_quote_in_a_secret_is_no_cql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITWALL_SECRET_CASSANDRA_JOB", "x' AND SUPERUSER = true AND y = '")
    session = Recorder()
    prepare._create_role(session, Settings(), "pitwall", "job", "MODIFY")
    assert session.statements == [
        'CREATE ROLE IF NOT EXISTS "pitwall_job" WITH PASSWORD = '
        "'x'' AND SUPERUSER = true AND y = ''' AND LOGIN = true",
        'GRANT MODIFY ON KEYSPACE pitwall TO "pitwall_job"',
    ]


def test_a_keyspace_is_a_plain_name() -> None:
    for wrong in ("a; DROP TABLE t", "A", 'a"', ""):
        with pytest.raises(ValueError, match="keyspace"):
            Settings(keyspace=wrong)
        with pytest.raises(ValueError, match="keyspace"):
            Connection(keyspace=wrong)


def test_the_table_of_another_view_is_not_taken() -> None:
    """Under the rule before, `a_b` and `c` had the table that `a` and `b_c` have."""
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.types import Float64, String

    from pitwall.stores.online.comment import view_comment
    from pitwall.stores.online.tables import changes

    view = FeatureView(
        name="b_c",
        entities=[Entity(name="car", value_type=ValueType.STRING)],
        schema=[Field(name="car", dtype=String), Field(name="speed", dtype=Float64)],
        source=FileSource(name="s", path="p", timestamp_field="t"),
    )
    old = json.dumps(view_comment("a_b", "c", timedelta(seconds=1)))
    with pytest.raises(StoreError, match="holds view 'c' of project 'a_b', not view 'b_c'"):
        changes(Recorder([[(old,)]]), "pitwall", "a", {view.name: view})
    created = changes(Recorder(), "pitwall", "a", {view.name: view})
    assert created[0].cql.startswith('CREATE TABLE IF NOT EXISTS pitwall."a_b_c" (')


def test_a_quote_in_a_features_name_stays_in_the_name() -> None:
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.types import Float64, String

    from pitwall.stores.online.tables import changes

    view = FeatureView(
        name="laps",
        entities=[Entity(name="car", value_type=ValueType.STRING)],
        schema=[
            Field(name="car", dtype=String),
            Field(name='x" double); DROP TABLE t; --', dtype=Float64),
        ],
        source=FileSource(name="s", path="p", timestamp_field="t"),
    )
    (created,) = changes(Recorder(), "pitwall", "a", {view.name: view})
    assert '"x"" double); DROP TABLE t; --" double' in created.cql
