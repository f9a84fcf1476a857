"""What the analysis view shows, as a file: the laps' own samples, one row for each tick."""

from __future__ import annotations

import io
from collections.abc import Mapping
from urllib.parse import quote

import pandas as pd
from starlette.responses import PlainTextResponse, Response

from pitwall.errors import PitwallError, UsageError
from pitwall.page.data import compare
from pitwall.page.data.export_files import files
from pitwall.page.data.recorded import Archive
from pitwall.page.data.stored_laps import StoredLap

MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
"""The formats of one table, and the media type of each."""
OTHER_TOOLS = ("motec", "mcap", "mdf4")
"""The formats that hold whole laps for other tools."""


def laps_text(laps: list[StoredLap]) -> str:
    """The laps as they are written in a link."""
    return "\x1e".join(f"{lap.vehicle}\x1f{lap.session}\x1f{lap.number}" for lap in laps)


def laps_named(archive: Archive, text: str) -> list[StoredLap]:
    """The laps of a `laps_text` that the offline store has, in the order of the text.

    Raises `StoreError` when the store cannot be read.
    """
    stored = {(lap.vehicle, lap.session, str(lap.number)): lap for lap in archive.laps()}
    keys = [
        tuple(lap_text.split("\x1f"))
        for lap_text in text.split("\x1e")
        if lap_text.count("\x1f") == 2
    ]
    return [stored[key] for key in keys if key in stored]


def samples(
    archive: Archive,
    laps: list[StoredLap],
    names: list[str],
    by: str,
    begin: float | None = None,
    end: float | None = None,
) -> pd.DataFrame:
    """The laps' samples from `begin` to `end`, both included, in metres or seconds as `by` says.

    Columns: vehicle, session, lap, lap_time (s), lap_distance (m), and the features and channels
    `names`. None leaves an end open. Raises `StoreError` when a store does not answer.
    """
    tables = []
    for lap in laps:
        data = compare.read(archive, lap, names)
        columns = {
            name: values
            for name, values in data.columns.items()
            if name not in ("lap_time", "lap_distance")
        }
        table = pd.DataFrame(
            {
                "vehicle": lap.vehicle,
                "session": lap.session,
                "lap": lap.number,
                "lap_time": data.time_s,
                "lap_distance": data.distance_m,
                **columns,
            }
        )
        axis = data.axis(by)
        inside = (axis >= (begin if begin is not None else -float("inf"))) & (
            axis <= (end if end is not None else float("inf"))
        )
        tables.append(table[inside])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def answer(archive: Archive, query: Mapping[str, str]) -> Response:
    """The answer to `/export?laps=…&channels=a,b&by=distance&format=…[&from=…&to=…]`.

    `MEDIA_TYPES` and `OTHER_TOOLS` name the formats; those for other tools hold the laps whole. Its
    status is 422 for a query that is wrong, 404 where no lap is stored, and 503 when a store
    does not answer.
    """
    kind = query.get("format", "csv")
    if kind not in (*MEDIA_TYPES, *OTHER_TOOLS):
        formats = ", ".join((*MEDIA_TYPES, *OTHER_TOOLS))
        return PlainTextResponse(f"The format {kind!r} is unknown. The formats are {formats}.", 422)
    try:
        begin, end = (float(query[name]) if query.get(name) else None for name in ("from", "to"))
        laps = laps_named(archive, query.get("laps", ""))
        if not laps:
            return PlainTextResponse("None of these laps is in the offline store.", 404)
        names = [name for name in query.get("channels", "").split(",") if name]
        if kind in OTHER_TOOLS:
            return _download(*files(archive, laps, names, kind), "application/octet-stream")
        table = samples(archive, laps, names, query.get("by", "distance"), begin, end)
    except ValueError as error:
        return PlainTextResponse(f"The values of from and to must be numbers ({error}).", 422)
    except UsageError as error:
        return PlainTextResponse(str(error), 422)
    except PitwallError as error:
        return PlainTextResponse(str(error), 503)
    body = io.BytesIO()
    if kind == "csv":
        table.to_csv(body, index=False)
    else:
        table.to_parquet(body, index=False)
    return _download(f"pitwall-laps.{kind}", body.getvalue(), MEDIA_TYPES[kind])


def _download(name: str, content: bytes, media_type: str) -> Response:
    """An answer that the browser stores as a file of this name."""
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=media_type, headers={"Content-Disposition": disposition})
