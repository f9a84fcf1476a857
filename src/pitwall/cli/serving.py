"""The commands that serve predictions and ask for them."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.table import Table

from pitwall.cli.terminal import ERR, OUT, AsJson, emit
from pitwall.errors import PitwallError
from pitwall.settings import Settings

serving = typer.Typer()
SHOWN = 12
"""Contributions shown at most; `--json` gives all."""


def need_server(settings: Settings, name: str) -> None:
    """Raises `PitwallError` when a server of the stack does not answer."""
    from pitwall.local.servers.table import SERVERS

    if not SERVERS[name].ready(settings):
        raise PitwallError(
            f"{name} at {SERVERS[name].url(settings)} does not answer; start it: ./pitwall up"
        )


def _foreground(name: str) -> None:
    from pitwall.local.servers.table import SERVERS
    from pitwall.local.stack import Stack
    from pitwall.machine import jars
    from pitwall.machine.processes import find

    settings = Settings()
    if (running := find(settings.run_dir, name)) is not None:
        raise PitwallError(
            f"{name} runs already (process {running.pid}, {SERVERS[name].url(settings)}); stop it: ./pitwall down"
        )
    jars.fetch(settings.cache_dir / "m2")
    with Stack(settings, lambda server, state: ERR.print(f"{server} {state}")) as stack:
        stack.start([name])
        ERR.print(f"{name} serves {SERVERS[name].url(settings) or 'the stream'}; Ctrl-C ends it")
        while find(settings.run_dir, name) is not None:
            time.sleep(0.5)
    raise PitwallError(f"{name} ended by itself; see {settings.log_dir / name}.log")


@serving.command(epilog="Example: ./pitwall serve")
def serve() -> None:
    """The prediction endpoint in the foreground."""
    from pitwall.serving.listen import options

    options(Settings())
    _foreground("serving")


@serving.command(epilog="Example: ./pitwall score --worker 2")
def score(
    worker: Annotated[
        str,
        typer.Option(
            "--worker", help="Name of a further worker beside the stack's own, which is 1."
        ),
    ] = "1",
) -> None:
    """The stream scorer in the foreground; several workers share the sessions."""
    if worker == "1":
        _foreground("scorer")
    from pitwall.serving.scorer import run

    settings = Settings()
    need_server(settings, "kafka")
    need_server(settings, "mlflow")
    ERR.print(f"scorer {worker} serves the stream; Ctrl-C ends it")
    run(settings, worker)


@serving.command(
    epilog='Example: ./pitwall predict lap_time --vehicle "PERRINN 424" --session 20260101-000400-simulation --explain'
)
def predict(
    model: Annotated[str, typer.Argument()],
    vehicle: Annotated[str, typer.Option("--vehicle")],
    session: Annotated[str, typer.Option("--session")],
    max_age: Annotated[
        float,
        typer.Option(
            "--max-age", min=0.001, max=1e9, help="Refuse features that came longer ago, seconds."
        ),
    ] = 1e9,
    at: Annotated[
        str | None,
        typer.Option(
            "--time", help="As things stood then, on the session's clock: 2026-01-01T00:05:10Z."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="What each feature contributes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Query the endpoint: the features of a car in a session, the newest or those of a time, and what the model makes of them."""
    import httpx

    from pitwall.serving.listen import trust

    settings = Settings()
    need_server(settings, "serving")
    question = {
        "model": model,
        "vehicle": vehicle,
        "session": session,
        "max_age_s": max_age,
        "explain": explain,
    }
    if at is not None:
        question["time"] = at
    token = settings.secret("token").get_secret_value()
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.post(
        f"{settings.serving_url}/predict",
        timeout=10,
        json=question,
        headers=headers,
        verify=trust(settings),
    )
    body: dict[str, Any] = answer.json()
    if answer.status_code != 200:
        raise PitwallError(
            f"{body.get('error', {}).get('code', answer.status_code)}: {body.get('error', {}).get('message', body)}"
        )
    if as_json:
        emit(body)
        return
    unit = body["unit"]
    OUT.print(
        f"{body['model']} version {body['version']}: [bold]{body['value']:.3f} {unit}[/bold] ({body['low']:.3f} to {body['high']:.3f}) at {body['event_time']}, "
        f"features {body['age_s']:.1f} s old"
    )
    if explain:
        table = Table(
            "Feature", f"Contribution ({unit})", box=None, header_style="dim", padding=(0, 3, 0, 0)
        )
        table.columns[1].justify = "right"
        for name, moved in list(body["contributions"].items())[:SHOWN]:
            table.add_row(name, f"{moved:+.3f}")
        OUT.print(table)
