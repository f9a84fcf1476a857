"""The prediction endpoint: keys in, features from Cassandra, the champion's answer out and onto the topic."""

from __future__ import annotations

import asyncio
import secrets
import threading
from datetime import timedelta
from typing import Annotated, Any

import numpy as np
from confluent_kafka import KafkaError, Message, Producer
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from pitwall.errors import ModelError, StoreError
from pitwall.serving.prediction import Prediction
from pitwall.serving.reader import EPOCH, FeatureReader
from pitwall.serving.registry import Champions
from pitwall.serving.served import Served
from pitwall.settings import Settings
from pitwall.topics import client_config
from pitwall.training.tasks import TASKS

bearer = HTTPBearer(auto_error=False)


class Question(BaseModel):
    """Which model, and which car in which session."""

    model: str = Field(examples=["lap_time"], min_length=1, max_length=100)
    vehicle: str = Field(examples=["PERRINN 424"], min_length=1, max_length=200)
    session: str = Field(examples=["20260101-000000-simulation"], min_length=1, max_length=200)


class Answer(BaseModel):
    """The prediction, and what it was made from."""

    prediction_id: str
    model: str
    version: int
    value: float
    unit: str
    vehicle: str
    session: str
    event_time: str
    feature_service: str


class Confirmed:
    """Produces to Kafka and waits for the acknowledgement without holding up other requests."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer({**client_config(settings), "enable.idempotence": True, "linger.ms": 0})
        self._stop = threading.Event()
        threading.Thread(target=self._poll, daemon=True, name="kafka-poll").start()

    def _poll(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(0.1)

    async def send(self, topic: str, key: str, value: bytes) -> None:
        """Returns once acknowledged. Raises `StoreError` when Kafka refuses."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            def settle() -> None:
                if future.done():
                    return
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(StoreError(f"Kafka did not take the prediction: {error.str()}"))

            loop.call_soon_threadsafe(settle)

        self._producer.produce(topic, value, key, on_delivery=on_delivery)
        await asyncio.wait_for(future, 5)

    def close(self) -> None:
        """Send what waits."""
        self._stop.set()
        self._producer.flush(5)


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application BentoML mounts."""
    state: dict[str, Any] = {}


    lock = threading.Lock()

    def parts() -> dict[str, Any]:
        with lock:
            if not state:
                champions = Champions(settings, tuple(TASKS))
                champions.refresh()
                state.update(champions=champions, reader=FeatureReader(settings), producer=Confirmed(settings))
                champions.follow()
            return state

    app = FastAPI(title="pitwall predictions", version="1")

    def authorized(given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
        token = settings.secret("token").get_secret_value()
        if given is None or not secrets.compare_digest(given.credentials.encode(), token.encode()):
            raise HTTPException(401, "send `Authorization: Bearer <token>`; the token is in .pitwall/secrets/token")

    @app.get("/models")
    def models() -> dict[str, int]:
        """Champions that are loaded, with their version."""
        return {name: champion.version for name, champion in parts()["champions"].loaded.items()}

    @app.get("/ready")
    def ready() -> JSONResponse:
        """200 once at least one champion is loaded and Cassandra answers."""
        loaded = list(parts()["champions"].loaded)
        try:
            parts()["reader"].read("", " ", ())
        except StoreError as error:
            return JSONResponse({"ready": False, "reason": str(error)}, 503)
        if not loaded:
            return JSONResponse({"ready": False, "reason": "no champion yet; run ./pitwall train"}, 503)
        return JSONResponse({"ready": True, "models": loaded})

    @app.post("/predict", dependencies=[Depends(authorized)])
    async def predict(question: Question) -> Answer:
        """Predict from the newest features of the car in the session."""
        try:
            champion = parts()["champions"].get(question.model)
        except ModelError as error:
            raise HTTPException(404, str(error)) from error
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                None, parts()["reader"].read, question.vehicle, question.session, champion.inputs
            )
        except StoreError as error:
            raise HTTPException(503, str(error)) from error
        if found is None:
            raise HTTPException(
                404, f"no features of vehicle {question.vehicle!r} in session {question.session!r} are in the online store"
            )
        event_time, values = found.event_time, found.values
        served = Served(
            champion.feature_service, parts()["reader"].view, question.vehicle, question.session,
            (event_time - EPOCH) // timedelta(microseconds=1), champion.inputs, values, "endpoint",
        )  # fmt: skip
        value = float(champion.predict(np.array([values], dtype=np.float64))[0])
        if not np.isfinite(value):
            missing = [name for name, v in zip(champion.inputs, values, strict=True) if v is None]
            raise HTTPException(422, f"features are missing: {', '.join(missing)}")
        prediction = Prediction(
            champion.name, champion.version, question.vehicle, question.session,
            event_time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            value, champion.unit, champion.feature_service, champion.definitions, "endpoint",
        )  # fmt: skip
        try:
            send = parts()["producer"].send
            await asyncio.gather(
                send(settings.served_topic, served.session, served.message()),
                send(settings.predictions_topic, prediction.session, prediction.message()),
            )
        except (StoreError, TimeoutError) as error:
            raise HTTPException(503, f"the prediction was not published: {error}") from error
        return Answer(
            prediction_id=prediction.prediction_id, model=prediction.model, version=prediction.version,
            value=value, unit=prediction.unit, vehicle=prediction.vehicle, session=prediction.session,
            event_time=prediction.event_time, feature_service=prediction.feature_service,
        )  # fmt: skip

    return app
