"""The prediction endpoint: keys in, features from Cassandra, the champion's answer out and onto the topic."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import numpy as np
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException

from pitwall.errors import ModelError, StoreError
from pitwall.kafka.wire import trace_id
from pitwall.serving.answers import (
    Answer,
    Answers,
    Error,
    ErrorBody,
    Problem,
    Question,
    Questions,
    problem_response,
)
from pitwall.serving.limits import Bounds, guard
from pitwall.serving.outbox import Outbox
from pitwall.serving.past import recorded
from pitwall.serving.prediction import Prediction
from pitwall.serving.reader import EPOCH, FeatureReader, Vector
from pitwall.serving.registry import Model, Registry
from pitwall.serving.served import Served
from pitwall.settings import Settings
from pitwall.training.tasks import tasks

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Error, "description": text}
    for status, text in {
        401: "unauthorized: no token, or an unknown one",
        404: "unknown_model, unknown_entity: no champion of that name, no features of that car and session",
        409: "stale_features: older than the limit; time_passed: the car has driven on, and the offline store does not know that instant yet",
        413: "too_large: the body",
        422: "wrong_type: the question; unknown_feature, missing_features: the features; no_value: what the model makes of them",
        429: "rate_limited: ask again after `Retry-After` seconds",
        503: "not_ready: models or store are not there yet; store_unavailable: Cassandra did not answer; outbox_full: the prediction could not be kept",
        504: "timeout",
    }.items()
}
LOG = logging.getLogger("pitwall.serving")
BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)


T = TypeVar("T")
Made = tuple[Answer, Prediction, Served | None]
"""An answer, what is published of it, and the features read for it."""


class Parts:
    """What answering needs, made at first use so that a server can start before the others."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.RLock()
        self._made: dict[str, Any] = {}
        self._probing = threading.Lock()
        self._fetching: Future[None] | None = None

    def _once(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return cast(T, self._made[name])

    def _follow(self) -> Registry:
        registry = Registry(self._settings, tuple(tasks(self._settings)))
        registry.refresh()
        registry.follow()
        return registry

    @property
    def warm(self) -> bool:
        """Whether models and store are there."""
        return {"registry", "reader"} <= self._made.keys()

    def fetch(self) -> None:
        """Get models and store; waits for them. Raises what MLflow or Cassandra answers."""
        assert self.registry is not None and self.reader is not None

    def _connected(self) -> FeatureReader:
        reader = FeatureReader(self._settings)
        try:
            reader.read("", " ", ())
        except StoreError:
            reader.close()
            raise
        return reader

    def probe(self) -> str | None:
        """Why no question can be answered yet, or None. Never waits: what is missing is fetched in a thread."""
        if self.warm:
            return None
        with self._probing:
            if self._fetching is None or (
                self._fetching.done() and self._fetching.exception() is not None
            ):
                last, self._fetching = (
                    self._fetching,
                    ThreadPoolExecutor(1, "fetch").submit(self.fetch),
                )
                if last is not None:
                    return str(last.exception())
        return "the models are being loaded"

    @property
    def registry(self) -> Registry:
        """The models."""
        return self._once("registry", self._follow)

    @property
    def reader(self) -> FeatureReader:
        """The online store."""
        return self._once("reader", self._connected)

    @property
    def outbox(self) -> Outbox:
        """The way to the topic."""
        return self._once("outbox", lambda: Outbox(self._settings))

    @property
    def past(self) -> ThreadPoolExecutor:
        """For looks into the offline store, which are slow: the others do not wait for them."""
        return self._once("past", lambda: ThreadPoolExecutor(2, "past"))


class Versions(Collector):
    """The versions as the registry has them when it is asked."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Both gauges."""
        used = GaugeMetricFamily(
            "pitwall_model_version", "Version in use", labels=["model", "role"]
        )
        refused = GaugeMetricFamily(
            "pitwall_model_refused_version",
            "Version that could not be used",
            labels=["model", "alias"],
        )
        if self._parts.warm:
            for model in self._parts.registry.serving():
                used.add_metric([model.name, model.role], model.version)
            for key, version in self._parts.registry.refused.items():
                refused.add_metric(key, version)
        yield used
        yield refused


class Metrics:
    """What Prometheus reads at `/predict-metrics` (BentoML's own are at `/metrics`)."""

    def __init__(self, parts: Parts) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Versions(parts))
        self.seconds = Histogram(
            "pitwall_predict_seconds",
            "Time of a prediction",
            ["model"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.read = Histogram(
            "pitwall_online_read_seconds",
            "Time of a read of the online store",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.age = Histogram(
            "pitwall_predict_feature_age_seconds",
            "Age of the features of a prediction",
            ["model"],
            buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 60, 3600),
            registry=self.registry,
        )
        self.errors = Counter(
            "pitwall_predict_errors",
            "Questions that were refused",
            ["code"],
            registry=self.registry,
        )
        self.outbox = Gauge(
            "pitwall_predict_outbox",
            "Predictions Kafka has not acknowledged",
            registry=self.registry,
        )


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application BentoML mounts."""
    parts = Parts(settings)
    metrics = Metrics(parts)
    app = FastAPI(
        title="pitwall predictions",
        version="1",
        description="Predictions of the champions, from features of the online store.",
    )
    app.add_middleware(
        Bounds, max_bytes=settings.max_body_bytes, timeout_s=settings.request_timeout_s
    )

    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> JSONResponse:
        metrics.errors.labels(problem.code).inc()
        return problem_response(problem)

    @app.exception_handler(RequestValidationError)
    async def on_wrong_type(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "body"
        value = repr(first.get("input"))
        problem = Problem(422, "wrong_type", f"{place}: {first['msg']} (given: {value[:80]})")
        return await on_problem(request, problem)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:
            return await on_problem(
                request, Problem(422, "wrong_type", "body: it is not JSON in UTF-8")
            )
        return JSONResponse(
            {"error": {"code": "http", "message": error.detail, "features": []}},
            error.status_code,
            error.headers,
        )

    def given(question: Question, model: Model) -> list[float | None]:
        features = question.features or {}
        if unknown := [name for name in features if name not in model.inputs]:
            raise Problem(
                422,
                "unknown_feature",
                f"{model.name} has no input {unknown[0]!r}; see GET /models",
                features=unknown,
            )
        if missing := [name for name in model.inputs if name not in features]:
            raise Problem(
                422,
                "missing_features",
                f"give all inputs (null for unknown): {missing[0]!r} is missing",
                features=missing,
            )
        return [features[name] for name in model.inputs]

    async def stored(question: Question, model: Model) -> tuple[Vector, float, bool]:
        """The features, how old they are (at the time asked about, or now), and whether they are the online store's."""
        vehicle, session = question.vehicle or "", question.session or ""
        past = False
        try:
            with metrics.read.time():
                found = await parts.reader.read_async(vehicle, session, model.inputs)
            if question.time is not None and (found is None or found.event_time > question.time):
                now, past = found, True
                view, ttl, loop = parts.reader.view, parts.reader.ttl, asyncio.get_running_loop()
                found, until = await loop.run_in_executor(
                    parts.past,
                    recorded,
                    settings,
                    view,
                    vehicle,
                    session,
                    model.inputs,
                    question.time,
                )
                if now is not None and (until is None or until < question.time):
                    text = (
                        f"the newest features are of {now.event_time.isoformat()}, and those before are recorded "
                        f"up to {until.isoformat() if until else 'no instant'} so far; ask again after the next checkpoint"
                    )
                    raise Problem(409, "time_passed", text, retry_s=settings.checkpoint_interval_s)
                if found is not None and ttl is not None and found.event_time + ttl < question.time:
                    found = None
        except StoreError as error:
            raise Problem(503, "store_unavailable", str(error), retry_s=1) from error
        if found is None:
            where = (
                f"are in the offline store up to {question.time.isoformat()}"
                if past and question.time
                else "are in the online store"
            )
            raise Problem(
                404,
                "unknown_entity",
                f"no features of vehicle {vehicle!r} in session {session!r} {where}",
            )
        limit = settings.stale_after_s if question.max_age_s is None else question.max_age_s
        age_s = (
            (question.time - found.event_time)
            if past and question.time
            else (datetime.now(UTC) - found.created)
        ).total_seconds()
        if age_s > limit:
            text = f"the newest features came {age_s:.0f} s before, the limit is {limit:g} s; give a larger max_age_s to take them all the same"
            raise Problem(409, "stale_features", text)
        return found, age_s, not past

    def there() -> Registry:
        if reason := parts.probe():
            raise Problem(503, "not_ready", reason, retry_s=1)
        return parts.registry

    def models_of(questions: list[Question]) -> dict[str, Model | Problem]:
        """Looked up once a request, so that its answers are all of one version of each model."""
        registry = there()
        found: dict[str, Model | Problem] = {}
        for name in {question.model for question in questions}:
            try:
                found[name] = registry.get(name)
            except ModelError as error:
                found[name] = Problem(404, "unknown_model", str(error))
        return found

    async def answer(question: Question, models: dict[str, Model | Problem]) -> Made:
        started = time.perf_counter()
        model = models[question.model]
        if isinstance(model, Problem):
            raise model
        event_time = record_time = served = age = None
        if question.features is None:
            (event_time, record_time, values), age, online = await stored(question, model)
            if online:
                served = Served(
                    model.feature_service,
                    parts.reader.view,
                    question.vehicle or "",
                    question.session or "",
                    (event_time - EPOCH) // timedelta(microseconds=1),
                    model.inputs,
                    values,
                    "endpoint",
                )
        else:
            values = given(question, model)
        row = np.array(values, dtype=np.float64)
        try:
            value, low, high = model.values(row[None, :])[0]
        except ValueError as error:  # an estimator that takes no null, for instance
            trace = (
                {
                    "trace_id": trace_id(
                        question.vehicle or "", question.session or "", text_of(event_time)
                    )
                }
                if event_time
                else {}
            )
            LOG.warning(
                "version %s of %s refuses what it was asked with: %s",
                model.version,
                model.name,
                error,
                extra=trace,
            )
            value = low = high = np.nan
        if not np.isfinite((value, low, high)).all():
            missing = [name for name, v in zip(model.inputs, values, strict=True) if v is None]
            if not missing:
                raise Problem(
                    422,
                    "no_value",
                    f"{model.name} version {model.version} gives no finite value for these features",
                )
            raise Problem(
                422,
                "missing_features",
                f"the model gives no value where these are null: {', '.join(missing[:5])}",
                features=missing,
            )
        at = text_of(
            datetime.now(UTC), "microseconds"
        )  # also tells two apart that were asked with features of their own
        prediction = Prediction(
            model.name,
            model.version,
            question.vehicle or "",
            question.session or "",
            text_of(event_time) if event_time else at,
            text_of(record_time) if record_time else at,
            value,
            low,
            high,
            model.unit,
            model.feature_service,
            model.definitions,
            "endpoint",
        )
        found = Answer(
            prediction_id="",
            model=model.name,
            version=model.version,
            value=value,
            low=low,
            high=high,
            unit=model.unit,
            vehicle=prediction.vehicle,
            session=prediction.session,
            feature_service=model.feature_service,
            event_time=None if event_time is None else prediction.event_time,
            age_s=age,
            contributions=dict(model.explain(row)) if question.explain else None,
        )
        metrics.seconds.labels(model.name).observe(time.perf_counter() - started)
        if age is not None:
            metrics.age.labels(model.name).observe(age)
        return found, prediction, served

    async def keep(made: list[Made]) -> None:
        try:
            ids = await parts.outbox.keep(
                [prediction for _, prediction, _ in made],
                [served for _, _, served in made if served is not None],
            )
        except sqlite3.Error as error:
            raise Problem(
                503,
                "outbox_full",
                f"the prediction could not be kept for the topic: {error}; is the disk full?",
            ) from error
        for (found, _, _), prediction_id in zip(made, ids, strict=True):
            found.prediction_id = prediction_id

    @app.post("/predict", response_model=Answer, dependencies=[guard(settings)], responses=ERRORS)
    async def predict(question: Question) -> Any:
        """Predict from the newest features of a car in a session, or from the features given."""
        made = await answer(question, models_of([question]))
        await keep([made])
        return as_it_is(made[0])

    @app.post(
        "/predict/batch",
        response_model=Answers,
        dependencies=[guard(settings)],
        responses={s: ERRORS[s] for s in (401, 413, 422, 429, 503, 504)},
    )
    async def predict_batch(batch: Questions) -> Any:
        """Predict for up to 1,000 questions; each is answered or refused for itself."""

        models = models_of(batch.questions)

        async def one(question: Question) -> Made | Problem:
            try:
                return await answer(question, models)
            except Problem as problem:
                metrics.errors.labels(problem.code).inc()
                return problem

        found = await asyncio.gather(*map(one, batch.questions))
        await keep([made for made in found if not isinstance(made, Problem)])
        return as_it_is(
            Answers(
                answers=[
                    Error(error=ErrorBody(**f.body())) if isinstance(f, Problem) else f[0]
                    for f in found
                ]
            )
        )

    @app.get("/models", responses={503: ERRORS[503]})
    def models() -> dict[str, dict[str, Any]]:
        """Champions in use: version, unit, feature service, inputs; and versions that were refused."""
        return {
            m.name: {
                "version": m.version,
                "unit": m.unit,
                "feature_service": m.feature_service,
                "inputs": list(m.inputs),
            }
            for m in there().serving()
            if m.role == "champion"
        }

    @app.post(
        "/refresh",
        dependencies=[guard(settings, admin=True)],
        responses={403: {"model": Error}, **{s: ERRORS[s] for s in (401, 413, 422, 429, 503, 504)}},
    )
    def refresh() -> dict[str, int]:
        """Look into the registry now (scope `admin`); gives the champions' versions."""
        registry = there()
        try:
            registry.refresh()
        except Exception as error:
            raise Problem(
                503, "not_ready", f"the model registry does not answer: {error}", retry_s=1
            ) from error
        return registry.champions()

    @app.get("/ready", responses={503: {"description": "not yet, with the reason"}})
    def ready() -> JSONResponse:
        """200 once at least one champion is loaded and Cassandra answers."""
        if reason := parts.probe():
            return JSONResponse({"ready": False, "reason": reason}, 503)
        try:
            loaded = parts.registry.champions()
            parts.reader.read("", " ", ())
        except Exception as error:
            return JSONResponse({"ready": False, "reason": str(error)}, 503)
        if not loaded:
            return JSONResponse(
                {"ready": False, "reason": "no champion yet; run ./pitwall train"}, 503
            )
        return JSONResponse({"ready": True, "models": list(loaded)})

    @app.get("/predict-metrics", include_in_schema=False)
    def prometheus() -> Response:
        metrics.outbox.set(parts.outbox.waiting())
        return Response(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4")

    return app


def as_it_is(answer: Answer | Answers) -> Response:
    """An answer that is right by its making: FastAPI would check it again, field by field."""
    return Response(answer.model_dump_json(), media_type="application/json")


def text_of(time: datetime, precision: str = "milliseconds") -> str:
    """ISO 8601, UTC."""
    return time.isoformat(timespec=precision).replace("+00:00", "Z")
