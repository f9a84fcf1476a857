"""Reads damaged copies of samples, so many of each reader, and says which break a promise.

A damaged file becomes sessions, or one line of error, within limits of time and memory. Run by
hand, one reader after the other:

    .venv/bin/python tests/support/fuzz_readers.py --count 20000 motec-ld racechrono-csv

A copy that breaks the promise is kept in `--keep`, and its name and fault are printed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_samples import Sample, samples_of
from mutations import mutations
from paths import SHARED

from pitwall.channels import names
from pitwall.errors import LapFileError
from pitwall.recordings import files, isolated
from pitwall.recordings.recording import Options
from pitwall.recordings.sessions import interpret

SECONDS = 10
"""Processor time that one damaged copy may take."""
SLACK, TIMES = 64 << 20, 10
"""Memory that reading may take: so many bytes, and so many times the file's size."""
ALLOWED = 1 << 30
"""A process that wants more data than this is refused it."""
NAMES = names.load()
AT_ONCE = 250
"""So many copies are read by one process."""
WORDS = (
    *(b'"', b"\n\n", b"1e999", b"nan", b"-", b"inf", b"9" * 23, b"2024-99-99 99:99:99", b"True"),
    *(b"0 days", b"\r", b"[data]", b"\xef\xbb\xbf", b"1,100", b"-1e308", b"24:61:61", b"Time"),
    *(b"# Lap 1: 00:00:99", b"999999 days 00:00:00", b"\x00", b"\xff\xfe", b"|", b";", b"\t"),
    *(b"(", b")", b"#", b"1e18", b"-0", b"0000000000", b"4294967296", b"\xc2\xb2", b"=1+1"),
)


def text_damage(good: bytes, dice: random.Random) -> bytes:
    """A copy with words of trouble, doubled and cut pieces, and whole lines out of order."""
    data = bytearray(good)
    for _ in range(dice.choice((1, 1, 2, 5))):
        at = dice.randrange(max(len(data), 1))
        end = at + dice.choice((1, 2, 20, 200))
        kind = dice.randrange(7)
        if kind == 0 and data:
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            del data[at:end]
        elif kind == 2:
            data[at:at] = data[at:end] * dice.choice((1, 2, 50))
        elif kind == 3:
            lines = data.split(b"\n")
            one, other = (dice.randrange(len(lines)) for _ in range(2))
            lines[one], lines[other] = lines[other], lines[one]
            data = bytearray(b"\n".join(lines))
        elif kind == 4:
            del data[at:]
        else:
            data[at:at] = dice.choice(WORDS)
    return bytes(data)


def damaged_copies(sample: Sample, count: int, seed: int) -> Iterator[bytes]:
    """So many damaged copies of a sample."""
    dice = random.Random(f"{sample.name} {seed}")
    binary = mutations(sample.content, count, dice.randrange(1 << 32), sample.hot)
    for copy in binary:
        is_text_damage = sample.is_text and dice.random() < 0.7
        yield text_damage(sample.content, dice) if is_text_damage else copy


def fault_of(path: Path, sample: Sample) -> str | None:
    """Why reading this file breaks a promise; None where it keeps all."""
    before = _peak(reset=True)
    begin = time.process_time()
    try:
        end = _read(path, sample)
    except MemoryError:
        return None if sample.isolated else "MemoryError"
    except Exception:
        return traceback.format_exc(limit=-4)
    seconds, peak = time.process_time() - begin, _peak() - before
    if seconds > SECONDS:
        return f"{seconds:.1f} s of processor time"
    slack = isolated.BYTES if sample.isolated else SLACK
    if peak > slack + TIMES * path.stat().st_size:
        return f"{peak >> 20} MiB of memory for {path.stat().st_size} bytes"
    return end


def _read(path: Path, sample: Sample) -> str | None:
    """Why what was read is none; None for a session and for one line of error."""
    dice = random.Random(path.stat().st_size)
    options = Options(
        rate_hz=dice.choice((None, 50.0)),
        day_first=dice.choice((None, True)),
        resample_hz=dice.choice((None, None, 20.0)),
        lap_length_m=dice.choice((None, 1000.0)),
    )
    try:
        with sample.here():
            recordings = files.recordings(path, options)
        readings = [interpret(recording, options, NAMES) for recording in recordings]
    except LapFileError as error:
        return None if "\n" not in str(error) and str(path) in str(error) else f"says {error!r}"
    for reading in readings:
        session = reading.session
        if not np.isfinite(session.times_s).all() or (np.diff(session.times_s) < 0).any():
            return "times are not finite and rising"
        if np.isinf(session.values).any():
            return "a value is infinite"
        json.dumps([reading.doubts, reading.left_out])
    return None


def _data() -> int:
    """Bytes of data that this process has by now, as `isolated` counts them."""
    return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()


def _peak(reset: bool = False) -> int:
    """Bytes of memory that this process had at most, since it was reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) << 10
    return 0


def _run_child(sample: Sample, copies: list[bytes], folder: Path, report: int) -> None:
    """Read the copies, and write a line of JSON for each into `report`."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    allowed = ALLOWED
    if sample.isolated:
        importlib.import_module(sample.isolated).load()
        allowed = isolated.BYTES + isolated.BYTES_A_BYTE * len(sample.content) + _data()
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    path = folder / sample.file_name
    for copy in copies:
        path.write_bytes(copy)
        signal.setitimer(signal.ITIMER_VIRTUAL, 3 * SECONDS)
        os.write(report, (json.dumps(fault_of(path, sample)) + "\n").encode())


def run(sample: Sample, count: int, seed: int, keep: Path) -> Counter[str]:
    """Read so many damaged copies. Gives how many kept the promises, and each fault's number."""
    ends: Counter[str] = Counter()
    waiting = list(damaged_copies(sample, count, seed))
    with tempfile.TemporaryDirectory(prefix="pitwall-fuzz-") as name:
        while waiting:
            batch = waiting[:AT_ONCE]
            results = _batch(sample, batch, Path(name))
            for copy, fault in zip(batch, results, strict=False):
                ends["kept" if fault is None else "broken"] += 1
                if fault is not None:
                    _keep(sample, copy, fault, keep)
            waiting = waiting[max(len(results), 1) :]
    return ends


def _batch(sample: Sample, copies: list[bytes], folder: Path) -> list[Any]:
    """The fault of each copy; the last is that of the copy at which the process ended."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(source)
            _run_child(sample, copies, folder, sink)
            code = 0
        finally:
            os._exit(code)
    os.close(sink)
    with os.fdopen(source) as lines:
        results = [json.loads(line) for line in lines]
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code and len(results) < len(copies):
        # A library that takes its own process with it is one line of error to the reader.
        is_said = sample.isolated and code in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS)
        results.append(None if is_said else f"the process ended with {code}")
    return results


def _keep(sample: Sample, copy: bytes, fault: str, keep: Path) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    path = keep / f"{len(list(keep.iterdir())):04d}-{sample.file_name}"
    path.write_bytes(copy)
    print(f"{path}: {fault}", flush=True)


def main() -> None:
    """Fuzz the named readers, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*")
    parser.add_argument("--count", type=int, default=20_000, help="copies of each reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "fuzz")
    given = parser.parse_args()
    broken = 0
    for reader, samples in samples_of(SHARED, given.readers).items():
        begin, total = time.time(), Counter[str]()
        for sample in samples:
            total += run(sample, -(-given.count // len(samples)), given.seed, given.keep)
        broken += total["broken"]
        print(f"{reader}: {dict(total)} in {time.time() - begin:.0f} s", flush=True)
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
