"""Damaged copies of a sample of each format, through the whole way to a session.

`tests/support/fuzz_readers.py` reads 20,000 of each by hand; here are a few.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fuzz_readers
from fuzz_samples import samples_of
from paths import SHARED

COPIES = 5


def test_damaged_copies_become_a_session_or_one_line(tmp_path: Path) -> None:
    # A process of its own: the script forks, which the threads of libraries do not survive.
    done = subprocess.run(
        [sys.executable, fuzz_readers.__file__, "--count", str(COPIES), "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    read = {line.split(":")[0]: line.split(": ", 1)[1] for line in done.stdout.splitlines()}
    samples = samples_of(SHARED, [])
    assert read.keys() == samples.keys()
    for reader, line in read.items():
        copies = -(-COPIES // len(samples[reader])) * len(samples[reader])
        assert line.startswith(f"{{'kept': {copies}}} in "), line
