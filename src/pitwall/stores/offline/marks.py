"""What people say of recorded sessions: their tags, and whether they are excluded and why.

Each change is a file of its own in the folder `_sessions` of the offline store's root, written
once and never changed. So two writers, on whichever machines, never lose each other's changes. A
session's mark is what its changes make of it in the order of their times. `docs/adr/0015` says why.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pyarrow import fs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pitwall.errors import StoreError, UsageError
from pitwall.settings import Settings
from pitwall.stores.offline.commits import persist
from pitwall.stores.offline.files import Place, recorded

FOLDER = "_sessions"
"""No reader of folders takes what begins with an underscore for data."""
CIRCUIT = "circuit="
"""A tag that begins so names the session's circuit; a session has at most one of them."""
TAG = re.compile(r"[^\x00-\x1f\x7f,]{1,80}")
MOST_BYTES = 20_000
"""A change that is longer was not written here."""
Key = tuple[str, str]
"""Vehicle and session."""


@dataclass(frozen=True)
class Mark:
    """The tags of one session, and why it is excluded; None where it is not."""

    tags: frozenset[str] = frozenset()
    excluded: str | None = None

    @property
    def circuit(self) -> str:
        """The name of the session's circuit; empty where it is not tagged with one."""
        return next((tag[len(CIRCUIT) :] for tag in self.tags if tag.startswith(CIRCUIT)), "")


class Change(BaseModel):
    """One change of a session's mark, as its file holds it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vehicle: str
    session: str
    at_us: int
    """When the change was made, µs since the epoch, by the clock of the machine that made it."""
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    excluded: str | None = Field(default=None, max_length=500)
    """The reason of an exclusion; empty where the session is included again; None: as before."""

    def applied(self, mark: Mark) -> Mark:
        """The mark after this change."""
        gone = set(self.remove)
        if any(tag.startswith(CIRCUIT) for tag in self.add):
            gone |= {tag for tag in mark.tags if tag.startswith(CIRCUIT)}
        excluded = mark.excluded if self.excluded is None else self.excluded or None
        return Mark((mark.tags - gone) | set(self.add), excluded)


def marks(settings: Settings) -> dict[Key, Mark]:
    """The mark of each session that has one.

    Raises `StoreError` where the store does not answer, and for a file that is no change: an
    exclusion that cannot be read must not count as none.
    """
    known: dict[Key, Mark] = {}
    changes = [change for _, change in _changes(_folder(settings))]
    for change in sorted(changes, key=lambda change: change.at_us):
        key = (change.vehicle, change.session)
        known[key] = change.applied(known.get(key, Mark()))
    return {key: mark for key, mark in known.items() if mark != Mark()}


def changes_by_session(settings: Settings) -> Counter[Key]:
    """Number of changes that are kept of each session. Raises `StoreError` as `marks` does."""
    return Counter((change.vehicle, change.session) for _, change in _changes(_folder(settings)))


def excluded(settings: Settings) -> set[Key]:
    """The sessions that are excluded. Raises `StoreError` as `marks` does."""
    return {key for key, mark in marks(settings).items() if mark.excluded is not None}


def change(
    settings: Settings,
    key: Key,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    excluded: str | None = None,
) -> None:
    """Write one change of a session's mark; the arguments are as in `Change`.

    Raises `UsageError` for a tag that is empty, longer than 80 characters, or holds a comma or a
    control character, for two circuits, and for a reason of more than 500 characters.
    """
    added, removed = tuple(map(_tag, add)), tuple(map(_tag, remove))
    circuits = sorted({tag for tag in added if tag.startswith(CIRCUIT)})
    if len(circuits) > 1:
        raise UsageError(f"a session has one circuit, not {' and '.join(circuits)}; give one")
    if excluded is not None and len(excluded) > 500:
        raise UsageError(
            f"the reason has {len(excluded)} characters; give one of at most 500 characters"
        )
    written = Change(
        vehicle=key[0],
        session=key[1],
        at_us=time.time_ns() // 1000,
        add=added,
        remove=removed,
        excluded=excluded,
    )
    _write(_folder(settings), written)


def forget(settings: Settings, key: Key) -> None:
    """Delete all changes of one session's mark, for nothing of it shall stay."""
    folder = _folder(settings)
    for path, written in _changes(folder):
        if (written.vehicle, written.session) == key:
            folder.system.delete_file(path)


def _tag(text: str) -> str:
    tag = text.strip()
    if not TAG.fullmatch(tag) or tag == CIRCUIT:
        raise UsageError(
            f"tag {text[:100]!r} is not one: a tag has 1 to 80 characters, without commas and "
            "control characters; circuit=NAME names the circuit"
        )
    return tag


def _folder(settings: Settings) -> Place:
    return recorded(settings, FOLDER)


def _write(folder: Place, written: Change) -> None:
    if folder.local:
        Path(folder.path).mkdir(parents=True, exist_ok=True)
    name = f"{written.at_us:020d}-{uuid.uuid4().hex}.json"
    hidden, shown = (folder / f".{name}").path, (folder / name).path
    with folder.system.open_output_stream(hidden) as stream:
        stream.write(written.model_dump_json(exclude_defaults=True).encode())
    persist(folder.system, hidden)
    folder.system.move(hidden, shown)
    persist(folder.system, folder.path)


def _changes(folder: Place) -> Iterator[tuple[str, Change]]:
    """Path and content of each change."""
    selector = fs.FileSelector(folder.path, allow_not_found=True)
    try:
        infos = folder.system.get_file_info(selector)
    except OSError as error:
        raise StoreError(
            f"the marks of sessions in {folder.path} cannot be listed: {error}; "
            "is the store up? See `./pitwall status`"
        ) from error
    paths = [info.path for info in infos if info.type == fs.FileType.File]
    paths = [path for path in paths if path.endswith(".json") and "/." not in path[-80:]]
    with ThreadPoolExecutor(1 if folder.local else 8) as pool:
        for path, written in zip(paths, pool.map(lambda p: _read(folder, p), paths), strict=True):
            if written is not None:
                yield path, written


def _read(folder: Place, path: str) -> Change | None:
    """One change; None where it was forgotten meanwhile."""
    try:
        with folder.system.open_input_stream(path) as stream:
            content = stream.read(MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error}; try again") from error
    try:
        return Change.model_validate(json.loads(content))
    except (ValueError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise StoreError(
            f"{path} is no change of a session's mark ({reason}); move it out of the folder, "
            "and write the change again with `./pitwall sessions`"
        ) from None
