"""The commands on features and channels: `features`, `history`, `parity`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from pitwall.cli.checks import need_cassandra
from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress, table
from pitwall.errors import JobError, PitwallError, UsageError
from pitwall.settings import Settings

WIDE = 110
"""A terminal with so many columns shows the definitions in a column of their own."""


def features(as_json: AsJson = False) -> None:
    """List the features with their unit and use.

    Columns: unit, definition, age of the newest value, share of nulls, and the models that use the
    feature. On a narrow terminal the definition stands below the feature's name.
    """
    from pitwall.features import load
    from pitwall.monitoring.feature_use import lineage

    settings = Settings()
    views = load(settings.feature_repo)
    with progress() as step:
        step("asking the stores", None)
        uses = lineage(settings, views)
    if as_json:
        emit(
            {
                view.name: [
                    {
                        **asdict(feature),
                        "description": feature.description,
                        **asdict(uses[view.name][feature.name]),
                    }
                    for feature in view.features
                ]
                for view in views
            }
        )
        return
    wide = OUT.width >= WIDE
    heads = ("Feature", "Unit", *(["Definition"] if wide else []), "Fresh", "Null", "Models")
    for view in views:
        rows = table(*heads, gap=2, title=view.name)
        rows.columns[0].no_wrap, rows.columns[-1].overflow = wide, "fold"
        for feature in view.features:
            use = uses[view.name][feature.name]
            null = "–" if use.null_share is None else f"{100 * use.null_share:.3g} %"
            name = (
                feature.name
                if wide
                else Text.assemble(feature.name, "\n", (feature.description, "dim"))
            )
            definition = [feature.description] if wide else []
            models = ", ".join(use.models) or "–"
            rows.add_row(name, feature.unit or "–", *definition, _age(use.fresh_s), null, models)
        OUT.print(rows)


def _age(seconds: float | None) -> str:
    """An age in its largest unit, for instance `3 min`."""
    if seconds is None:
        return "–"
    for unit, length_s in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.1f} s"


def history(
    session: Annotated[str, typer.Argument(help="SessionId.")],
    channel: Annotated[str, typer.Argument(help="Name or id of a channel.")],
    vehicle: Annotated[str, typer.Option("--vehicle", help="VehicleId of the car.")],
    last: Annotated[
        float | None, typer.Option(min=0, help="Only so many seconds before the newest value.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the values of one channel in a session.

    The newest value comes first. A line holds the seconds since the session's start, and the value
    in the channel's unit.
    """
    from pitwall.channels.channel import channel_id
    from pitwall.channels.table import CHANNELS
    from pitwall.stores.history import HistoryReader

    settings = Settings()
    need_cassandra(settings)
    standard = CHANNELS.get(channel_id(channel))
    name = standard.id if standard else channel
    with HistoryReader(settings) as reader:
        since_s = None
        if last is not None:
            newest = reader.read(vehicle, session, name, newest=1)
            since_s = float(newest.times_s[0]) - last if len(newest.times_s) else None
        values = reader.read(vehicle, session, name, since_s=since_s)
    if not len(values.times_s):
        raise UsageError(
            f"the history has no values of channel {name!r} for vehicle {vehicle!r} "
            f"in session {session!r}"
        )
    if as_json:
        emit(
            {
                "vehicle": vehicle,
                "session": session,
                "channel": name,
                "unit": standard.unit if standard else None,
                "times_s": values.times_s.tolist(),
                "values": values.values.tolist(),
            }
        )
        return
    for time_s, value in zip(values.times_s.tolist(), values.values.tolist(), strict=True):
        print(f"{time_s:.6f}\t{value!r}")


def parity(
    at_least: Annotated[
        float,
        typer.Option("--at-least", min=0, max=100, help="Percentage of values that must be equal."),
    ] = 100.0,
    session: Annotated[
        list[str] | None, typer.Option("--session", help="Only these sessions.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare served features with the offline store.

    The values must be equal at the same instants. The exit status is 1 when fewer than --at-least
    percent of them are.
    """
    from pitwall.flink.control import settle
    from pitwall.kafka.unreadable import Unreadable
    from pitwall.monitoring.parity import compare
    from pitwall.serving.served import logged

    settings = Settings()
    with progress() as step:
        step("reading the features that were served", None)
        unreadable = Unreadable("parity")
        vectors = [
            vector
            for vector in logged(settings, unreadable=unreadable)
            if not session or vector.session in session
        ]
        checkpoint_error: JobError | None = None
        try:
            step("waiting for the job's checkpoint", None)
            settle(settings, "features")
        except JobError as error:
            checkpoint_error = error
        step(f"comparing {len(vectors):,} vectors", None)
        result = compare(settings, vectors)
    if checkpoint_error is not None:
        ERR.print(
            f"no checkpoint was taken ({checkpoint_error}); the newest rows may count as missing",
            style="yellow",
            markup=False,
        )
    if unreadable.total:
        ERR.print(
            f"{unreadable.total} messages of {settings.served_topic} could not be read; "
            f"the newest: {unreadable.newest}",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    if not vectors:
        where = f" in {', '.join(session)}" if session else ""
        raise PitwallError(
            f"{settings.served_topic} holds nothing that was served{where} (Kafka keeps it for a "
            "time only), so there is nothing to compare; ask ./pitwall predict, "
            "or run ./pitwall score"
        )
    if as_json:
        emit(
            {
                **asdict(result),
                "percent": result.percent,
                "at_least": at_least,
                "unreadable": unreadable.total,
            }
        )
    else:
        rows = table("Feature", "Equal", "Different", "Missing")
        worst_first = sorted(
            result.features.items(),
            key=lambda item: (-item[1].mismatch, -item[1].missing, item[0]),
        )
        for name, counts in worst_first:
            rows.add_row(name, f"{counts.match:,}", f"{counts.mismatch:,}", f"{counts.missing:,}")
        OUT.print(rows)
        sources = ", ".join(
            f"{count:,} {source}" for source, count in sorted(result.sources.items())
        )
        OUT.print(
            f"\n{result.vectors:,} vectors ({sources}): {result.match:,} values equal, "
            f"{result.mismatch:,} different, {result.missing:,} missing: "
            f"{_percent(result.percent)} %"
        )
        for line in result.worst:
            OUT.print(line, markup=False, highlight=False, soft_wrap=True)
    if result.percent < at_least:
        raise PitwallError(f"parity is {_percent(result.percent)} %, below --at-least {at_least:g}")


def _percent(value: float) -> str:
    """A percentage with three decimals, which shows 100 only where no value differs."""
    return "100.000" if value == 100 else f"{min(value, 99.999):.3f}"
