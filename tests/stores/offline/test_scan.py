"""Runs of equal keys, and columns that are read one after the other, give what the whole gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitwall.stores.offline import scan
from pitwall.stores.offline.files import place
from pitwall.stores.offline.keys import keys_of
from pitwall.stores.offline.scan import Scan

RUNS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(1, 40)), max_size=12
)


@settings(deadline=None)
@given(runs=RUNS, known=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xz"))))
def test_runs_of_keys_are_numbered_as_single_rows_are(
    runs: list[tuple[str, str, int]], known: list[tuple[str, str]]
) -> None:
    keys = keys_of(
        {
            "car": pa.array([car for car, _ in known], pa.string()),
            "lap": pa.array([lap for _, lap in known], pa.string()),
        }
    )
    cars = pa.array([car for car, _, count in runs for _ in range(count)], pa.string())
    laps = pa.array([lap for _, lap, count in runs for _ in range(count)], pa.string())
    numbers = keys.numbers([cars.dictionary_encode(), laps.dictionary_encode()])
    assert numbers.dtype == np.int32
    assert numbers.tolist() == keys.numbers([cars, laps]).tolist()
    entities = sorted(set(known))
    pairs = zip(cars.to_pylist(), laps.to_pylist(), strict=True)
    assert numbers.tolist() == [entities.index(pair) if pair in entities else -1 for pair in pairs]


@pytest.mark.parametrize("values", [1, 50, 10**6])
def test_columns_are_gathered_in_blocks_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: int
) -> None:
    monkeypatch.setattr(scan, "BLOCK_VALUES", values)
    whole = pa.table(
        {
            "number": pa.array(range(40), pa.int64()),
            "text": pa.array([None if n % 7 == 0 else f"text {n}" for n in range(40)]),
            "list": pa.array([[float(n)] * (n % 3) for n in range(40)]),
        }
    )
    pq.write_table(whole.slice(0, 25), tmp_path / "a.parquet", row_group_size=10)
    pq.write_table(whole.slice(25).drop_columns(["text"]), tmp_path / "b.parquet")
    rows = np.array([39, 0, -1, 24, 7, 7, 25, 10])
    answer = Scan(place(str(tmp_path))).gather(rows, dict.fromkeys(whole.column_names))
    asked = [row if row >= 0 else None for row in rows.tolist()]
    expected = whole.take(pa.array(asked, pa.int64())).to_pydict()
    expected["text"] = [
        None if row is None or row >= 25 else text
        for row, text in zip(asked, expected["text"], strict=True)
    ]
    assert answer.to_pydict() == expected
