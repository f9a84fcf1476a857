"""A new model beside the champion, on laps that are new to both."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pitwall.settings import Settings
from pitwall.training import duel as module
from pitwall.training.dataset import labelled
from pitwall.training.duel import duel
from pitwall.training.tasks import task


@pytest.mark.parametrize("ahead", [0, 2])
def test_rows_without_a_label_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """The last rows of a lap have no label ahead. A second `demo` ended there: the entity rows are
    more than the rows of the data.
    """
    chosen = task(Settings(), "next_km")
    laps = [f"car/s{number}/1" for number in range(4)]
    rows = pd.DataFrame(
        {
            "lap": np.repeat(laps, 5),
            "session": np.repeat([f"s{number}" for number in range(4)], 5),
            "vehicle": "car",
            "cluster": np.repeat(laps, 5),
            "length_m": 5000.0,
            "truth": np.where(np.tile(np.arange(5), 4) < 5 - ahead, 30.0, np.nan),
        }
    )
    joined = rows.assign(lap_distance=np.tile(np.arange(5) * 900.0, 4), x=1.0)
    data = labelled(chosen, joined, ["x"], rows)
    assert len(data.y) == 4 * (5 - ahead)
    rows[rows["lap"].isin(laps[:2])].to_parquet(tmp_path / "entity_rows.parquet")
    champion = SimpleNamespace(run_id="r", version="3", tags={"kind": "candidate"})
    theirs = SimpleNamespace(predict_rows=lambda values: np.full(len(values), 34.0))
    loaded = SimpleNamespace(inputs=("x",), rows=theirs)
    monkeypatch.setattr(module, "by_alias", lambda *names: champion)
    monkeypatch.setattr(module, "artifact", lambda registry, run, name: tmp_path / name)
    monkeypatch.setattr(module, "load", lambda registry, version: loaded)
    evaluation: Any = SimpleNamespace(left_out={"candidate": np.full(len(data.y), 31.0)})
    met = duel(None, chosen, data, evaluation, "candidate")
    assert (met["version"], met["laps"]) == (3, 2)
    assert met["gain"] == pytest.approx(3.0)
