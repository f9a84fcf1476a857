"""The prediction endpoint: keys in, features from Cassandra, the champion's answer out."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from pitwall.serving.answering import Answered, Answering
from pitwall.serving.answers import (
    Answer,
    Answers,
    Error,
    ErrorBody,
    Question,
    Questions,
    as_json,
    read_questions,
)
from pitwall.serving.limits import Bounds, guard
from pitwall.serving.metrics import Metrics
from pitwall.serving.parts import Parts
from pitwall.serving.problems import CODES, Problem, problem_response, wrong_type
from pitwall.settings import Settings

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Error, "description": text} for status, text in CODES.items()
}
GENERAL: dict[int | str, dict[str, Any]] = {
    status: ERRORS[status] for status in (401, 403, 413, 422, 429, 503, 504)
}
"""The errors that every guarded path has."""


def _batch_body() -> dict[str, Any]:
    """The body of a batch for the OpenAPI description; the path itself reads the bytes."""
    schema = Questions.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return {"required": True, "content": {"application/json": {"schema": schema}}}


BATCH = _batch_body()


def create_app(settings: Settings, parts: Parts | None = None) -> FastAPI:
    """The ASGI application that BentoML mounts; a test gives it parts of its own."""
    parts = parts or Parts(settings)
    metrics = Metrics(parts)
    answering = Answering(settings, parts, metrics)
    app = FastAPI(
        title="pitwall predictions",
        version="1",
        description="Predictions of the champions, from features of the online store.",
        docs_url=None,
        redoc_url=None,
    )
    _add_docs(app)
    app.add_middleware(
        Bounds, max_bytes=settings.max_body_bytes, timeout_s=settings.request_timeout_s
    )
    _answer_problems(app, metrics)
    _add_predictions(app, settings, answering, metrics)
    _add_state(app, settings, parts, answering, metrics)
    return app


def _add_docs(app: FastAPI) -> None:
    """The page `/docs`, whose files come with BentoML: a browser asks no other server.

    `/` leads to it.
    """
    package = find_spec("bentoml")
    assert package is not None and package.origin is not None
    folder = Path(package.origin).parent / "_internal" / "server" / "static_content"
    app.mount("/docs-files", StaticFiles(directory=folder))

    @app.get("/", include_in_schema=False)
    def index() -> Response:
        # BentoML's own page at this address would load Google's tag manager.
        return RedirectResponse("/docs")

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="pitwall predictions",
            swagger_js_url="/docs-files/swagger-ui-bundle.js",
            swagger_css_url="/docs-files/swagger-ui.css",
            swagger_favicon_url="data:,",
        )
        page.headers["Content-Security-Policy"] = "default-src 'self' 'unsafe-inline' data:"
        return page


def _answer_problems(app: FastAPI, metrics: Metrics) -> None:
    """Answer every refusal in one form, and count it by its code."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> JSONResponse:
        metrics.errors.labels(problem.code).inc()
        return problem_response(problem)

    @app.exception_handler(RequestValidationError)
    async def on_wrong_type(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return await on_problem(request, wrong_type(first["loc"][1:], first))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:
            problem = Problem(422, "wrong_type", "body: it is not JSON in UTF-8")
            return await on_problem(request, problem)
        body = {"error": {"code": "http", "message": error.detail, "features": []}}
        return JSONResponse(body, error.status_code, error.headers)


def _add_predictions(
    app: FastAPI, settings: Settings, answering: Answering, metrics: Metrics
) -> None:
    @app.post(
        "/predict",
        response_model=Answer,
        dependencies=[guard(settings, "POST", "/predict")],
        responses=ERRORS,
    )
    async def predict(question: Question) -> Any:
        """Predict from the newest features of a car in a session, or from the features given."""
        answered = await answering.answer(
            question, answering.models_of([question], answering.registry())
        )
        await answering.keep([answered])
        # FastAPI would validate the answer again, field by field.
        return Response(answered.answer.model_dump_json(), media_type="application/json")

    @app.post(
        "/predict/batch",
        response_model=Answers,
        dependencies=[guard(settings, "POST", "/predict/batch")],
        responses=GENERAL,
        openapi_extra={"requestBody": BATCH},
    )
    async def predict_batch(request: Request) -> Any:
        """Predict for up to 1,000 questions; each is answered or refused for itself."""
        registry = answering.registry()
        in_thread = answering.in_thread
        questions = await in_thread(read_questions, await request.body())
        good = [question for question in questions if isinstance(question, Question)]
        models = answering.models_of(good, registry)

        async def one(question: Question | Problem) -> Answered | Problem:
            try:
                if isinstance(question, Problem):
                    raise question
                return await answering.answer(question, models)
            except Problem as problem:
                metrics.errors.labels(problem.code).inc()
                return problem

        results = await asyncio.gather(*map(one, questions))
        await answering.keep([result for result in results if not isinstance(result, Problem)])
        answers = [
            Error(error=ErrorBody(**result.body()))
            if isinstance(result, Problem)
            else result.answer
            for result in results
        ]
        return Response(await in_thread(as_json, answers), media_type="application/json")


def _add_state(
    app: FastAPI, settings: Settings, parts: Parts, answering: Answering, metrics: Metrics
) -> None:
    @app.get(
        "/models",
        dependencies=[guard(settings, "GET", "/models")],
        responses={status: ERRORS[status] for status in (401, 429, 503)},
    )
    def models() -> dict[str, dict[str, Any]]:
        """The champions in use: version, unit, feature service and inputs of each."""
        return {
            model.name: {
                "version": model.version,
                "unit": model.unit,
                "feature_service": model.feature_service,
                "inputs": list(model.inputs),
            }
            for model in answering.registry().serving()
            if model.role == "champion"
        }

    @app.post(
        "/refresh",
        dependencies=[guard(settings, "POST", "/refresh")],
        responses=GENERAL,
    )
    def refresh() -> dict[str, int]:
        """Look into the registry now (role `admin`); gives the champions' versions."""
        registry = answering.registry()
        try:
            registry.refresh()
        except Exception as error:
            message = f"the model registry does not answer: {error}"
            raise Problem(503, "not_ready", message, retry_s=1) from error
        return registry.champions()

    @app.get("/ready", responses={503: {"description": "not yet, with the reason"}})
    def ready() -> JSONResponse:
        """200 once at least one champion is loaded and Cassandra answers."""
        if reason := parts.probe():
            return JSONResponse({"ready": False, "reason": reason}, 503)
        try:
            champions = parts.registry.champions()
            parts.reader.read("", " ", ())
        except Exception as error:
            return JSONResponse({"ready": False, "reason": str(error)}, 503)
        if not champions:
            reason = "no champion yet; run ./pitwall train"
            return JSONResponse({"ready": False, "reason": reason}, 503)
        return JSONResponse({"ready": True, "models": list(champions)})

    @app.get("/predict-metrics", include_in_schema=False)
    def prometheus() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")
