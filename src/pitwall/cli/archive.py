"""The commands on the archive of raw topics."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from pitwall.cli.terminal import ERR, OUT, AsJson, emit, table
from pitwall.settings import Settings

archive = typer.Typer(
    no_args_is_help=True, help="Raw topics on S3: store them, list them, send them again."
)


@archive.command("run", epilog="Example: ./pitwall archive run --once")
def run(
    once: Annotated[
        bool,
        typer.Option(
            "--once",
            help="Store what the topics hold now, and end; without this, go on until Ctrl-C.",
        ),
    ] = False,
    topics: Annotated[
        str | None,
        typer.Option(help="Topics, as a regular expression; default: the car's telemetry."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Store raw topics on S3, from the record on at which the archive ends."""
    from pitwall.operations.archive import Part
    from pitwall.operations.archive_topics import store

    def show(part: Part) -> None:
        ERR.print(f"{part.key}  {part.size / 1e6:.1f} MB", highlight=False)

    settings = Settings()
    written = store(settings, topics or settings.telemetry_pattern, once=once, on_part=show)
    emit({"records": written}) if as_json else OUT.print(f"{written:,} records archived")


@archive.command("list", epilog="Example: ./pitwall archive list --json")
def list_topics(as_json: AsJson = False) -> None:
    """List what the archive holds, by topic."""
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
                    topic: {
                        "parts": parts[topic],
                        "records": records[topic],
                        "bytes": sizes[topic],
                    }
                    for topic in parts
                }
            }
        )
        return
    rows = table("Topic", "Parts", "Records", "MB")
    for topic in parts:
        megabytes = f"{sizes[topic] / 1e6:.1f}"
        rows.add_row(topic, str(parts[topic]), f"{records[topic]:,}", megabytes)
    OUT.print(rows if parts else "nothing is archived; begin: ./pitwall archive run --once")


@archive.command(
    "replay",
    epilog="Example: ./pitwall archive replay p424-telemetry-batch --to p424-telemetry-batch-again",
)
def replay(
    topic: Annotated[str, typer.Argument(help="Name of an archived topic.")],
    to: Annotated[str | None, typer.Option(help="Topic to send to; default: the same.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send an archived topic to Kafka again, with the same bytes, keys and partitions."""
    from pitwall.operations.archive_replay import replay as send_again

    sent = send_again(Settings(), topic, to or topic)
    emit({"records": sent}) if as_json else OUT.print(f"{sent:,} records sent to {to or topic}")
