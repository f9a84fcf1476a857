"""Retention of the offline store: sessions whose newest row was written too long ago."""

from __future__ import annotations

from collections.abc import Iterator

from pitwall.features import load
from pitwall.operations.due import Due, is_over
from pitwall.settings import Settings
from pitwall.stores.offline.columns import SESSION_COLUMNS
from pitwall.stores.offline.compact import dropping
from pitwall.stores.offline.files import recorded
from pitwall.stores.offline.sessions import offline_sessions


def due(settings: Settings, days: float, now_s: float) -> Iterator[Due]:
    """Sessions of each view whose newest row is older than `days` at `now_s`, s since the epoch.

    Sessions whose rows have no created time are left out.
    """
    for features in load(settings.feature_repo):
        folder = recorded(settings, features.name)
        for held in offline_sessions(folder):
            if held.last_written is not None and is_over(held.last_written, days, now_s):
                yield Due(
                    "offline",
                    f"{features.name}: {held.vehicle} / {held.session}",
                    held.rows,
                    held.last_written,
                    dropping(folder, SESSION_COLUMNS, [(held.vehicle, held.session)]),
                )
