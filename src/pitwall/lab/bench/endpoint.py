"""The endpoint beside a bare read of Cassandra and a bare model call."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from pitwall.lab.bench.model import INPUTS, MODEL, SESSION, VEHICLE, model_of_the_bench
from pitwall.lab.bench.result import Load, Result, Step, machine
from pitwall.lab.bench.stage import stage
from pitwall.machine import processes as process
from pitwall.machine.sandbox import free_ports
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment
from pitwall.stores.names import online_table

CLIENTS = (1, 16)


def predict(load: Load, step: Step) -> Result:
    """Milliseconds of a prediction at 1 and 16 clients, and requests a second beside `mlflow models
    serve`.
    """
    import httpx

    conditions = machine()
    seconds = 4.0 if load.quick else 15.0
    began = time.monotonic()
    step("starting servers", None)
    with stage("kafka", "cassandra", "s3", "mlflow", quick_start="false", rate_limit="1000000") as (
        settings,
        stack,
    ):
        from pitwall.stores.repository import apply

        apply(settings)
        inputs = model_of_the_bench(settings)
        _row(settings, inputs)
        step("starting the endpoint", None)
        stack.start(["serving"])
        token = settings.secret("token").get_secret_value()
        limit = time.monotonic() + 60
        while httpx.get(f"{settings.serving_url}/ready").status_code != 200:
            if time.monotonic() > limit:
                raise TimeoutError("the endpoint was not ready within 60 s")
            time.sleep(0.2)
        question = json.dumps(
            {"model": MODEL, "vehicle": VEHICLE, "session": SESSION, "max_age_s": 1e6}
        ).encode()
        ask = (settings.host, settings.serving_port, "/predict", token, question)
        step("warming up", None)
        _ask(*ask, 4, 3.0)
        step("bare read, bare model call", None)
        bares = _bare(settings, inputs, seconds / 2)
        ours = {}
        for clients in CLIENTS:
            step(f"{clients} clients", None)
            ours[clients] = _ask(*ask, clients, seconds)
        step("mlflow models serve", None)
        theirs = _mlflow_serve(settings, inputs, seconds)
    bare = {
        c: {q: float(np.percentile(bares[c], q, axis=0).sum()) for q in (50, 99)} for c in CLIENTS
    }
    p = {c: {q: float(np.percentile(ours[c], q)) for q in (50, 99)} for c in CLIENTS}
    rate = {c: len(ours[c]) / seconds for c in CLIENTS}
    return Result(
        "predict",
        round(p[1][50], 3),
        "ms p50, 1 client; ratio: peer's time against ours",
        "bare Cassandra read + bare model call (p50)",
        round(bare[1][50], 3),
        round(bare[1][50] / p[1][50], 3),
        sum(map(len, ours.values())),
        round(time.monotonic() - began, 1),
        {
            **conditions,
            "bare_read_p50_ms": round(float(np.median(bares[1][:, 0])), 3),
            "bare_model_p50_ms": round(float(np.median(bares[1][:, 1])), 3),
            **{
                f"bare_p{q}_ms_{c}_clients": round(bare[c][q], 3) for c in CLIENTS for q in (50, 99)
            },
            **{f"p{q}_ms_{c}_clients": round(p[c][q], 3) for c in CLIENTS for q in (50, 99)},
            **{
                f"times_bare_p{q}_{c}_clients": round(p[c][q] / bare[c][q], 2)
                for c in CLIENTS
                for q in (50, 99)
            },
            **{f"requests_s_{c}_clients": round(rate[c]) for c in CLIENTS},
            "mlflow_serve_requests_s_16_clients": round(theirs),
            "times_mlflow_serve": round(rate[16] / theirs, 1) if theirs else None,
            "features": INPUTS,
            "estimator": "HistGradientBoostingRegressor, 100 trees",
        },
    )


def _row(settings: Settings, inputs: tuple[str, ...]) -> None:
    from datetime import UTC, datetime

    from pitwall.stores.cassandra.connect import connect

    cassandra = connect(settings)
    columns = ", ".join(f'"{name}"' for name in inputs)
    marks = ", ".join(["%s"] * (4 + len(inputs)))
    now = datetime.now(UTC)
    cassandra.execute(
        f'INSERT INTO {settings.keyspace}."{online_table("pitwall", "car_state")}" '
        f"(vehicle, session, event_timestamp, created_timestamp, {columns}) VALUES ({marks})",
        (VEHICLE, SESSION, now, now, *np.random.default_rng(2).normal(size=len(inputs)).tolist()),
    )
    cassandra.cluster.shutdown()


def _bare(settings: Settings, inputs: tuple[str, ...], seconds: float) -> dict[int, Any]:
    """Milliseconds (n, 2) of a bare read with the driver and of a bare call of the model as MLflow
    loads it, by how many threads do so at once.
    """
    import mlflow
    import pandas as pd

    from pitwall.stores.cassandra.connect import connect

    cassandra = connect(settings)
    columns = ", ".join(f'"{name}"' for name in inputs)
    statement = cassandra.prepare(
        f"SELECT event_timestamp, created_timestamp, {columns} "
        f'FROM {settings.keyspace}."{online_table("pitwall", "car_state")}" '
        "WHERE vehicle = ? AND session = ?"
    )
    model = mlflow.sklearn.load_model(f"models:/{MODEL}/1")

    def one(until: float) -> list[tuple[float, float]]:
        times = []
        while (begun := time.perf_counter()) < until:
            row = cassandra.execute(statement, (VEHICLE, SESSION)).one()
            middle = time.perf_counter()
            model.predict(pd.DataFrame([row[2:]], columns=list(inputs)))
            times.append(((middle - begun) * 1000, (time.perf_counter() - middle) * 1000))
        return times

    found = {}
    one(time.perf_counter() + 3)
    for clients in CLIENTS:
        with ThreadPoolExecutor(clients) as pool:
            parts = pool.map(one, [time.perf_counter() + seconds] * clients)
            found[clients] = np.array([each for part in parts for each in part])
    cassandra.cluster.shutdown()
    return found


def _ask(
    host: str, port: int, path: str, token: str, body: bytes, clients: int, seconds: float
) -> Any:
    """Milliseconds of each request of so many clients, each asking again once answered; in a
    process of its own.
    """
    arguments = [host, str(port), path, token, body.decode(), str(clients), str(seconds)]
    done = subprocess.run(
        [sys.executable, "-m", "pitwall.lab.bench.endpoint", *arguments],
        capture_output=True,
        check=True,
    )
    return np.array(json.loads(done.stdout))


async def _clients(
    host: str, port: int, path: str, token: str, body: bytes, clients: int, seconds: float
) -> list[float]:
    request = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    until = time.perf_counter() + seconds
    times: list[float] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        while (begun := time.perf_counter()) < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head[:20]:
                raise RuntimeError(head.decode())
            length = next(
                line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            await reader.readexactly(int(length.split(b":")[1]))
            times.append((time.perf_counter() - begun) * 1000)
        writer.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    return times


def _mlflow_serve(settings: Settings, inputs: tuple[str, ...], seconds: float) -> float:
    """Requests a second of MLflow's own server with the same model and 16 clients, features in the
    request.
    """
    from pathlib import Path

    (port,) = free_ports(1)
    server = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "mlflow"),
            "models",
            "serve",
            "-m",
            f"models:/{MODEL}/1",
            "--env-manager",
            "local",
            "-h",
            settings.host,
            "-p",
            str(port),
        ],
        env=child_environment(settings) | {"MLFLOW_TRACKING_URI": settings.mlflow_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=process.die_with_parent,
        start_new_session=True,
    )
    try:
        import httpx

        limit = time.monotonic() + 90
        while True:
            try:
                if httpx.get(f"http://{settings.host}:{port}/ping").status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            if time.monotonic() > limit:
                raise TimeoutError("mlflow models serve did not start within 90 s")
            time.sleep(0.3)
        body = json.dumps(
            {"dataframe_split": {"columns": list(inputs), "data": [[0.5] * len(inputs)]}}
        ).encode()
        _ask(settings.host, port, "/invocations", "", body, 4, 2.0)
        return len(_ask(settings.host, port, "/invocations", "", body, 16, seconds)) / seconds
    finally:
        process.end([server.pid])


def main() -> None:
    """The clients, in a process of their own: HOST PORT PATH TOKEN BODY CLIENTS SECONDS; prints
    their times (ms).
    """
    host, port, path, token, body, clients, seconds = sys.argv[1:]
    print(
        json.dumps(
            asyncio.run(
                _clients(host, int(port), path, token, body.encode(), int(clients), float(seconds))
            )
        )
    )


if __name__ == "__main__":
    main()
