"""HBase as Feast's online store: written and read by the store that Feast ships."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from pitwall.features import load
from pitwall.local.stack import Stack
from pitwall.machine import processes as process
from pitwall.machine.sandbox import sandbox
from pitwall.stores.repository import apply, feature_store

pytest.importorskip("happybase", reason="happybase is not installed; docs/how-to/hbase.md says how")
pytestmark = pytest.mark.integration


def test_feasts_hbase_store_keeps_a_row_over_a_restart() -> None:
    with sandbox() as settings, Stack(settings) as stack:
        path = settings.feature_repo / "feature_store.yaml"
        ours = "type: pitwall.stores.online.store.CassandraOnlineStore"
        assert ours in path.read_text()
        path.write_text(
            path.read_text().replace(
                ours,
                f'type: hbase\n  host: {settings.host}\n  port: "{settings.hbase_thrift_port}"',
            )
        )
        stack.start(["hbase-thrift"])
        apply(settings)
        store = feature_store(settings)
        names = load(settings.feature_repo)[-1].names
        now = datetime.now(UTC)
        key = {"vehicle": "PERRINN 424", "session": "20260101-000000-hbase"}
        values = {name: i + 0.1 for i, name in enumerate(names)}
        store.write_to_online_store(
            "car_state",
            pd.DataFrame([{**key, "event_timestamp": now, "created_timestamp": now, **values}]),
        )
        # One it does not know would be an error: Feast's store gives fewer rows than it was asked
        # for.
        asked = ["car_state:speed", "car_state:lap_number"]
        expected = {"speed": [values["speed"]], "lap_number": [values["lap_number"]]}
        found = store.get_online_features(asked, [key]).to_dict()
        assert {name: found[name] for name in expected} == expected

        servers = [process.find(settings.run_dir, name) for name in ("hbase-thrift", "hbase")]
        process.end([each.pid for each in servers if each is not None])
        stack.start(["hbase-thrift"])
        found = feature_store(settings).get_online_features(asked, [key]).to_dict()
        assert found["speed"] == [values["speed"]]
