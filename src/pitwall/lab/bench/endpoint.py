"""The prediction endpoint beside a bare read of Cassandra with a bare model call."""

from __future__ import annotations

import json
import time

import numpy as np
from numpy.typing import NDArray

from pitwall.lab.bench.bare import MLFLOW_CLIENTS, mlflow_requests_s, read_and_call, write_row
from pitwall.lab.bench.closed_loop import Question, measure
from pitwall.lab.bench.latency import Percentiles, percentiles
from pitwall.lab.bench.model import INPUTS, MODEL, SESSION, VEHICLE, register_model
from pitwall.lab.bench.result import Load, Result, machine_state
from pitwall.lab.bench.stage import stage
from pitwall.lab.progress import Step, wait
from pitwall.settings import Settings

CLIENTS = (1, MLFLOW_CLIENTS)
SECONDS, QUICK_SECONDS = 15.0, 4.0


def predict(load: Load, step: Step) -> Result:
    """Milliseconds of a prediction by the endpoint, with 1 client and with 16.

    The peer is a bare read and a bare model call in as many threads. The conditions also compare
    the requests a second with those of `mlflow models serve`.
    """
    import httpx

    conditions = machine_state()
    seconds = QUICK_SECONDS if load.quick else SECONDS
    began = time.monotonic()
    step("starting servers", None)
    with stage("kafka", "cassandra", "s3", "mlflow", rate_limit="1000000") as (settings, stack):
        from pitwall.stores.repository import apply

        apply(settings)
        inputs = register_model(settings)
        write_row(settings, inputs)
        step("starting the endpoint", None)
        stack.start(["serving"])
        url = f"{settings.serving_url}/ready"
        wait(lambda: httpx.get(url).status_code == 200, 60, "the endpoint to be ready")
        question = _question(settings)
        step("warming up", None)
        measure(question, 4, 3.0)
        step("bare read, bare model call", None)
        bare_ms = read_and_call(settings, inputs, CLIENTS, seconds / 2)
        our_ms: dict[int, NDArray[np.float64]] = {}
        for clients in CLIENTS:
            step(f"{clients} clients", None)
            our_ms[clients] = measure(question, clients, seconds)
        step("mlflow models serve", None)
        mlflow_s = mlflow_requests_s(settings, inputs, seconds)
    ours = {clients: percentiles(our_ms[clients], decimals=3) for clients in CLIENTS}
    bare = {clients: _bare_percentiles(bare_ms[clients]) for clients in CLIENTS}
    requests_s = {clients: len(our_ms[clients]) / seconds for clients in CLIENTS}
    for clients in CLIENTS:
        end = f"_{clients}_clients"
        conditions |= {
            **bare[clients].figures("ms", start="bare_", end=end),
            **ours[clients].figures("ms", end=end),
            **_times_bare(ours[clients], bare[clients], end),
            f"requests_s{end}": round(requests_s[clients]),
        }
    return Result(
        name="predict",
        value=ours[1].p50,
        unit="ms p50, 1 client; ratio: peer's time against ours",
        peer="bare Cassandra read + bare model call (p50)",
        peer_value=bare[1].p50,
        ratio=round(bare[1].p50 / ours[1].p50, 3),
        n=sum(map(len, our_ms.values())),
        seconds=round(time.monotonic() - began, 1),
        conditions={
            **conditions,
            "bare_read_p50_ms": percentiles(bare_ms[1][:, 0], decimals=3).p50,
            "bare_model_p50_ms": percentiles(bare_ms[1][:, 1], decimals=3).p50,
            f"mlflow_serve_requests_s_{MLFLOW_CLIENTS}_clients": round(mlflow_s),
            "times_mlflow_serve": (
                round(requests_s[MLFLOW_CLIENTS] / mlflow_s, 1) if mlflow_s else None
            ),
            "features": INPUTS,
            "estimator": "HistGradientBoostingRegressor, 100 trees",
        },
    )


def _question(settings: Settings) -> Question:
    body = {"model": MODEL, "vehicle": VEHICLE, "session": SESSION, "max_age_s": 1e6}
    return Question(
        settings.host,
        settings.serving_port,
        "/predict",
        json.dumps(body).encode(),
        settings.secret("token").get_secret_value(),
    )


def _bare_percentiles(times_ms: NDArray[np.float64]) -> Percentiles:
    """The percentile of the reads and that of the calls, added; `times_ms` as `read_and_call`."""
    read, call = (percentiles(times_ms[:, column], decimals=3) for column in (0, 1))
    p99_9 = None
    if read.p99_9 is not None and call.p99_9 is not None:
        p99_9 = round(read.p99_9 + call.p99_9, 3)
    return Percentiles(round(read.p50 + call.p50, 3), round(read.p99 + call.p99, 3), p99_9)


def _times_bare(ours: Percentiles, bare: Percentiles, end: str) -> dict[str, float | None]:
    """Our percentiles as multiples of the bare ones, by the names of a benchmark's conditions."""
    pairs = {
        "p50": (ours.p50, bare.p50),
        "p99": (ours.p99, bare.p99),
        "p99.9": (ours.p99_9, bare.p99_9),
    }
    return {
        f"times_bare_{name}{end}": None if our is None or peer is None else round(our / peer, 2)
        for name, (our, peer) in pairs.items()
    }
