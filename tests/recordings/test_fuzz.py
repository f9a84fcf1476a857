"""Damaged copies of a sample of each format, through the whole way to a session.

`tests/support/fuzz_readers.py` reads 20,000 of each by hand; here are a few.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz_readers import run
from fuzz_samples import Sample, samples_of
from paths import SHARED

COPIES = 5
SAMPLES = [samples[0] for samples in samples_of(SHARED, []).values()]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.reader)
def test_damaged_copies_become_a_session_or_one_line(
    sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = run(sample, COPIES, 22, tmp_path / "kept")
    assert ends == {"kept": COPIES}, capsys.readouterr().out
