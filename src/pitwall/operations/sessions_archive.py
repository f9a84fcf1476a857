"""Which sessions the archive of raw topics holds, and archived parts without one of them.

A part that loses records keeps its name, which says up to where the topic is archived: a later run
of `archive` does not store the deleted records again while Kafka still has them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import orjson

from pitwall.errors import StoreError
from pitwall.machine.ports import port_open
from pitwall.operations.archive import Archive, Part, Record
from pitwall.operations.sessions import Held
from pitwall.settings import Settings
from pitwall.stores.offline.marks import Key


def archived_sessions(settings: Settings, only: str | None = None) -> Iterator[Held]:
    """The sessions in the archive by topic, all of them or those of the name `only`.

    Reads every object. Raises `StoreError` where S3 does not answer.
    """
    url = urlsplit(settings.s3_url)
    if not port_open(url.hostname or "", url.port or (443 if url.scheme == "https" else 80)):
        # The client would try again for seconds.
        raise StoreError(f"S3 at {settings.s3_url} does not answer; is it up? ./pitwall status")
    archive = Archive(settings)
    messages: Counter[tuple[str, Key]] = Counter()
    sizes: Counter[tuple[str, Key]] = Counter()
    holding: dict[tuple[str, Key], list[Part]] = {}
    for part in archive.parts():
        in_part: set[Key] = set()
        for record in archive.read(part):
            for key in sessions_of(record):
                if only is None or key[1] == only:
                    messages[part.topic, key] += 1
                    sizes[part.topic, key] += len(record.value or b"")
                    in_part.add(key)
        for key in in_part:
            holding.setdefault((part.topic, key), []).append(part)
    for (topic, key), parts in sorted(holding.items()):
        count, size = messages[topic, key], sizes[topic, key]
        yield Held("archive", topic, *key, count, size, _deletion(settings, parts, key))


def sessions_of(record: Record) -> set[Key]:
    """Vehicle and session of the objects in a message; empty where it is not of the wire format.

    A message of our own topics names them as `vehicle` and `session`.
    """
    keys = set()
    for item in _objects(record.value):
        for names in (("VehicleId", "SessionId"), ("vehicle", "session")):
            vehicle, session = (item.get(name) for name in names)
            if isinstance(vehicle, str) and isinstance(session, str):
                keys.add((vehicle, session))
    return keys


def without(record: Record, key: Key) -> Record | None:
    """The record without the objects of this session; None where no other is in it."""
    if key not in sessions_of(record):
        return record
    names = ("VehicleId", "SessionId")
    rest = [
        item
        for item in _objects(record.value)
        if tuple(item.get(name) for name in names) != key
        and (item.get("vehicle"), item.get("session")) != key
    ]
    if not rest:
        return None
    return Record(
        record.timestamp_ms,
        record.partition,
        record.offset,
        record.key,
        orjson.dumps(rest),
        record.headers,
    )


def _objects(value: bytes | None) -> list[dict[str, object]]:
    if not value or value.lstrip()[:1] not in (b"[", b"{"):
        return []
    try:
        content = orjson.loads(value)
    except orjson.JSONDecodeError:
        return []
    items = content if isinstance(content, list) else [content]
    return [item for item in items if isinstance(item, dict)]


def _deletion(settings: Settings, parts: list[Part], key: Key) -> Callable[[], None]:
    def delete() -> None:
        archive = Archive(settings)
        for part in parts:
            rest = (without(record, key) for record in archive.read(part))
            archive.replace(part, [record for record in rest if record is not None])

    return delete
