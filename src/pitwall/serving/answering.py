"""From a question to an answer: read the features, ask the champion, keep the prediction."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import ModelError, StoreError
from pitwall.features.topic import Columns
from pitwall.kafka.wire import trace_id
from pitwall.serving.answers import Answer, Question
from pitwall.serving.metrics import Metrics
from pitwall.serving.parts import Parts
from pitwall.serving.past import recorded
from pitwall.serving.prediction import Prediction
from pitwall.serving.problems import Problem
from pitwall.serving.reader import EPOCH, Vector
from pitwall.serving.registry import Model, Registry
from pitwall.serving.scoring import changed_definition, other_circuit, told_by
from pitwall.serving.served import Served
from pitwall.settings import Settings

LOG = logging.getLogger("pitwall.serving")
T = TypeVar("T")
KEPT_TOGETHER = 50
"""So many predictions of a batch are written at once; other questions are answered between."""


class Answered(NamedTuple):
    """An answer, the prediction that is published of it, and the features that were read for it."""

    answer: Answer
    prediction: Prediction
    served: Served | None
    """None for features that came with the question or from the offline store."""


class Stored(NamedTuple):
    """Features from a store, their age in seconds, and whether the online store gave them.

    The age counts from the car's record in Kafka until now; of a question about the past, from
    the features' event time until the time asked about.
    """

    row: Vector
    age_s: float
    online: bool


class Answering:
    """Answers questions with the parts of one endpoint. Every refusal is a `Problem`."""

    def __init__(self, settings: Settings, parts: Parts, metrics: Metrics) -> None:
        self._settings, self._parts, self._metrics = settings, parts, metrics
        self._checked: dict[tuple[str, int], Columns] = {}
        """The columns with which a version was found to agree, by name and number."""

    def registry(self) -> Registry:
        """The models. Raises `Problem` 503 while models or store are not there."""
        if reason := self._parts.probe():
            raise Problem(503, "not_ready", reason, retry_s=1)
        return self._parts.registry

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """What `work` gives, computed in a thread: it takes too long for the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._parts.threads, work, *arguments)

    def models_of(
        self, questions: Iterable[Question], registry: Registry
    ) -> dict[str, Model | Problem]:
        """The champion that each question names, or why there is none.

        Looked up once a request: all its answers are of one version of each model.
        """
        models: dict[str, Model | Problem] = {}
        for name in {question.model for question in questions}:
            try:
                models[name] = registry.get(name)
            except ModelError as error:
                models[name] = Problem(404, "unknown_model", str(error))
        return models

    async def answer(self, question: Question, models: dict[str, Model | Problem]) -> Answered:
        """Answer one question with these models. The prediction is not kept yet."""
        started = time.perf_counter()
        model = models[question.model]
        if isinstance(model, Problem):
            raise model
        stored = None
        if question.features is None:
            self._check_definitions(model)
            stored = await self._stored(question, model)
            values = stored.row.values
        else:
            values = _given(question, model)
            _check_circuit(model, question.features)
        row = np.array(values, dtype=np.float64)
        predicting = (_predict, model, question, row, stored)
        value, low, high = (
            await self.in_thread(*predicting) if model.slow else _predict(*predicting[1:])
        )
        if not np.isfinite((value, low, high)).all():
            raise _no_value(model, values)
        prediction = _prediction(model, question, stored, (value, low, high))
        contributions: dict[str, float | None] | None = None
        if question.explain:
            contributions = {**await self.in_thread(model.explain, row)}
        answer = Answer(
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
            event_time=None if stored is None else prediction.event_time,
            age_s=None if stored is None else stored.age_s,
            contributions=contributions,
        )
        self._metrics.seconds.labels(model.name).observe(time.perf_counter() - started)
        if stored is not None:
            self._metrics.age.labels(model.name).observe(stored.age_s)
        return Answered(answer, prediction, self._served(question, model, stored))

    async def keep(self, answered: list[Answered]) -> None:
        """Keep the predictions for their topic, and write their ids into the answers."""
        for begin in range(0, len(answered), KEPT_TOGETHER):
            part = answered[begin : begin + KEPT_TOGETHER]
            try:
                ids = await self._parts.outbox.keep(
                    [one.prediction for one in part],
                    [one.served for one in part if one.served is not None],
                )
            except sqlite3.Error as error:
                raise Problem(
                    503,
                    "outbox_full",
                    f"the prediction could not be kept for the topic: {error}; is the disk full?",
                ) from error
            for one, prediction_id in zip(part, ids, strict=True):
                one.answer.prediction_id = prediction_id

    def _check_definitions(self, model: Model) -> None:
        """Raise `Problem` 409 where the job computes other features than the model learned from."""
        columns = self._parts.schemas.newest.get(self._parts.reader.view)
        key = (model.name, model.version)
        if columns is None or columns is self._checked.get(key):
            return
        if reason := changed_definition(model, columns.names, columns.meanings):
            raise Problem(409, "definitions_changed", reason)
        self._checked[key] = columns

    async def _stored(self, question: Question, model: Model) -> Stored:
        """The features of a question that names a car and a session."""
        vehicle, session = question.vehicle or "", question.session or ""
        row, online = None, True
        names = model.inputs + told_by(model)
        try:
            with self._metrics.read.time():
                row = await self._parts.reader.read_async(vehicle, session, names)
            if question.time is not None and (row is None or row.event_time > question.time):
                row, online = await self._past(question, question.time, names, row), False
        except StoreError as error:
            raise Problem(503, "store_unavailable", str(error), retry_s=1) from error
        at = None if online else question.time
        if row is None:
            where = f"offline store up to {at.isoformat()}" if at else "online store"
            raise Problem(
                404,
                "unknown_entity",
                f"no features of vehicle {vehicle!r} in session {session!r} are in the {where}",
            )
        age = datetime.now(UTC) - row.created if at is None else at - row.event_time
        limit_s = question.max_age_s or self._settings.stale_after_s
        if age.total_seconds() > limit_s:
            raise Problem(
                409,
                "stale_features",
                f"the newest features came {age.total_seconds():.0f} s before, the limit is "
                f"{limit_s:g} s; give a larger max_age_s to take them all the same",
            )
        _check_circuit(model, dict(zip(names, row.values, strict=True)))
        inputs = row._replace(values=row.values[: len(model.inputs)])
        return Stored(inputs, age.total_seconds(), online)

    async def _past(
        self, question: Question, at: datetime, names: tuple[str, ...], newest: Vector | None
    ) -> Vector | None:
        """The row that counted at `at`, from the offline store; `newest` is the online row."""
        reader, loop = self._parts.reader, asyncio.get_running_loop()
        row, until = await loop.run_in_executor(
            self._parts.past,
            recorded,
            self._settings,
            reader.view,
            question.vehicle or "",
            question.session or "",
            names,
            at,
        )
        if newest is not None and (until is None or until < at):
            raise Problem(
                409,
                "time_passed",
                f"the newest features are of {newest.event_time.isoformat()}, and those before "
                f"are recorded up to {until.isoformat() if until else 'no instant'} so far; "
                "ask again after the next checkpoint",
                retry_s=self._settings.checkpoint_interval_s,
            )
        ttl = reader.ttl
        if row is not None and ttl is not None and row.event_time + ttl < at:
            return None
        return row

    def _served(self, question: Question, model: Model, stored: Stored | None) -> Served | None:
        """The vector for the log of what was served."""
        if stored is None or not stored.online:
            return None
        return Served(
            model.feature_service,
            self._parts.reader.view,
            question.vehicle or "",
            question.session or "",
            (stored.row.event_time - EPOCH) // timedelta(microseconds=1),
            model.inputs,
            stored.row.values,
            "endpoint",
        )


