"""Files that only their owner may read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Write the file with mode 0600, in one step: a reader sees the old content or the new one."""
    # mkstemp makes files that only their owner can read.
    number, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(number, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)
