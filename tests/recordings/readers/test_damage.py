"""Damaged and arbitrary text files: a recording or one clear line, and nothing else."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest
from fuzz_readers import text_damage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paths import SHARED

from pitwall.errors import LapFileError
from pitwall.recordings.files import HEAD_BYTES, READERS
from pitwall.recordings.readers import delimited
from pitwall.recordings.recording import Options, Recording

SAMPLES = sorted(
    path
    for path in (SHARED / "data" / "formats").iterdir()
    if path.suffix in {".csv", ".vbo", ".log"}
)
HEAD = 3500
"""Bytes of each sample that are damaged: its header and some rows."""
MUTATIONS = 12
"""Of each sample in one run of the suite. About 6,000 of all of them were run by hand."""


def read(path: Path, options: Options) -> list[Recording]:
    head = path.read_bytes()[:HEAD_BYTES]
    reader = next((reader for reader in READERS if reader.recognises(path, head)), delimited)
    return list(reader.read(path, options))


def check(path: Path, options: Options) -> None:
    """The file is read with finite times and numbers, or refused in one line."""
    try:
        recordings = read(path, options)
    except LapFileError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
        return
    for recording in recordings:
        assert np.isfinite(recording.beacons_s).all()
        for column in recording.columns:
            assert column.times_s.shape == column.values.shape
            assert np.isfinite(column.times_s).all()
            assert not np.isinf(column.values).any()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_damage_of_a_sample(sample: Path, tmp_path: Path) -> None:
    chance = random.Random(sample.name)
    data = sample.read_bytes()[:HEAD]
    path = tmp_path / sample.name
    for _ in range(MUTATIONS):
        path.write_bytes(text_damage(data, chance))
        rate = chance.choice((None, 60.0))
        check(path, Options(rate_hz=rate, day_first=chance.choice((None, True))))


CELLS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.integers().map(str),
    st.text(alphabet="-:./,;\t\"' |#%TZaekmMNPs0159°λ\n\r", max_size=12),
    st.sampled_from(["", "NaN", "True", "14:05:06.5", "2024-03-04", "12 km/h", "1,100", "0 days"]),
)


MONSTERS = {
    "columns": "a," * 300_000 + "\n" + ("1," * 300_000 + "\n") * 2,
    "digits": "Time,Speed\n0," + "1" * 100_000 + "\n0.1,2\n0.2,3\n",
    "brackets": "Time," + "(" * 500_000 + "\n0,1\n0.1,2\n",
    "quotes": "Time,Speed\n" + '"' * 500_001 + "\n0,1\n0.1,2\n",
    "powers": "Time,Speed\n²,³\n²,³\n0.1,2\n",
    "delimiters": "," * 1_000_000,
    "one column": "1\n" * 200_000,
    "comments": "#\n" * 200_000 + "Time,Speed\n0,1\n0.1,2\n",
    "days": "Time,Speed\n999999999 days 00:00:01,1\n9999999999 days 00:00:01,1\n",
    "lines": "Time,Speed\n" + "0,1\n0,1,2\n" * 50_000,
}


@pytest.mark.parametrize("name", MONSTERS)
def test_monsters_take_no_time(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(MONSTERS[name], encoding="utf-8")
    begin = time.process_time()
    check(path, Options(rate_hz=10))
    assert time.process_time() - begin < 10


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=12),
    mark=st.sampled_from(",;\t| "),
)
def test_any_text(
    rows: list[list[str]], mark: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text("\n".join(mark.join(row) for row in rows), encoding="utf-8", newline="")
    check(path, Options(rate_hz=10))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    values=st.lists(
        st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=3, max_size=30
    ),
    mark=st.sampled_from(",;\t|"),
    decimal=st.sampled_from(".,"),
    quoted=st.booleans(),
    unit=st.sampled_from(["", "row", "name"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_spelling_gives_the_numbers(
    values: list[float],
    mark: str,
    decimal: str,
    quoted: bool,
    unit: str,
    encoding: str,
    end: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    quoted = quoted or (mark == "," == decimal)
    name = "Temp (°C)" if unit == "name" else "Temp"
    table = [["Time", name], *([["s", "°C"]] if unit == "row" else [])]
    table += [[f"{row * 0.05:.2f}", f"{value:.3f}"] for row, value in enumerate(values)]
    first = len(table) - len(values)
    for row in table[first:]:
        row[:] = [cell.replace(".", decimal) for cell in row]
    quote = '"' if quoted else ""
    lines = [mark.join(f"{quote}{cell}{quote}" for cell in row) for row in table]
    path = tmp_path_factory.getbasetemp() / "spelling.csv"
    path.write_bytes((end.join(lines) + end).encode(encoding))
    (recording,) = delimited.read(path, Options())
    _, temperature = recording.columns
    assert temperature.values.tolist() == pytest.approx(values)
    assert temperature.times_s.tolist() == pytest.approx([row * 0.05 for row in range(len(values))])
    assert (temperature.name, temperature.unit) == ("Temp", "°C" if unit else "")
