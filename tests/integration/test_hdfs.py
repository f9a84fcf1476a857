"""The offline store on HDFS: written by the job, joined, compacted, and there again after HDFS was away."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pitwall.car.replay import produce
from pitwall.errors import UsageError
from pitwall.flink.cluster import write_configuration
from pitwall.flink.control import settle
from pitwall.local.stack import Stack
from pitwall.machine import processes as process
from pitwall.machine.sandbox import sandbox
from pitwall.recordings import files as recordings
from pitwall.settings import Settings

pytestmark = pytest.mark.integration


def speeds(settings: Settings, session: str, times: pd.DatetimeIndex) -> list[float]:
    from pitwall.stores.repository import feature_store

    entities = pd.DataFrame(
        {"vehicle": "PERRINN 424", "session": session, "event_timestamp": times}
    )
    return list(
        feature_store(settings)
        .get_historical_features(entities, ["car_state:speed"])
        .to_df()["speed"]
    )


def test_the_offline_store_lies_on_hdfs(laps_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pitwall.stores.offline.columns import SESSION_COLUMNS
    from pitwall.stores.offline.compact import compact
    from pitwall.stores.offline.files import recorded
    from pitwall.stores.repository import apply

    with sandbox(checkpoint_interval_s="1") as first:
        monkeypatch.setenv("PITWALL_OFFLINE_URL", f"hdfs://{first.host}:{first.hdfs_port}/offline")
        settings = Settings()
        lap = recordings.read(sorted(laps_dir.glob("*.parquet"))[0])
        with Stack(settings) as stack:
            stack.start(["kafka", "cassandra", "datanode"])
            apply(settings)
            stack.start(["flink"])
            produce(settings, [lap], speed=None)
            there = recorded(settings, "car_state")
            limit = time.monotonic() + 60
            while not there.files():
                assert time.monotonic() < limit, (settings.log_dir / "flink.log").read_text()[
                    -1500:
                ]
                settle(settings, "features")
            time.sleep(1)
            settle(settings, "features")

            start = pd.Timestamp(lap.session[:15].replace("-", "T"), tz="UTC")
            at = np.arange(100, len(lap.times_s), 500)
            times = pd.DatetimeIndex(
                start + pd.to_timedelta(np.round(lap.times_s[at] * 1e6), unit="us")
            )
            expected = lap.values[at, lap.names.index("Speed")].tolist()
            assert speeds(settings, lap.session, times) == expected

            before = len(there.files())
            assert [each.files_after for each in compact(there, SESSION_COLUMNS, settled_s=0)] == [
                1
            ] and before >= 1
            assert speeds(settings, lap.session, times) == expected

            servers = [process.find(settings.run_dir, name) for name in ("datanode", "namenode")]
            process.end([each.pid for each in servers if each is not None])
            stack.start(["datanode"])
            assert speeds(settings, lap.session, times) == expected
    with pytest.raises(UsageError, match="two versions of Hadoop"):
        write_configuration(settings.model_copy(update={"checkpoint_url": "s3://flink/job"}))
