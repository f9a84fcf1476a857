"""Damaged copies of a file: cut, flipped, overwritten, doubled, from a fixed seed."""

from __future__ import annotations

import os
import random
import resource
import signal
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pitwall.errors import LapFileError
from pitwall.recordings.recording import Options

EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutations(good: bytes, count: int, seed: int, hot: int | None = None) -> Iterator[bytes]:
    """So many damaged copies. Half of the damage falls into the first `hot` bytes."""
    dice = random.Random(seed)
    for _ in range(count):
        yield _damaged(dice, good, len(good) if hot is None else min(hot, len(good)))


def _damaged(dice: random.Random, good: bytes, hot: int) -> bytes:
    kind = dice.randrange(8)
    data = bytearray(good)
    if kind == 0:
        return good[: dice.randrange(len(good))]
    if kind == 1:
        return good[: dice.randrange(len(good))] + dice.randbytes(dice.randrange(200))
    if kind == 2:
        at, length = dice.randrange(len(data)), dice.choice((1, 4, 16, 300))
        del data[at : at + length]
        return bytes(data)
    if kind == 3:
        at = dice.randrange(len(data))
        return good[:at] + good[dice.randrange(len(good)) :]
    for _ in range(dice.choice((1, 1, 1, 2, 5, 30))):
        at = dice.randrange(hot if dice.random() < 0.5 else len(data))
        if kind < 6:
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 6:
            width = dice.choice((1, 2, 4, 8))
            value = dice.choice(EDGES) % (1 << 8 * width)
            data[at : at + width] = value.to_bytes(width, "little")
        else:
            data[at : at + 8] = dice.randbytes(8)
    return bytes(data)


def outcomes(
    read_here: Callable[[Path, Options], object], path: Path, damaged: Iterable[bytes]
) -> Counter[str]:
    """What reading each damaged copy at `path` ends with, in a forked process with limits.

    `read`; `LapFileError`; `other` for another exception, which the child of `isolated` turns
    into one; `crash` and `limit` for the processes that the kernel ended.
    """
    ends: Counter[str] = Counter()
    for content in damaged:
        path.write_bytes(content)
        child = os.fork()
        if child == 0:
            os._exit(_read_limited(read_here, path))
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        names = {0: "read", 1: "LapFileError", 2: "other", -signal.SIGXCPU: "limit"}
        ends[names.get(code, "crash")] += 1
    return ends


def _read_limited(read_here: Callable[[Path, Options], object], path: Path) -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 25))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    warnings.simplefilter("ignore")
    try:
        read_here(path, Options())
    except LapFileError:
        return 1
    except Exception:
        return 2
    return 0
