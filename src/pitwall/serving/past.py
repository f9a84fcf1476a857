"""Features as they stood at an instant of a session, from the offline store.

They are read by the point-in-time join that makes training sets.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from pitwall.serving.reader import EPOCH, Vector
from pitwall.settings import Settings

NEWEST = (1 << 63) - 1


class Recorded(NamedTuple):
    """The row that counted at the instant, and the newest event time recorded of the session.

    Each is None where there is none.
    """

    row: Vector | None
    until: datetime | None


def recorded(
    settings: Settings, view: str, vehicle: str, session: str, names: tuple[str, ...], at: datetime
) -> Recorded:
    """Features `names` of a session at the instant `at`, from the files as they are now.

    A session is in the files up to the job's last checkpoint. Blocks for milliseconds to
    seconds, by the number of files. Raises `StoreError` for a file that cannot be read.
    """
    import numpy as np
    import pyarrow as pa

    from pitwall.stores.offline import files
    from pitwall.stores.offline.columns import MICROS, Columns
    from pitwall.stores.offline.join import Feature, View, join

    keys = {"vehicle": pa.string(), "session": pa.string()}
    stamps = ("event_timestamp", "created_timestamp")
    features = [
        *(Feature(name, f"value {name}", pa.float64()) for name in names),
        *(Feature(name, name, MICROS) for name in stamps),
    ]
    one = View(
        view,
        files.recorded(settings, view),
        Columns(keys, *stamps),
        {key: key for key in keys},
        tuple(features),
        None,
        "session",
    )
    entity_rows = pa.table(
        {
            "vehicle": [vehicle] * 2,
            "session": [session] * 2,
            "at": pa.array(np.array([(at - EPOCH) // timedelta(microseconds=1), NEWEST]), MICROS),
        }
    )
    then, newest = join(entity_rows, "at", [one]).drop_columns(["at"]).to_pylist()
    values = [
        None if (value := then[f"value {name}"]) is None or np.isnan(value) else float(value)
        for name in names
    ]
    row = (
        None
        if then[stamps[0]] is None
        else Vector(then[stamps[0]], then[stamps[1]] or then[stamps[0]], values)
    )
    return Recorded(row, newest[stamps[0]])
