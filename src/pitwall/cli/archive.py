"""The commands on the archive of raw topics."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from rich.table import Table

from pitwall.cli.terminal import ERR, OUT, AsJson, emit
from pitwall.settings import Settings

archive = typer.Typer(
    no_args_is_help=True, help="Raw topics on S3: store, list, send again byte for byte."
)


@archive.command("run", epilog="Example: ./pitwall archive run --once")
def run(
    once: Annotated[
        bool, typer.Option("--once", help="What the topics hold now; else until Ctrl-C.")
    ] = False,
    topics: Annotated[
        str | None, typer.Option(help="Names, as a regular expression; default the car's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Store raw topics on S3, from where the archive ends."""
    from pitwall.operations.archive_topics import store

    settings = Settings()
    pattern = topics or settings.telemetry_pattern
    written = store(
        settings,
        pattern,
        once=once,
        on_part=lambda part: ERR.print(f"{part.key}  {part.size / 1e6:.1f} MB", highlight=False),
    )
    emit({"records": written}) if as_json else OUT.print(f"{written:,} records archived")


@archive.command("list", epilog="Example: ./pitwall archive list --json")
def list_topics(as_json: AsJson = False) -> None:
    """What the archive holds, by topic."""
    from pitwall.operations.archive import Archive

    records, sizes, parts = Counter[str](), Counter[str](), Counter[str]()
    for part in Archive(Settings()).parts():
        parts[part.topic] += 1
        records[part.topic] += part.last - part.first + 1
        sizes[part.topic] += part.size
    if as_json:
        emit(
            {
                "topics": {
                    t: {"parts": parts[t], "records": records[t], "bytes": sizes[t]} for t in parts
                }
            }
        )
        return
    table = Table(
        "Topic", "Parts", "Records", "MB", box=None, header_style="dim", padding=(0, 3, 0, 0)
    )
    for topic in parts:
        table.add_row(topic, str(parts[topic]), f"{records[topic]:,}", f"{sizes[topic] / 1e6:.1f}")
    OUT.print(table if parts else "nothing is archived; begin: ./pitwall archive run --once")


@archive.command(
    "replay",
    epilog="Example: ./pitwall archive replay p424-telemetry-batch --to p424-telemetry-batch-again",
)
def replay(
    topic: Annotated[str, typer.Argument(help="An archived topic.")],
    to: Annotated[str | None, typer.Option(help="Another topic to send to.")] = None,
    as_json: AsJson = False,
) -> None:
    """Produce an archived topic again: every byte, key and partition as it was."""
    from pitwall.operations.archive_replay import replay as send

    sent = send(Settings(), topic, to or topic)
    emit({"records": sent}) if as_json else OUT.print(f"{sent:,} records sent to {to or topic}")
