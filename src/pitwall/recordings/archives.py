"""Zip archives of recordings: unpacked into a temporary folder, within limits, and read as one.

What unpacks to much more than an archive of logs does is a trap for disks and is refused. No
member is written outside the folder, whatever its name says.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pitwall.errors import LapFileError
from pitwall.recordings.recording import Options, Recording

NAME = "zip"
SUFFIXES: tuple[str, ...] = (".zip",)

MARKS = (b"PK\x03\x04", b"PK\x05\x06")
"""The first bytes of an archive, and of an empty one."""
MOST_MEMBERS = 10_000
EXPANDS_TO, ALWAYS_ALLOWED = 50, 64 << 20
"""An archive may unpack to so many times its size, or to so many bytes."""
PIECE = 1 << 20
HIDDEN = ("__MACOSX", ".")
"""Beginnings of names of folders and files that hold no recordings."""

ReadFolder = Callable[[Path, Options], Sequence[Recording]]
"""Reads the files of a folder that have a reader. It leaves the others out."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file begins as a zip archive does."""
    return head.startswith(MARKS)


def read(path: Path, options: Options, read_folder: ReadFolder) -> list[Recording]:
    """The recordings in an archive. Their paths are the archive's with the member below it.

    Raises `LapFileError` when the archive is damaged, encrypted or too large when unpacked, and
    what `read_folder` raises, with the member named in the same way.
    """
    with unpacked(path) as folder:
        try:
            recordings = read_folder(folder, options)
        except LapFileError as error:
            raise LapFileError(str(error).replace(str(folder), str(path))) from error
        return [
            replace(recording, path=path / recording.path.relative_to(folder))
            for recording in recordings
        ]


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A temporary folder with the members of an archive, in the folders that they lie in."""
    with tempfile.TemporaryDirectory(prefix="pitwall-zip-") as name:
        folder = Path(name).resolve()
        try:
            with zipfile.ZipFile(path) as archive:
                _unpack(path, archive, folder)
        except LapFileError:
            raise
        except Exception as error:  # Of zipfile and its decompressors, about any damage.
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            remedy = "unpack it first" if "encrypted" in reason else "copy or pack it again"
            raise LapFileError(
                f"{path}: not a readable zip archive ({reason}); {remedy}"
            ) from error
        yield folder


def _unpack(path: Path, archive: zipfile.ZipFile, folder: Path) -> None:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MOST_MEMBERS:
        raise LapFileError(f"{path}: {len(members)} files, at most {MOST_MEMBERS} are read")
    left = most = max(EXPANDS_TO * path.stat().st_size, ALWAYS_ALLOWED)
    for member in members:
        parts = [p for p in member.filename.replace("\\", "/").split("/") if p not in ("", ".")]
        if any(part.startswith(HIDDEN) and part != ".." for part in parts):
            continue
        target = folder.joinpath(*parts)
        if not parts or ".." in parts or ":" in parts[0] or target.exists():
            raise LapFileError(
                f"{path}: {member.filename!r} is no name of a file in it, or is there twice; pack "
                "it again"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as packed, target.open("wb") as plain:
            while piece := packed.read(PIECE):
                left -= len(piece)
                if left < 0:
                    raise LapFileError(
                        f"{path}: unpacks to more than {most} bytes; if that is right, unpack it "
                        "and give the folder"
                    )
                plain.write(piece)
