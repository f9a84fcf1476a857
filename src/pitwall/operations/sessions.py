"""Where sessions are stored, and deleting one everywhere.

Offline store, online store, telemetry history and archive each say what they hold. What no
deletion reaches stands in `STAYS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from pitwall.errors import PitwallError, StoreError, UsageError
from pitwall.features import load
from pitwall.operations.held import STORES, TAGS, Held
from pitwall.operations.sessions_archive import archived_sessions
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect, running
from pitwall.stores.cassandra.options import keyspace_of
from pitwall.stores.history_sessions import history_sessions
from pitwall.stores.offline.columns import SESSION_COLUMNS
from pitwall.stores.offline.compact import dropping
from pitwall.stores.offline.files import recorded
from pitwall.stores.offline.marks import FOLDER, Key, changes_by_session, forget
from pitwall.stores.offline.sessions import offline_sessions
from pitwall.stores.online.sessions import online_rows

STAYS = {
    "kafka": "messages of its topics stay until their retention time; a job that begins anew "
    "at the topics' start stores the session again",
    "models": "models that learned from it keep what they learned, and their runs the instants "
    "(vehicle, session and times); train them again and delete the old versions in MLflow",
    "flink": "a session that is still open in the job is stored on; its state and checkpoints "
    "go when it has been silent for PITWALL_SESSION_RELEASE_S and newer checkpoints replace them",
    "unreadable": "archived messages that are no JSON name no session and stay",
}
"""What a deletion does not reach, by what holds it."""


@dataclass(frozen=True)
class Holdings:
    """What the stores hold, and why a store could not be asked, by store."""

    held: list[Held]
    silent: dict[str, str]


def holdings(
    settings: Settings, stores: Iterable[str] = STORES, session: str | None = None
) -> Holdings:
    """What these stores hold, of all sessions or of those of one name.

    The archive keeps messages, not sessions: asking it reads every object of it.
    """
    readers: dict[str, Callable[[], Iterator[Held]]] = {
        "offline": lambda: _offline(settings),
        "online": lambda: _online(settings),
        "history": lambda: _history(settings, session),
        "archive": lambda: archived_sessions(settings, session),
    }
    held: list[Held] = []
    silent: dict[str, str] = {}
    for store in stores:
        try:
            in_store = list(readers[store]())
        except PitwallError as error:
            silent[store] = str(error)
            continue
        held += [one for one in in_store if session in (None, one.session)]
    return Holdings(held, silent)


def tags_held(settings: Settings, session: str) -> list[Held]:
    """The changes of tags and exclusions of sessions of this name, which `delete` forgets."""
    return [
        Held(TAGS, FOLDER, *key, count, None, partial(forget, settings, key))
        for key, count in changes_by_session(settings).items()
        if key[1] == session
    ]


def delete(held: Iterable[Held], step: Callable[[str], None] = lambda text: None) -> None:
    """Delete what is held, one after the other; `step` is told of each.

    Raises `StoreError` that names the store where it stopped and those that it had done before.
    """
    done: list[str] = []
    for one in held:
        step(f"deleting from {one.store}: {one.place}")
        try:
            one.delete()
        except PitwallError as error:
            before = ", ".join(dict.fromkeys(done)) or "none"
            raise StoreError(
                f"{one.store}: {error} (deleted before that: {before}); run the command again"
            ) from error
        done.append(one.store)


def key_of(held: Iterable[Held], session: str, vehicle: str | None = None) -> Key:
    """The one session of this name, of this vehicle where it is given.

    Raises `UsageError` where no store holds it, and where several vehicles have one.
    """
    vehicles = sorted({one.vehicle for one in held if one.session == session})
    if vehicle is not None:
        vehicles = [name for name in vehicles if name == vehicle]
    if not vehicles:
        of = f" of vehicle {vehicle!r}" if vehicle is not None else ""
        raise UsageError(
            f"no store that was asked holds a session {session!r}{of}; see ./pitwall sessions list"
        )
    if len(vehicles) > 1:
        raise UsageError(
            f"session {session!r} is one of several vehicles ({', '.join(map(repr, vehicles))}); "
            "name one: --vehicle"
        )
    return vehicles[0], session


def _offline(settings: Settings) -> Iterator[Held]:
    for features in load(settings.feature_repo):
        folder = recorded(settings, features.name)
        for one in offline_sessions(folder):
            delete = dropping(folder, SESSION_COLUMNS, [(one.vehicle, one.session)])
            yield Held(
                "offline", features.name, one.vehicle, one.session, one.rows, one.size, delete
            )


def _online(settings: Settings) -> Iterator[Held]:
    session = connect(settings, keyspace=keyspace_of(settings))
    try:
        for row in online_rows(settings, session):
            delete = running(settings, [row.deletion()])
            yield Held("online", row.view, row.vehicle, row.session, 1, None, delete)
    finally:
        session.cluster.shutdown()


def _history(settings: Settings, name: str | None) -> Iterator[Held]:
    session = connect(settings, keyspace=keyspace_of(settings))
    try:
        for one in history_sessions(settings, session, name):
            delete = running(settings, one.deletions())
            yield Held(
                "history", "telemetry_history", one.vehicle, one.session, one.rows, None, delete
            )
    finally:
        session.cluster.shutdown()
