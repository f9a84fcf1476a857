"""The commands on dead letters."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from pitwall.cli.terminal import ERR, OUT, AsJson, emit
from pitwall.errors import PitwallError, UsageError
from pitwall.settings import Settings


def need_kafka(settings: Settings) -> None:
    """Raise `PitwallError` where no Kafka answers."""
    from pitwall.machine.ports import port_open

    if not port_open(settings.host, settings.kafka_port):
        raise PitwallError(
            f"Kafka at {settings.bootstrap_servers} does not answer; start it: ./pitwall up"
        )


letters = typer.Typer(
    no_args_is_help=True, help="What could not be read: list, show and send again."
)


@letters.command("list", epilog="Example: ./pitwall dead-letters list --reason truncated")
def list_letters(
    reason: Annotated[str, typer.Option(help="Only where the reason holds this text.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters, oldest first."""
    from pitwall.operations import dead_letters

    settings = Settings()
    need_kafka(settings)
    total, found = 0, deque[dict[str, Any]](maxlen=limit)
    for letter in dead_letters.read(settings):
        if reason in letter.reason:
            total += 1
            row = {**asdict(letter), "bytes": len(letter.value)}
            del row["value"]
            found.append(row)
    if as_json:
        emit({"total": total, "letters": list(found)})
        return
    table = Table(
        "Id", "From", "Bytes", "Reason", box=None, header_style="dim", padding=(0, 3, 0, 0)
    )
    for row in found:
        table.add_row(
            row["id"],
            f"{row['topic']}/{row['partition']} @ {row['offset']}",
            f"{row['bytes']:,}",
            escape(row["reason"]),
        )
    OUT.print(table)
    OUT.print(f"{total:,} dead letters" + (f", the newest {limit} shown" if total > limit else ""))


@letters.command("show", epilog="Example: ./pitwall dead-letters show 0-17")
def show_letter(
    name: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False
) -> None:
    """Show one: where it came from, why, and its bytes."""
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
        list[str] | None, typer.Argument(metavar="[ID]...", help="Which; with --all every one.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all")] = False,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again to the topics they came from. What is still bad comes back as a new one."""
    from pitwall.operations import dead_letters

    if bool(names) == everything:
        raise UsageError("name dead letters to send again, or give --all")
    settings = Settings()
    need_kafka(settings)
    chosen = (
        dead_letters.read(settings)
        if everything
        else [dead_letters.find(settings, name) for name in names or []]
    )
    sent = dead_letters.send_again(settings, chosen)
    emit({"sent": sent}) if as_json else OUT.print(f"{sent:,} dead letters sent again")
