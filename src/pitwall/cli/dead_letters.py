"""The commands on dead letters."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from pitwall.cli.checks import need_kafka
from pitwall.cli.terminal import ERR, OUT, AsJson, emit, table
from pitwall.errors import UsageError
from pitwall.settings import Settings

letters = typer.Typer(
    no_args_is_help=True,
    help="List, show and resend messages that the job rejected.",
)


@letters.command("list", epilog="Example: ./pitwall dead-letters list --reason truncated")
def list_letters(
    reason: Annotated[
        str, typer.Option(help="List only those whose reason has this text in it.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters, oldest first."""
    from pitwall.operations import dead_letters

    settings = Settings()
    need_kafka(settings)
    total = 0
    newest = deque[dict[str, Any]](maxlen=limit)
    for letter in dead_letters.read(settings):
        if reason in letter.reason:
            total += 1
            row = {**asdict(letter), "bytes": len(letter.value)}
            del row["value"]
            newest.append(row)
    if as_json:
        emit({"total": total, "letters": list(newest)})
        return
    rows = table("Id", "From", "Bytes", "Reason")
    for row in newest:
        rows.add_row(
            row["id"],
            f"{row['topic']}/{row['partition']} @ {row['offset']}",
            f"{row['bytes']:,}",
            escape(row["reason"]),
        )
    OUT.print(rows)
    OUT.print(f"{total:,} dead letters" + (f", the newest {limit} shown" if total > limit else ""))


@letters.command("show", epilog="Example: ./pitwall dead-letters show 0-17")
def show_letter(
    name: Annotated[str, typer.Argument(metavar="ID", help="An id of `dead-letters list`.")],
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: where it came from, the reason, and its bytes."""
    from pitwall.operations import dead_letters

    settings = Settings()
    need_kafka(settings)
    letter = dead_letters.find(settings, name)
    text = letter.value.decode(errors="backslashreplace")
    if as_json:
        emit({**asdict(letter), "value": text})
        return
    ERR.print(
        f"{letter.topic}/{letter.partition} @ {letter.offset}: {letter.reason}",
        markup=False,
        highlight=False,
    )
    print(text)


@letters.command("replay", epilog="Example: ./pitwall dead-letters replay 0-17")
def replay_letters(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of `dead-letters list`.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Send every dead letter.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again to the topics they came from.

    A message that still cannot be used comes back as a new dead letter.
    """
    from pitwall.operations import dead_letters

    if bool(names) == everything:
        raise UsageError("give the ids of dead letters to send again, or --all")
    settings = Settings()
    need_kafka(settings)
    chosen = (
        dead_letters.read(settings)
        if everything
        else [dead_letters.find(settings, name) for name in names or []]
    )
    sent = dead_letters.send_again(settings, chosen)
    emit({"sent": sent}) if as_json else OUT.print(f"{sent:,} dead letters sent again")
