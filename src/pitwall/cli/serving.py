"""The commands on predictions and features: `serve` and `score` make predictions, `predict` asks
for one, `serve-features` serves features.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pitwall.cli.checks import need_kafka, need_mlflow, need_server
from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress, table
from pitwall.errors import PitwallError
from pitwall.lab.progress import Step
from pitwall.settings import Settings

if TYPE_CHECKING:
    import httpx

READY_S = 120.0
"""So long `predict` waits for an endpoint that loads its models."""
SHOWN = 12
"""The most contributions that are shown; `--json` gives all."""


def serve() -> None:
    """Run the prediction endpoint in the foreground."""
    from pitwall.serving.listen import options

    options(Settings())  # raises for a certificate that cannot be used, before a server starts
    _foreground("serving")


def score(
    worker: Annotated[
        str,
        typer.Option(
            "--worker", help="Name of another worker; the name of the stack's own worker is 1."
        ),
    ] = "1",
) -> None:
    """Run the stream scorer in the foreground.

    Several workers share the sessions.
    """
    if worker == "1":
        _foreground("scorer")
    from pitwall.serving.scorer import run

    settings = Settings()
    need_kafka(settings)
    need_mlflow(settings)
    ERR.print(f"scorer {worker} serves the stream; Ctrl-C ends it")
    run(settings, worker)


def serve_features(
    offline: Annotated[
        bool, typer.Option("--offline", help="Serve the offline store, by Arrow Flight.")
    ] = False,
) -> None:
    """Run Feast's feature server in the foreground, with roles.

    It listens on PITWALL_FEATURES_PORT, or with --offline on PITWALL_OFFLINE_PORT.
    """
    from pitwall.serving import feature_server, offline_server

    settings = Settings()
    port = settings.offline_port if offline else settings.features_port
    ERR.print(f"serve-features listens on {settings.host}:{port}; Ctrl-C ends it")
    (offline_server if offline else feature_server).serve(settings)


def _foreground(name: str) -> None:
    """Run a server and those that it needs until Ctrl-C. Raises `PitwallError` when it ends."""
    from pitwall.local.servers.table import SERVERS
    from pitwall.local.stack import Stack
    from pitwall.machine import jars
    from pitwall.machine.processes import find

    settings = Settings()
    address = SERVERS[name].url(settings)
    if (running := find(settings.run_dir, name)) is not None:
        raise PitwallError(
            f"{name} runs already (process {running.pid}, {address}); stop it: ./pitwall down"
        )
    with progress() as step:
        jars.fetch(settings.cache_dir / "m2", step)
    with Stack(settings, lambda server, state: ERR.print(f"{server} {state}")) as stack:
        stack.start([name])
        ERR.print(f"{name} serves {address or 'the stream'}; Ctrl-C ends it")
        while find(settings.run_dir, name) is not None:
            time.sleep(0.5)
    raise PitwallError(f"{name} ended by itself; see {settings.log_dir / name}.log")


def ask(
    client: httpx.Client,
    url: str,
    question: dict[str, Any],
    step: Step,
    patience_s: float = READY_S,
) -> httpx.Response:
    """The endpoint's answer. While it answers `not_ready`, it is asked again, for `patience_s`."""
    limit_s = time.monotonic() + patience_s
    while True:
        answer = client.post(url, json=question)
        if answer.status_code != 503 or time.monotonic() > limit_s:
            return answer
        error = answer.json().get("error", {})
        if error.get("code") != "not_ready":
            return answer
        step(f"the endpoint is not ready yet: {error.get('message', '')}", None)
        time.sleep(1)


def predict(
    model: Annotated[str, typer.Argument(help="Name of a model.")],
    vehicle: Annotated[str, typer.Option("--vehicle", help="VehicleId of the car.")],
    session: Annotated[str, typer.Option("--session", help="SessionId.")],
    max_age: Annotated[
        float,
        typer.Option(
            "--max-age", min=0.001, max=1e9, help="Refuse features older than this, seconds."
        ),
    ] = 1e9,
    at: Annotated[
        str | None,
        typer.Option(
            "--time",
            help="Predict at this instant of the session's clock, for instance "
            "2026-01-01T00:05:10Z; default: now.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what each feature contributes to the value.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the endpoint for a prediction of a model.

    It is for a car in a session, now or at a given time.
    """
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
        **({"time": at} if at is not None else {}),
    }
    token = settings.secret("token").get_secret_value()
    client = httpx.Client(
        timeout=10, headers={"Authorization": f"Bearer {token}"}, verify=trust(settings)
    )
    with client, progress() as step:
        answer = ask(client, f"{settings.serving_url}/predict", question, step)
    body: dict[str, Any] = answer.json()
    if answer.status_code != 200:
        error = body.get("error", {})
        code = error.get("code", answer.status_code)
        raise PitwallError(f"{code}: {error.get('message', body)}")
    if as_json:
        emit(body)
        return
    unit = body["unit"]
    OUT.print(
        f"{body['model']} version {body['version']}: [bold]{body['value']:.3f} {unit}[/bold] "
        f"({body['low']:.3f} to {body['high']:.3f}) at {body['event_time']}, "
        f"features {body['age_s']:.1f} s old"
    )
    if explain:
        rows = table("Feature", f"Contribution ({unit})")
        rows.columns[1].justify = "right"
        for name, contribution in list(body["contributions"].items())[:SHOWN]:
            rows.add_row(name, f"{contribution:+.3f}")
        OUT.print(rows)
