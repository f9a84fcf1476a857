"""What Analysis shows, as a file: the laps' own samples, nothing put on a grid, one row a tick."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pandas as pd
from starlette.responses import PlainTextResponse, Response

from pitwall.errors import PitwallError
from pitwall.page.data import compare
from pitwall.page.data.recorded import Archive, StoredLap


def laps_text(laps: list[StoredLap]) -> str:
    """Laps in a link."""
    return "\x1e".join(f"{lap.vehicle}\x1f{lap.session}\x1f{lap.number}" for lap in laps)


def laps_named(archive: Archive, text: str) -> list[StoredLap]:
    """The laps of `laps_text` that the offline store has, in its order."""
    known = {(lap.vehicle, lap.session, str(lap.number)): lap for lap in archive.laps()}
    keys = [tuple(each.split("\x1f")) for each in text.split("\x1e") if each.count("\x1f") == 2]
    return [known[key] for key in keys if key in known]


def frame(
    archive: Archive,
    laps: list[StoredLap],
    names: list[str],
    by: str,
    begin: float | None = None,
    end: float | None = None,
) -> pd.DataFrame:
    """Columns vehicle, session, lap, lap_time, lap_distance and the names, of the samples between
    the ends (in the axis' unit).
    """
    parts = []
    for lap in laps:
        data = compare.read(archive, lap, names)
        table = pd.DataFrame(
            {
                "vehicle": lap.vehicle,
                "session": lap.session,
                "lap": lap.number,
                "lap_time": data.time_s,
                "lap_distance": data.distance_m,
                **{n: v for n, v in data.columns.items() if n not in ("lap_time", "lap_distance")},
            }
        )
        axis = data.over(by)
        inside = (axis >= (begin if begin is not None else -float("inf"))) & (
            axis <= (end if end is not None else float("inf"))
        )
        parts.append(table[inside])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def answer(archive: Archive, query: Mapping[str, str]) -> Response:
    """`/export?laps=…&channels=a,b&by=distance&format=csv|parquet[&from=…&to=…]`."""
    kind = query.get("format", "csv")
    if kind not in ("csv", "parquet"):
        return PlainTextResponse(f"format {kind!r} is unknown; there are csv and parquet", 422)
    try:
        ends = [float(query[name]) if query.get(name) else None for name in ("from", "to")]
        laps = laps_named(archive, query.get("laps", ""))
        if not laps:
            return PlainTextResponse("none of these laps is in the offline store", 404)
        names = [name for name in query.get("channels", "").split(",") if name]
        table = frame(archive, laps, names, query.get("by", "distance"), *ends)
    except ValueError as error:
        return PlainTextResponse(f"from and to are numbers ({error})", 422)
    except PitwallError as error:
        return PlainTextResponse(str(error), 503)
    body = io.BytesIO()
    if kind == "csv":
        table.to_csv(body, index=False)
    else:
        table.to_parquet(body, index=False)
    media = "text/csv" if kind == "csv" else "application/vnd.apache.parquet"
    return Response(
        body.getvalue(),
        media_type=media,
        headers={"Content-Disposition": f'attachment; filename="pitwall-laps.{kind}"'},
    )
