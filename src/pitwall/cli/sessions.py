"""The commands on recorded sessions, by their names."""

from __future__ import annotations

import typer

from pitwall.cli.session_delete import delete
from pitwall.cli.session_marks import exclude, include, tag
from pitwall.cli.session_views import list_sessions, show

sessions = typer.Typer(
    no_args_is_help=True,
    help="Recorded sessions: list, show, tag, leave out of training, delete.",
)
_ID = "20260101-000400-simulation"
sessions.command("list", epilog="Example: ./pitwall sessions list --tag wet")(list_sessions)
sessions.command("show", epilog=f"Example: ./pitwall sessions show {_ID}")(show)
sessions.command("tag", epilog=f"Example: ./pitwall sessions tag {_ID} wet circuit=Home")(tag)
sessions.command(
    "exclude", epilog=f'Example: ./pitwall sessions exclude {_ID} --reason "no Speed"'
)(exclude)
sessions.command("include", epilog=f"Example: ./pitwall sessions include {_ID}")(include)
sessions.command("delete", epilog=f"Example: ./pitwall sessions delete {_ID} --dry-run")(delete)