def _check_circuit(model: Model, values: Mapping[str, float | None]) -> None:
    """Raise `Problem` where features tell that they are of another circuit than the model."""
    if model.circuit is None or (length_m := model.circuit.other(values)) is None:
        return
    raise Problem(409, "other_circuit", other_circuit(model, length_m))


def _given(question: Question, model: Model) -> list[float | None]:
    """The features that came with the question, in the order of the model's inputs."""
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


def _predict(
    model: Model, question: Question, row: NDArray[np.float64], stored: Stored | None
) -> tuple[float, float, float]:
    """Value and interval for one row of shape (inputs,); NaN where the model refuses the row."""
    try:
        return model.values(row[None, :])[0]
    except ValueError as error:  # an estimator that takes no null, for instance
        extra = {}
        if stored is not None:
            at = iso_text(stored.row.event_time)
            extra["trace_id"] = trace_id(question.vehicle or "", question.session or "", at)
        LOG.warning(
            "version %s of %s refuses the features of a question: %s",
            model.version,
            model.name,
            error,
            extra=extra,
        )
        return np.nan, np.nan, np.nan


def _no_value(model: Model, values: list[float | None]) -> Problem:
    """Why the model gives no finite value for these inputs."""
    nulls = [name for name, value in zip(model.inputs, values, strict=True) if value is None]
    if not nulls:
        return Problem(
            422,
            "no_value",
            f"{model.name} version {model.version} gives no finite value for these features",
        )
    return Problem(
        422,
        "missing_features",
        f"the model gives no value where these are null: {', '.join(nulls[:5])}",
        features=nulls,
    )


def _prediction(
    model: Model, question: Question, stored: Stored | None, value: tuple[float, float, float]
) -> Prediction:
    # The present instant, to the microsecond, also tells two questions apart that bring the
    # same features.
    event_time = record_time = iso_text(datetime.now(UTC), "microseconds")
    if stored is not None:
        event_time = iso_text(stored.row.event_time)
        record_time = iso_text(stored.row.created)
    return Prediction(
        model.name,
        model.version,
        question.vehicle or "",
        question.session or "",
        event_time,
        record_time,
        *value,
        model.unit,
        model.feature_service,
        model.definitions,
        "endpoint",
    )


def iso_text(time: datetime, precision: str = "milliseconds") -> str:
    """A time in ISO 8601, UTC."""
    return time.isoformat(timespec=precision).replace("+00:00", "Z")
