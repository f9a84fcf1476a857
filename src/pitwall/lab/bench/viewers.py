"""The load of the page's benchmark: a car that drives, and viewers of the live view."""

from __future__ import annotations

import threading
import time

import numpy as np

from pitwall.features import load
from pitwall.settings import Settings

HZ = 50
VEHICLE, SESSION = "bench", "20260101-000000-bench"
SLOW_PAUSE_S = 2.0
"""Pause of a slow viewer between two messages."""
SLOW_BUFFER = 4096
"""Receive buffer of a slow viewer, bytes."""


class FeatureCar(threading.Thread):
    """Writes `HZ` feature rows a second to the features topic, as the job would."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._settings = settings
        self._stopped = threading.Event()

    def run(self) -> None:
        """Write rows until `stop`."""
        from confluent_kafka import Producer

        from pitwall.kafka.clients import client_config

        sets = {features.name: features for features in load(self._settings.feature_repo)}
        features = sets["car_state"]
        producer = Producer({**client_config(self._settings), "linger.ms": 0})
        schema = bytes.fromhex(features.schema)[::-1]
        session_time = features.names.index("session_time")
        values = np.zeros(len(features.names))
        start_s = time.time()
        tick = 0
        while not self._stopped.is_set():
            values[:] = 100 * np.sin(tick / 50 + np.arange(len(values)))
            values[session_time] = tick / HZ
            event_us = int(start_s * 1e6) + tick * 1_000_000 // HZ
            times = np.array([event_us, int(time.time() * 1e6)], "<i8")
            producer.produce(
                self._settings.features_topic,
                schema + times.tobytes() + values.astype("<f8").tobytes() + VEHICLE.encode(),
                SESSION,
            )
            producer.poll(0)
            tick += 1
            time.sleep(max(0.0, start_s + tick / HZ - time.time()))
        producer.flush(5)

    def stop(self) -> None:
        """Let the thread end; does not wait."""
        self._stopped.set()


class Viewer(threading.Thread):
    """Takes the live view's stream as the page's script does.

    A slow viewer takes one message in `SLOW_PAUSE_S`, over a small receive buffer.
    """

    def __init__(self, settings: Settings, cookie: str, request: str, slow: bool = False) -> None:
        super().__init__(daemon=True)
        self._settings, self._cookie, self._request = settings, cookie, request
        self._pause_s = SLOW_PAUSE_S if slow else 0.0
        self.received = 0
        """Messages taken so far."""
        self._stopped = threading.Event()

    def run(self) -> None:
        """Take messages until `stop`."""
        import socket

        from websockets.sync.client import connect

        url = self._settings.page_url.replace("http", "ws") + "/stream"
        connection = socket.socket()
        if self._pause_s:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER)
        connection.connect((self._settings.host, self._settings.page_port))
        with connect(
            url,
            sock=connection,
            additional_headers={"Cookie": self._cookie},
            max_size=None,
            max_queue=1,
        ) as stream:
            stream.send(self._request)
            while not self._stopped.wait(self._pause_s):
                stream.recv(timeout=60)
                self.received += 1

    def stop(self) -> None:
        """Let the thread end after its next message; does not wait."""
        self._stopped.set()
