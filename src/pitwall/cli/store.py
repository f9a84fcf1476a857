"""Commands on what the stores hold."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress
from pitwall.errors import PitwallError, StoreError
from pitwall.settings import Settings

WIDE = 110


def compact(
    settled_s: Annotated[
        float,
        typer.Option("--settled-s", min=0, help="Leave files younger than this for the next time."),
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Make one file, sorted by session and time, of each day's files in the offline store; readers and the job go on."""
    from pitwall.features import load
    from pitwall.stores.offline.columns import SESSION_COLUMNS
    from pitwall.stores.offline.compact import compact as run
    from pitwall.stores.offline.files import recorded

    settings = Settings()
    step, stop = progress()
    try:
        with _alone(settings):
            done = [
                each
                for features in load(settings.feature_repo)
                for each in run(
                    recorded(settings, features.name),
                    SESSION_COLUMNS,
                    settled_s,
                    lambda text: step(text, None),
                )
            ]
    finally:
        stop()
    if as_json:
        emit({"folders": [asdict(each) for each in done]})
        return
    for each in done:
        OUT.print(
            f"{each.folder}: {each.files_before} files → {each.files_after}, {each.rows:,} rows"
        )
    if not done:
        OUT.print("nothing to compact")


def retention(
    apply: Annotated[
        bool, typer.Option("--apply", help="Delete it; without this, only say what would go.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what each store would lose by PITWALL_RETENTION_<OFFLINE|ONLINE|HISTORY|TOPICS>_DAYS; delete it with --apply."""
    from pitwall.operations.retention import due

    settings = Settings()
    kept = {
        name: getattr(settings, f"retention_{name}_days")
        for name in ("offline", "online", "history", "topics")
    }
    with _alone(settings):
        found = due(settings)
        if apply:
            for each in found:
                each.delete()
    if as_json:
        emit(
            {
                "applied": apply,
                "days": kept,
                "due": [
                    {
                        "store": d.store,
                        "what": d.what,
                        "rows": d.rows,
                        "last_written": d.last_written,
                    }
                    for d in found
                ],
            }
        )
        return
    table = Table(
        "Store",
        "Kept",
        "Due" if not apply else "Done",
        "Rows",
        "Last written",
        box=None,
        header_style="dim",
        padding=(0, 3, 0, 0),
    )
    for name, days in kept.items():
        mine = [each for each in found if each.store == name]
        age = "for ever" if days is None else f"{days:g} days"
        for each in mine:
            last = f"{each.last_written:%Y-%m-%d %H:%M}" if each.last_written else ""
            table.add_row(
                name, age, each.what, f"{each.rows:,}" if each.rows is not None else "", last
            )
        if not mine:
            table.add_row(
                name, age if days is not None or name != "topics" else "as set", "–", "", ""
            )
    OUT.print(table)
    if found and not apply:
        OUT.print(f"nothing was deleted; --apply does it ({len(found)} of the above)")


def sql(
    statement: Annotated[
        str,
        typer.Argument(
            help="One SELECT; the tables are the feature views, with a column event_date."
        ),
    ],
    engine: Annotated[str, typer.Option(help="flink or spark.")] = "flink",
    as_json: AsJson = False,
) -> None:
    """Ask the offline store in SQL, by Flink or by Spark; with PITWALL_METASTORE_URL Spark's tables stand in that Hive metastore."""
    from pitwall.operations.warehouse import query

    step, stop = progress()
    step(f"{engine} reads the offline store", None)
    try:
        found = query(Settings(), statement, engine)
    finally:
        stop()
    if as_json:
        emit(
            {
                "columns": found.columns,
                "rows": [[_plain(value) for value in row] for row in found.rows],
            }
        )
        return
    table = Table(box=None, header_style="dim", padding=(0, 3, 0, 0))
    for i, name in enumerate(found.columns):
        number = any(isinstance(row[i], int | float) for row in found.rows)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in found.rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    OUT.print(table)


def _plain(value: object) -> object:
    """As JSON has it: times and dates in ISO 8601."""
    from datetime import date

    return value.isoformat() if isinstance(value, date) else value


class _alone:
    """One compaction or deletion at a time. Raises `StoreError` while another is at work."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.home_dir / "run" / "offline.lock"

    def __enter__(self) -> None:
        import fcntl

        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise StoreError(
                "the offline store is being compacted or thinned by another command; run again when it is done"
            ) from None

    def __exit__(self, *_: object) -> None:
        self._file.close()


def features(as_json: AsJson = False) -> None:
    """List the features: definition, unit, freshness now, null share, and the models that use it."""
    from pitwall.features import load
    from pitwall.monitoring.feature_use import lineage

    settings = Settings()
    sets = load(settings.feature_repo)
    step, stop = progress()
    step("asking the stores", None)
    try:
        uses = lineage(settings, sets)
    finally:
        stop()
    if as_json:
        emit(
            {
                s.name: [
                    {**asdict(f), "description": f.description, **asdict(uses[s.name][f.name])}
                    for f in s.features
                ]
                for s in sets
            }
        )
        return
    # On a narrow terminal the definition stands below its name, where there is room for it.
    wide = OUT.width >= WIDE
    for each in sets:
        columns = ("Feature", "Unit", *(["Definition"] if wide else []), "Fresh", "Null", "Models")
        table = Table(
            *columns,
            title=each.name,
            title_justify="left",
            box=None,
            header_style="dim",
            padding=(0, 2, 0, 0),
        )
        table.columns[0].no_wrap, table.columns[-1].overflow = wide, "fold"
        for feature in each.features:
            use = uses[each.name][feature.name]
            null = "–" if use.null_share is None else f"{100 * use.null_share:.3g} %"
            told = [feature.description] if wide else []
            name = (
                feature.name
                if wide
                else Text.assemble(feature.name, "\n", (feature.description, "dim"))
            )
            table.add_row(
                name,
                feature.unit or "–",
                *told,
                _age(use.fresh_s),
                null,
                ", ".join(use.models) or "–",
            )
        OUT.print(table)


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.1f} s"


def parity(
    at_least: Annotated[
        float,
        typer.Option(
            "--at-least", min=0, max=100, help="Per cent of the values that must be equal."
        ),
    ] = 100.0,
    session: Annotated[
        list[str] | None, typer.Option("--session", help="Only these sessions.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare what was served with what the offline store gives at the same instants; exit status 1 below --at-least."""
    from pitwall.errors import JobError
    from pitwall.flink.rest import settle
    from pitwall.monitoring.parity import compare
    from pitwall.serving.served import logged

    settings = Settings()
    step, stop = progress()
    try:
        step("reading what was served", None)
        vectors = [
            vector for vector in logged(settings) if not session or vector.session in session
        ]
        try:
            step("waiting for the job's checkpoint", None)
            settle(settings, "features")
        except JobError as error:
            stop()
            ERR.print(
                f"no checkpoint was taken ({error}); the newest rows may count as missing",
                style="yellow",
                markup=False,
            )
        step(f"comparing {len(vectors):,} vectors", None)
        found = compare(settings, vectors)
    finally:
        stop()
    if not vectors:
        raise PitwallError(
            f"nothing was served{' in ' + ', '.join(session) if session else ''}, so there is nothing to compare; "
            "ask ./pitwall predict, or run ./pitwall score"
        )
    if as_json:
        emit({**asdict(found), "percent": found.percent, "at_least": at_least})
    else:
        table = Table(
            "Feature",
            "Equal",
            "Different",
            "Missing",
            box=None,
            header_style="dim",
            padding=(0, 3, 0, 0),
        )
        for name, counts in sorted(
            found.features.items(), key=lambda item: (-item[1].mismatch, -item[1].missing, item[0])
        ):
            table.add_row(name, f"{counts.match:,}", f"{counts.mismatch:,}", f"{counts.missing:,}")
        OUT.print(table)
        where = ", ".join(f"{count:,} {source}" for source, count in sorted(found.sources.items()))
        OUT.print(
            f"\n{found.vectors:,} vectors ({where}): {found.match:,} values equal, {found.mismatch:,} different, "
            f"{found.missing:,} missing: {_percent(found.percent)} %"
        )
        for text in found.worst:
            OUT.print(text, markup=False, highlight=False, soft_wrap=True)
    if found.percent < at_least:
        raise PitwallError(f"parity is {_percent(found.percent)} %, below --at-least {at_least:g}")


def _percent(value: float) -> str:
    """Three decimals, and never 100 where one value differs."""
    return "100.000" if value == 100 else f"{min(value, 99.999):.3f}"
