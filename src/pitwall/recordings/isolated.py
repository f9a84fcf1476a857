"""Reads a file in a child process with limits of time and memory.

Libraries in C that read a logger's format trust the file: one that is damaged can end their
process, keep it busy for hours or take all memory. Here it takes a child with it, and the reader
says so. The child hands back plain numbers and JSON, nothing that is executed.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import LapFileError
from pitwall.machine.processes import die_with_parent
from pitwall.recordings.recording import Column, Line, Options, Recording

SECONDS, SECONDS_A_MEGABYTE = 20, 1
"""Limit of processor time: so much, and so much more for each megabyte of the file."""
WALL_FACTOR = 15
"""A child may wait so many times longer than it may compute, on a machine that is busy."""
BYTES, BYTES_A_BYTE = 256 << 20, 10
"""Limit of memory beyond what the libraries themselves take, likewise."""
FACTS = "facts.json"
NUMBERS = "numbers.f64"


def read(module: str, path: Path, options: Options) -> list[Recording]:
    """What `read_here(path, options)` of the module `module` gives, computed in a child process.

    Raises `LapFileError` when that does, when it fails in any other way, and when the child ends
    by a signal or reaches a limit.
    """
    megabytes = path.stat().st_size >> 20
    seconds = SECONDS + SECONDS_A_MEGABYTE * megabytes
    with tempfile.TemporaryDirectory(prefix="pitwall-read-") as folder:
        command = [sys.executable, "-m", "pitwall.recordings.isolated", module, str(path), folder]
        threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        try:
            child = subprocess.run(
                [*command, json.dumps(_of_options(options)), str(seconds)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=WALL_FACTOR * seconds,
                env=os.environ | threads,
            )
        except subprocess.TimeoutExpired as error:
            raise LapFileError(_too_long(path, WALL_FACTOR * seconds)) from error
        facts_file = Path(folder) / FACTS
        if child.returncode == -signal.SIGXCPU:
            raise LapFileError(_too_long(path, seconds))
        if child.returncode or not facts_file.exists():
            how = (
                f"ended by signal {-child.returncode}"
                if child.returncode < 0
                else (child.stderr.decode(errors="replace").split("\n") or [""])[-2:][0]
            )
            raise LapFileError(
                f"{path}: the library that reads this format failed ({how}); is the file damaged? "
                "Copy it from the logger again"
            )
        facts = json.loads(facts_file.read_bytes())
        if "error" in facts:
            raise LapFileError(facts["error"])
        numbers = np.fromfile(Path(folder) / NUMBERS, dtype=np.float64)
    return [_recording(entry, numbers) for entry in facts["recordings"]]


def _too_long(path: Path, seconds: int) -> str:
    return (
        f"{path}: not read within {seconds} s; is the file damaged? Copy it from the logger again"
    )


def _of_options(options: Options) -> dict[str, Any]:
    """The options that a reader may use, as JSON."""
    plain = {name: value for name, value in vars(options).items() if value is not None}
    for name, value in plain.items():
        if isinstance(value, datetime):
            plain[name] = value.isoformat()
        elif isinstance(value, Path):
            plain[name] = str(value)
    return plain


def _options(plain: dict[str, Any]) -> Options:
    made: dict[str, Any] = dict(plain)
    for name, make in (("start", datetime.fromisoformat), ("dbc", Path)):
        if name in made:
            made[name] = make(made[name])
    if "line" in made:
        made["line"] = Line(*made["line"])
    return Options(**made)


def _recording(facts: dict[str, Any], numbers: NDArray[np.float64]) -> Recording:
    columns = tuple(
        Column(name, unit, numbers[t : t + n], numbers[v : v + n], source)
        for name, unit, t, v, n, source in facts.pop("columns")
    )
    path, start, line = Path(facts.pop("path")), facts.pop("start"), facts.pop("line")
    hints = get_type_hints(Recording)
    rest: dict[str, Any] = {
        name: tuple(value) if str(hints[name]).startswith("tuple") else value
        for name, value in facts.items()
    }
    return Recording(
        path=path,
        columns=columns,
        start=datetime.fromisoformat(start) if start else None,
        line=Line(*line) if line else None,
        **rest,
    )


def _store(recordings: Sequence[Recording], folder: Path) -> None:
    """Write the recordings: their numbers into one file, and each array once."""
    places: dict[int, int] = {}
    entries = []
    with (folder / NUMBERS).open("wb") as file:
        count = 0
        for recording in recordings:
            columns = []
            for column in recording.columns:
                for array in (column.times_s, column.values):
                    if id(array) not in places:
                        places[id(array)] = count
                        np.ascontiguousarray(array, dtype=np.float64).tofile(file)
                        count += len(array)
                where = places[id(column.times_s)], places[id(column.values)], len(column.values)
                columns.append([column.name, column.unit, *where, column.source])
            facts = {
                **vars(recording),
                "path": str(recording.path),
                "columns": columns,
                "start": recording.start.isoformat() if recording.start else None,
            }
            entries.append(facts)
    (folder / FACTS).write_text(json.dumps({"recordings": entries}))


def _limit(seconds: int, size: int) -> None:
    """Take the limits of this process, whose libraries are loaded by now."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    loaded = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    allowed = loaded + BYTES + BYTES_A_BYTE * size
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))


def main() -> None:
    """The child: read the file with the module's `read_here` and store what it gives."""
    module, name, folder, options, seconds = sys.argv[1:]
    die_with_parent(signal.SIGKILL)
    path = Path(name)
    reader = importlib.import_module(module)
    reader.load()
    _limit(int(seconds), path.stat().st_size)
    try:
        _store(reader.read_here(path, _options(json.loads(options))), Path(folder))
    except LapFileError as error:
        (Path(folder) / FACTS).write_text(json.dumps({"error": str(error)}))
    except MemoryError:
        sys.stderr.write("it needs more memory than a file of this size may take\n")
        sys.exit(1)
    except Exception as error:
        # Whatever a library raises about a damaged file is the file's fault, and the user's news.
        reason = (str(error).splitlines() or [""])[0][:200]
        sys.stderr.write(f"{type(error).__name__}: {reason}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
