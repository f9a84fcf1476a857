"""Which files of a folder count, and how new files replace others in one step.

A replacement has four states, and a kill may come in any of them or between two:

    staged     the new files lie complete under hidden names; the old files count
    committed  `_commit-<run>.json` names the new and the old files: from this file on, only the
               new ones count, under whichever name they have
    shown      the new files have their own names
    finished   the old files are gone, and then the commit is gone

Each step can be done again. `finish` takes what a killed run left to its end: without a commit the
staged files are deleted, with a commit all steps after it are done.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from pyarrow import fs

from pitwall.errors import StoreError

COMPACT = "compact-"
"""Names of the files that replace others begin so."""
COMMIT = "_commit-"
STAGED = ".inprogress"
"""A staged file is called `_<name>.inprogress`: no reader of folders takes it for data."""
LOOKS = 20
Infos = dict[str, fs.FileInfo]
"""Files by path."""


@dataclass(frozen=True)
class Commit:
    """The content of one commit: paths of new files, and of the files that they replace."""

    path: str
    adds: tuple[str, ...]
    removes: tuple[str, ...]


def staged(path: str) -> str:
    """The hidden name under which the file at `path` is written."""
    folder, name = os.path.split(path)
    return f"{folder}/_{name}{STAGED}"


def counting(system: fs.FileSystem, folder: str) -> list[fs.FileInfo]:
    """The files in `folder` and below that count now, sorted by the names that they will keep.

    Hidden files, which are still being written, are left out.

    A list of files is not made at one instant: while it is made, files that it has passed may come
    and others that it has not reached may go. So the folder is listed twice, and the first list
    counts if no file of it is gone and no replacement has begun or ended in between. Raises
    `StoreError` where that does not happen in 20 attempts.
    """
    for _ in range(LOOKS):
        infos = _files(system, folder)
        with suppress(FileNotFoundError):
            commits = [_read(system, path) for path in infos if _is_commit(path)]
            counted = _counted(infos, commits, folder)
            later = _files(system, folder)
            gone = {info.path for info in counted} - later.keys()
            if not gone and _replacing(infos) == _replacing(later):
                return counted
    raise StoreError(
        f"the files in {folder} were replaced during each of {LOOKS} attempts to list them; "
        "try again when `./pitwall compact` and `./pitwall retention` have ended"
    )


def commit(
    system: fs.FileSystem, folder: str, run: str, adds: Iterable[str], removes: Iterable[str]
) -> None:
    """Replace the files `removes` by the files `adds`, which are staged; all are names in `folder`.

    `run` is a name that no other replacement has.
    """
    path = f"{folder}/{COMMIT}{run}.json"
    content = json.dumps({"adds": [*adds], "removes": [*removes]}).encode()
    with system.open_output_stream(staged(path)) as stream:
        stream.write(content)
    persist(system, staged(path))
    system.move(staged(path), path)
    persist(system, folder)
    finish(system, folder)


def finish(system: fs.FileSystem, folder: str) -> None:
    """Take the replacements that a killed run left in `folder` and below to their end.

    No other replacement may run at the same time.
    """
    infos = _files(system, folder)
    for path in filter(_is_commit, infos):
        replacement = _read(system, path)
        for new in replacement.adds:
            if staged(new) in infos:
                system.move(staged(new), new)
        persist(system, os.path.dirname(path))
        for old in replacement.removes:
            if old in infos:
                system.delete_file(old)
        system.delete_file(path)
    for path in _files(system, folder):
        name = os.path.basename(path)
        if name.startswith((f"_{COMPACT}", f"_{COMMIT}")) and name.endswith(STAGED):
            system.delete_file(path)


def unfinished(system: fs.FileSystem, folder: str) -> bool:
    """Whether a killed run left a committed replacement in `folder` or below."""
    return any(map(_is_commit, _files(system, folder)))


def persist(system: fs.FileSystem, path: str) -> None:
    """Wait until a local file or folder is on the disk, so that it survives a power failure."""
    if isinstance(system, fs.LocalFileSystem):
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _files(system: fs.FileSystem, folder: str) -> Infos:
    selector = fs.FileSelector(folder, allow_not_found=True, recursive=True)
    infos = system.get_file_info(selector)
    return {info.path: info for info in infos if info.type == fs.FileType.File}


def _is_commit(path: str) -> bool:
    name = os.path.basename(path)
    return name.startswith(COMMIT) and name.endswith(".json")


def _replacing(infos: Infos) -> set[str]:
    """The paths that tell that a replacement began or ended."""
    return {path for path in infos if os.path.basename(path).startswith((COMPACT, COMMIT))}


def _read(system: fs.FileSystem, path: str) -> Commit:
    with system.open_input_stream(path) as stream:
        content = json.loads(stream.read())
    folder = os.path.dirname(path)
    adds, removes = (
        tuple(f"{folder}/{name}" for name in content[key]) for key in ("adds", "removes")
    )
    return Commit(path, adds, removes)


def _counted(infos: Infos, commits: list[Commit], folder: str) -> list[fs.FileInfo]:
    """Raises `FileNotFoundError` where a committed file was moved while the list was made."""
    counted = {path: info for path, info in infos.items() if not _hidden(path[len(folder) :])}
    for replacement in commits:
        for old in replacement.removes:
            counted.pop(old, None)
        for new in replacement.adds:
            if new not in infos:
                if staged(new) not in infos:
                    raise FileNotFoundError(new)
                counted[new] = infos[staged(new)]
    return [counted[path] for path in sorted(counted)]


def _hidden(relative_path: str) -> bool:
    return any(part.startswith((".", "_")) for part in relative_path.split("/") if part)
