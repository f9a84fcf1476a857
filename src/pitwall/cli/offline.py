"""The commands on the offline store and on old data: `compact`, `retention`, `sql`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from pitwall.cli.terminal import OUT, AsJson, emit, progress, table
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.operations.due import Due


def compact(
    settled_s: Annotated[
        float,
        typer.Option("--settled-s", min=0, help="Leave out files younger than this, seconds."),
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Merge each day's files of the offline store into one.

    Its rows are sorted by session and time. Readers and the features job may run at the same time.
    """
    from pitwall.features import load
    from pitwall.operations.exclusive import exclusive
    from pitwall.stores.offline.columns import SESSION_COLUMNS
    from pitwall.stores.offline.compact import compact as compact_view
    from pitwall.stores.offline.files import recorded

    settings = Settings()
    folders = []
    with progress() as step, exclusive(settings):
        for view in load(settings.feature_repo):
            folders += compact_view(
                recorded(settings, view.name),
                SESSION_COLUMNS,
                settled_s,
                lambda text: step(text, None),
            )
    if as_json:
        emit({"folders": [asdict(folder) for folder in folders]})
        return
    for folder in folders:
        OUT.print(
            f"{folder.folder}: {folder.files_before} files → {folder.files_after}, "
            f"{folder.rows:,} rows"
        )
    if not folders:
        OUT.print("nothing to compact")


def retention(
    apply: Annotated[
        bool, typer.Option("--apply", help="Delete the old data; without this, only list it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List data older than their retention time, or delete them.

    The times are PITWALL_RETENTION_<OFFLINE|ONLINE|HISTORY|TOPICS>_DAYS.
    """
    from pitwall.operations.exclusive import exclusive
    from pitwall.operations.retention import due

    settings = Settings()
    days_kept = {
        store: getattr(settings, f"retention_{store}_days")
        for store in ("offline", "online", "history", "topics")
    }
    with exclusive(settings):
        due_now = due(settings)
        if apply:
            for item in due_now:
                item.delete()
    if as_json:
        emit(
            {
                "applied": apply,
                "days": days_kept,
                "due": [
                    {
                        "store": item.store,
                        "what": item.what,
                        "rows": item.rows,
                        "last_written": item.last_written,
                    }
                    for item in due_now
                ],
            }
        )
        return
    _print_due(days_kept, due_now, apply)


def _print_due(days_kept: dict[str, float | None], due_now: list[Due], applied: bool) -> None:
    """Print the data that are due, by store; `applied` says that they are deleted."""
    rows = table("Store", "Kept", "Done" if applied else "Due", "Rows", "Last written")
    for store, days in days_kept.items():
        kept = "for ever" if days is None else f"{days:g} days"
        items = [item for item in due_now if item.store == store]
        for item in items:
            count = f"{item.rows:,}" if item.rows is not None else ""
            last = f"{item.last_written:%Y-%m-%d %H:%M}" if item.last_written else ""
            rows.add_row(store, kept, item.what, count, last)
        if not items:
            # A topic without a retention time of ours has the one that Kafka's operator set.
            by_kafka = store == "topics" and days is None
            rows.add_row(store, "as set" if by_kafka else kept, "–", "", "")
    OUT.print(rows)
    if due_now and not applied:
        OUT.print(f"nothing was deleted; --apply does it ({len(due_now)} of the above)")


def sql(
    statement: Annotated[
        str,
        typer.Argument(
            help="A SELECT statement. The tables are the feature views, with a column event_date."
        ),
    ],
    engine: Annotated[str, typer.Option(help="Engine: flink or spark.")] = "flink",
    as_json: AsJson = False,
) -> None:
    """Query the offline store in SQL, by Flink or by Spark.

    With PITWALL_METASTORE_URL the tables that Spark reads are kept in that Hive metastore.
    """
    from pitwall.operations.warehouse import query

    with progress() as step:
        step(f"{engine} reads the offline store", None)
        result = query(Settings(), statement, engine)
    if as_json:
        rows_json = [[_json_value(value) for value in row] for row in result.rows]
        emit({"columns": result.columns, "rows": rows_json})
        return
    rows = table()
    for place, name in enumerate(result.columns):
        is_number = any(isinstance(row[place], int | float) for row in result.rows)
        rows.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in result.rows:
        rows.add_row(*("" if value is None else str(value) for value in row))
    OUT.print(rows)


def _json_value(value: object) -> object:
    """The value for JSON: times and dates become text in ISO 8601."""
    return value.isoformat() if isinstance(value, date) else value
