"""The commands `sessions list` and `sessions show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from pitwall.cli.session_arguments import AsSession, AsVehicle, held_row, held_table
from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress, table
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.operations.session_list import Summary
    from pitwall.operations.sessions import Holdings

WITHOUT_ARCHIVE = ("offline", "online", "history")


def list_sessions(
    tag: Annotated[str | None, typer.Option(help="List only sessions with this tag.")] = None,
    archive: Annotated[
        bool, typer.Option("--archive", help="Look into the archive, too: it is read as a whole.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the sessions with their laps, quality and tags, and whether they count for training."""
    from pitwall.operations.session_list import summaries
    from pitwall.operations.sessions import STORES, holdings

    settings = Settings()
    with progress() as step:
        step("asking the stores", None)
        found = holdings(settings, STORES if archive else WITHOUT_ARCHIVE)
        listed = summaries(settings, found.held)
    listed = [one for one in listed if tag is None or tag in one.mark.tags]
    if as_json:
        emit({"sessions": [_row(one) for one in listed], "not_asked": found.silent})
        return
    rows = table("Session", "Vehicle", "Ticks", "Duration", "Circuit", "Quality", "Tags", "Stores")
    rows.add_column("Training", overflow="fold")
    for one in listed:
        rows.add_row(
            escape(one.session),
            escape(one.vehicle),
            f"{one.quality.ticks:,}" if one.quality else "",
            _duration(one.quality.duration_s) if one.quality else "",
            escape(str(one.circuit or one.mark.circuit)),
            escape(str(one.quality or "")),
            escape(", ".join(sorted(one.mark.tags))),
            ", ".join(dict.fromkeys(held.store for held in one.held)),
            escape(one.training),
        )
    OUT.print(rows if listed else "no session is stored; send one: ./pitwall replay FILE")
    _print_silent(found)


def show(session: AsSession, vehicle: AsVehicle = None, as_json: AsJson = False) -> None:
    """Show one session: its laps, its quality, and what each store holds of it."""
    from pitwall.operations.session_list import summaries
    from pitwall.operations.sessions import STORES, holdings, key_of

    settings = Settings()
    with progress() as step:
        step("asking the stores", None)
        found = holdings(settings, STORES, session)
        key = key_of(found.held, session, vehicle)
        one = next(
            one
            for one in summaries(settings, found.held, session)
            if (one.vehicle, one.session) == key
        )
    if as_json:
        laps = [
            {
                "number": lap.number,
                "time_s": _finite(lap.time_s),
                "length_m": _finite(lap.length_m),
                "fault": lap.fault or None,
            }
            for lap in one.laps
        ]
        emit({**_row(one), "laps": laps, "not_asked": found.silent})
        return
    OUT.print(f"{one.session} of {one.vehicle}", markup=False, highlight=False)
    if one.quality:
        OUT.print(
            f"from {one.quality.first:%Y-%m-%d %H:%M:%S} UTC, "
            f"{_duration(one.quality.duration_s)}, {one.quality.ticks:,} ticks"
        )
        OUT.print(f"quality: {one.quality}", markup=False)
    OUT.print(f"tags: {', '.join(sorted(one.mark.tags)) or 'none'}", markup=False)
    OUT.print(f"counts for training: {one.training}", markup=False)
    laps_table = table("Lap", "Time", "Length", "Left out of training")
    for lap in one.laps:
        time_s, length_m = _finite(lap.time_s), _finite(lap.length_m)
        laps_table.add_row(
            str(lap.number),
            "" if time_s is None else f"{time_s:.3f} s",
            "" if length_m is None else f"{length_m:,.0f} m",
            lap.fault,
        )
    if one.laps:
        OUT.print(laps_table)
    OUT.print(held_table(one.held))
    _print_silent(found)


def _row(one: Summary) -> dict[str, Any]:
    quality = one.quality
    return {
        "vehicle": one.vehicle,
        "session": one.session,
        "first": quality and quality.first.isoformat(),
        "duration_s": quality and quality.duration_s,
        "ticks": quality and quality.ticks,
        "quality": quality
        and {
            "gaps": quality.gaps,
            "longest_gap_s": quality.longest_gap_s,
            "missing": quality.missing,
            "constant": list(quality.constant),
        },
        "laps": len(one.laps),
        "laps_taken": len(one.taken),
        "circuit": one.circuit and one.circuit.metadata(),
        "tags": sorted(one.mark.tags),
        "excluded": one.mark.excluded,
        "counts_for_training": one.counts,
        "training": one.training,
        "stores": [held_row(held) for held in one.held],
    }


def _print_silent(found: Holdings) -> None:
    for store, reason in found.silent.items():
        ERR.print(f"{store} could not be asked: {reason}", markup=False, soft_wrap=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min"


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None
