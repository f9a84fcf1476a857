"""Finds the writer of a format, and puts its files in place when they are whole."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from pitwall.errors import UsageError
from pitwall.recordings.writers import csv, mcap, mdf4, motec, parquet
from pitwall.recordings.writers.export import Export, Writer, Written


class Format(NamedTuple):
    """A format that can be written."""

    suffix: str
    write: Writer


FORMATS: dict[str, Format] = {
    "csv": Format(".csv", csv.write),
    "parquet": Format(".parquet", parquet.write),
    "motec": Format(".ld", motec.write),
    "mcap": Format(".mcap", mcap.write),
    "mdf4": Format(".mf4", mdf4.write),
}
"""The formats by name."""


def write(export: Export, name: str, path: Path) -> Written:
    """Write an export as format `name`.

    `path` is a file, or a folder in which the file is named by the session and its lap. A file of
    that name is replaced, once the new one is whole. Raises `UsageError` for an unknown format, for
    an export without a tick and for a path that cannot be written.
    """
    if name not in FORMATS:
        raise UsageError(f"--format is {name!r}; give one of {', '.join(FORMATS)}")
    format = FORMATS[name]
    session = export.session
    if not len(session.times_s):
        raise UsageError(f"session {session.session!r} has no tick; there is nothing to write")
    if path.is_dir():
        stem = re.sub(r"[^\w.-]", "_", session.session)
        lap = "" if export.only_lap is None else f"-lap-{export.only_lap}"
        path /= f"{stem}{lap}{format.suffix}"
    elif not path.suffix:
        path = path.with_name(path.name + format.suffix)
    elif path.suffix.lower() != format.suffix:
        raise UsageError(
            f"--out is {path}, but format {name} has the suffix {format.suffix}; "
            f"give {path.with_suffix(format.suffix)}"
        )
    try:
        with tempfile.TemporaryDirectory(prefix=".pitwall-", dir=path.parent) as folder:
            written = format.write(export, Path(folder) / path.name)
            paths = tuple(file.replace(path.parent / file.name) for file in written.paths)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written ({error.strerror or error}); give another --out"
        ) from error
    return Written(paths, written.notes)
