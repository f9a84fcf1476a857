"""The laps of the analysis view as files for other tools, by the writers of `./pitwall export`."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pitwall.car.session import Session
from pitwall.channels.channel import channel_id
from pitwall.channels.table import CHANNELS
from pitwall.page.data import compare
from pitwall.page.data.recorded import Archive
from pitwall.page.data.rows import Floats
from pitwall.page.data.stored_laps import StoredLap
from pitwall.recordings.writers.export import Export, Span
from pitwall.recordings.writers.files import write

DISTANCE = CHANNELS["LAPDISTANCE"]


def files(
    archive: Archive, laps: Sequence[StoredLap], names: Sequence[str], kind: str
) -> tuple[str, bytes]:
    """Name and content of a file with these laps, whole, in the format `kind`.

    The laps of one session are one file; several files are in a zip archive. Raises `StoreError`
    when a store does not answer, and `UsageError` for what the format cannot hold.
    """
    sessions = dict.fromkeys((lap.vehicle, lap.session, lap.view) for lap in laps)
    with tempfile.TemporaryDirectory(prefix="pitwall-") as name:
        paths: list[Path] = []
        for number, key in enumerate(sessions):
            # Two cars may have sessions of one id, whose files then have one name.
            folder = Path(name) / str(number)
            folder.mkdir()
            chosen = [lap for lap in laps if (lap.vehicle, lap.session, lap.view) == key]
            paths += write(_export(archive, chosen, names), kind, folder).paths
        if len(paths) == 1:
            return paths[0].name, paths[0].read_bytes()
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive_file:
            for path in paths:
                inside = path.name if len(sessions) == 1 else f"{path.parent.name}/{path.name}"
                archive_file.write(path, inside)
        return f"pitwall-laps-{kind}.zip", body.getvalue()


def _export(archive: Archive, laps: list[StoredLap], names: Sequence[str]) -> Export:
    """Laps of one session with the features and channels `names`, and the lap distance."""
    known = archive.feature_sets[laps[0].view].names
    features = [name for name in names if name in known]
    channels = [name for name in names if name not in known and channel_id(name) != DISTANCE.id]
    spans, times, rows, feature_rows = [], [], [], []
    for lap in sorted(laps, key=lambda lap: lap.start_s):
        data = compare.read(archive, lap, names)
        if not len(data.time_s):
            continue
        # The first row of a lap is at `start_s`, and its lap time counts from the line.
        start_s = lap.start_s - float(data.time_s[0])
        times.append(np.round(start_s + data.time_s, 6))
        end_s = start_s + lap.time_s if lap.whole else lap.end_s
        spans.append(Span(lap.number, start_s, end_s, lap.whole))
        rows.append(_columns([data.distance_m, *(data.columns[name] for name in channels)]))
        feature_rows.append(_columns([data.columns[name] for name in features], len(data.time_s)))
    vehicle, id = laps[0].vehicle, laps[0].session
    width = 1 + len(channels)
    all_times = np.concatenate([np.empty(0), *times])
    session = Session(
        vehicle,
        id,
        (DISTANCE.name, *channels),
        (DISTANCE.unit, *("" for _ in channels)),
        all_times,
        np.concatenate([np.empty((0, width)), *rows]),
    )
    if not features:
        return Export(session, spans)
    return Export(
        session,
        spans,
        Session(
            vehicle,
            id,
            tuple(features),
            tuple(archive.unit(name) for name in features),
            all_times,
            np.concatenate([np.empty((0, len(features))), *feature_rows]),
        ),
    )


def _columns(columns: list[Floats], rows: int = 0) -> Floats:
    """The columns as one array of shape (rows, columns)."""
    return np.column_stack(columns) if columns else np.empty((rows, 0))
