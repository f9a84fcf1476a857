"""Commands on what the stores hold."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from pitwall.errors import StoreError
from pitwall.settings import Settings
from pitwall.terminal import OUT, AsJson, emit, progress


def compact(
    settled_s: Annotated[float, typer.Option("--settled-s", min=0, help="Leave files younger than this for the next time.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Make one file, sorted by session and time, of each day's files in the offline store; readers and the job go on."""
    from pitwall.features import load
    from pitwall.retention import SESSION_COLUMNS
    from pitwall.store.parquet.compact import compact as run
    from pitwall.store.parquet.files import place

    settings = Settings()
    step, stop = progress()
    try:
        with _alone(settings):
            done = [
                each
                for features in load(settings.feature_repo)
                for each in run(place(str(settings.offline_dir / features.name)), SESSION_COLUMNS, settled_s, lambda text: step(text, None))
            ]
    finally:
        stop()
    if as_json:
        emit({"folders": [asdict(each) for each in done]})
        return
    for each in done:
        OUT.print(f"{each.folder}: {each.files_before} files → {each.files_after}, {each.rows:,} rows")
    if not done:
        OUT.print("nothing to compact")


def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Delete it; without this, only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what each store would lose by PITWALL_RETENTION_<OFFLINE|ONLINE|HISTORY|TOPICS>_DAYS; delete it with --apply."""
    from pitwall.retention import due

    settings = Settings()
    kept = {name: getattr(settings, f"retention_{name}_days") for name in ("offline", "online", "history", "topics")}
    with _alone(settings):
        found = due(settings)
        if apply:
            for each in found:
                each.delete()
    if as_json:
        emit({
            "applied": apply, "days": kept,
            "due": [{"store": d.store, "what": d.what, "rows": d.rows, "last_written": d.last_written} for d in found],
        })  # fmt: skip
        return
    table = Table(
        "Store", "Kept", "Due" if not apply else "Done", "Rows", "Last written", box=None, header_style="dim", padding=(0, 3, 0, 0)
    )
    for name, days in kept.items():
        mine = [each for each in found if each.store == name]
        age = "for ever" if days is None else f"{days:g} days"
        for each in mine:
            last = f"{each.last_written:%Y-%m-%d %H:%M}" if each.last_written else ""
            table.add_row(name, age, each.what, f"{each.rows:,}" if each.rows is not None else "", last)
        if not mine:
            table.add_row(name, age if days is not None or name != "topics" else "as set", "–", "", "")
    OUT.print(table)
    if found and not apply:
        OUT.print(f"nothing was deleted; --apply does it ({len(found)} of the above)")


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
            raise StoreError("the offline store is being compacted or thinned by another command; run again when it is done") from None

    def __exit__(self, *_: object) -> None:
        self._file.close()
