"""Questions to the endpoint and its answers, as FastAPI and its OpenAPI description know them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pitwall.serving.problems import Code, Problem, wrong_type

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A number of JSON: neither a text that looks like one, nor `true`."""
MOST_QUESTIONS = 1000


class ErrorBody(BaseModel):
    """What went wrong; `features` names the features concerned."""

    code: Code
    message: str
    features: list[str] = []


class Error(BaseModel):
    """The body of every answer that is not 200."""

    error: ErrorBody


class Question(BaseModel):
    """A model, and either a car in a session, whose features are read, or the features."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "model": "lap_time",
                    "vehicle": "PERRINN 424",
                    "session": "20260101-000000-simulation",
                },
                {
                    "model": "lap_time",
                    "vehicle": "PERRINN 424",
                    "session": "20260101-000000-simulation",
                    "time": "2026-01-01T00:01:30Z",
                },
                {
                    "model": "lap_time",
                    "features": {"lap_time": 40.2, "lap_fraction": 0.41},
                    "explain": True,
                },
            ]
        },
    )

    model: Name = Field(examples=["lap_time"])
    vehicle: Name | None = Field(None, examples=["PERRINN 424"])
    session: Name | None = Field(None, examples=["20260101-000000-simulation"])
    time: datetime | None = Field(
        None,
        description="Use the features as they stood at this event time (with a time zone); "
        "default: the newest.",
        examples=["2026-01-01T00:01:30Z"],
    )
    features: dict[Name, Number | None] | None = Field(
        None, max_length=10_000, description="Instead of vehicle and session."
    )
    max_age_s: Number | None = Field(
        None,
        gt=0,
        le=1e9,
        description="Features older than this are stale; default: the task's limit.",
    )
    explain: bool = Field(False, strict=True, description="Add each feature's contribution.")

    @model_validator(mode="after")
    def _one_source(self) -> Question:
        keys = self.vehicle is not None and self.session is not None
        if keys == (self.features is not None) or (
            not keys and (self.vehicle is not None or self.session is not None)
        ):
            raise ValueError("give vehicle and session, or features, and not both")
        if self.time is not None and self.time.tzinfo is None:
            raise ValueError("time needs a time zone, for instance 2026-01-01T00:00:00Z")
        return self


class Answer(BaseModel):
    """The prediction, and what it was made from. `low` and `high` bound the interval."""

    prediction_id: str
    model: str
    version: int
    value: float
    low: float
    high: float
    unit: str
    vehicle: str
    session: str
    feature_service: str
    event_time: str | None = Field(
        description="Of the features; null for features given in the question."
    )
    age_s: float | None = Field(
        description="Seconds since the car's record came to Kafka; for a question about the past, "
        "seconds from the event time of the features to the time asked about."
    )
    contributions: dict[str, float | None] | None = Field(
        None,
        description="Contribution of each feature in the unit, the greatest first; null where the "
        "model gives no value with the usual value in its place.",
    )


class Questions(BaseModel):
    """Several questions at once; each is answered or refused for itself."""

    model_config = ConfigDict(extra="forbid")

    questions: list[Question] = Field(min_length=1, max_length=MOST_QUESTIONS)


def read_questions(body: bytes) -> list[Question | Problem]:
    """The questions of a batch; a malformed one is the `Problem` that refuses it.

    Raises `Problem` 422 for a body that is no batch at all. It may take long for a large body.
    """
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Problem(422, "wrong_type", "body: it is not JSON in UTF-8") from None
    asked = fields.get("questions") if isinstance(fields, dict) and len(fields) == 1 else None
    if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_QUESTIONS:
        raise Problem(
            422,
            "wrong_type",
            f"body: give an object with `questions` alone, a list of 1 to {MOST_QUESTIONS}",
        )
    questions: list[Question | Problem] = []
    for number, one in enumerate(asked):
        try:
            questions.append(Question.model_validate(one))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            questions.append(wrong_type(("questions", number, *first["loc"]), first))
    return questions


class Answers(BaseModel):
    """The answers, in the order of the questions."""

    answers: list[Answer | Error]


def as_json(answers: list[Answer | Error]) -> bytes:
    """An `Answers` as JSON. Written answer by answer, so that no other thread waits for all."""
    return b'{"answers":[' + b",".join(one.model_dump_json().encode() for one in answers) + b"]}"
