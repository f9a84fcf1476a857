"""Predictions, and the features they were made of, on their way to Kafka: on disk before the answer leaves, deleted once acknowledged.

A crash or an outage of Kafka costs nothing: what is left is sent when both are there again. One that was sent but not yet
deleted is sent again, under the same prediction id.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path

import orjson
from confluent_kafka import KafkaError, Message, Producer

from pitwall.serving.prediction import Prediction
from pitwall.serving.served import Served
from pitwall.settings import Settings
from pitwall.topics import client_config

LOG = logging.getLogger("pitwall.serving")
BATCH = 500
ACK_MS = 5000
RETRY_S = 0.5


class Outbox:
    """`put` from one thread; a thread of its own sends."""

    def __init__(self, settings: Settings, path: Path | None = None) -> None:
        path = path or settings.data_dir / "outbox.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._topic, self._served = path, settings.predictions_topic, settings.served_topic
        self._in = self._open()
        self._in.execute("CREATE TABLE IF NOT EXISTS outbox "
                         "(n INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, key TEXT, value BLOB, headers BLOB)")  # fmt: skip
        self._wake, self._stop = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._producer = Producer({**client_config(settings), "acks": "all", "linger.ms": 1, "message.timeout.ms": ACK_MS})
        self._sender = threading.Thread(target=self._send, daemon=True, name="outbox")
        self._wake.set()
        self._sender.start()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=10, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def put(self, predictions: list[Prediction], served: list[Served]) -> list[str]:
        """Keep these; gives the predictions' ids. Once it returns they are not lost, whatever is killed. Raises `sqlite3.Error` on a full disk."""
        ids = [prediction.prediction_id for prediction in predictions]
        rows = [
            (self._topic, p.session, p.message(i), orjson.dumps([(name, value.decode()) for name, value in p.headers(i)]))
            for p, i in zip(predictions, ids, strict=True)
        ]
        rows += [(self._served, vector.session, vector.message(), b"[]") for vector in served]
        with self._lock:
            self._in.execute("BEGIN")
            self._in.executemany("INSERT INTO outbox (topic, key, value, headers) VALUES (?, ?, ?, ?)", rows)
            self._in.execute("COMMIT")
        self._wake.set()
        return ids

    def waiting(self) -> int:
        """How many messages Kafka has not acknowledged yet."""
        with self._lock:
            return int(self._in.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def _send(self) -> None:
        out = self._open()
        while not self._stop.is_set():
            self._wake.wait(RETRY_S)
            self._wake.clear()
            try:
                while (rows := out.execute("SELECT n, topic, key, value, headers FROM outbox ORDER BY n LIMIT ?", (BATCH,)).fetchall()):
                    taken = self._produce(rows)
                    out.execute("BEGIN IMMEDIATE")
                    out.executemany("DELETE FROM outbox WHERE n = ?", [(n,) for n in taken])
                    out.execute("COMMIT")
                    if len(taken) < len(rows):
                        LOG.warning("Kafka did not take %d messages; they stay in %s", len(rows) - len(taken), self._path)
                        break
            except Exception:
                LOG.exception("the outbox could not be sent; trying again")
            if self._stop.is_set():
                break
        out.close()

    def _produce(self, rows: list[tuple[int, str, str, bytes, bytes]]) -> list[int]:
        taken: list[int] = []
        for n, topic, key, value, headers in rows:

            def on_delivery(error: KafkaError | None, _: Message, n: int = n) -> None:
                if error is None:
                    taken.append(n)

            pairs: list[tuple[str, str | bytes | None]] = [(name, text.encode()) for name, text in orjson.loads(headers)]
            self._producer.produce(topic, value, key, headers=pairs, on_delivery=on_delivery)
        self._producer.flush(ACK_MS / 1000 + 5)
        return taken

    def close(self) -> None:
        """Send what waits, for a moment; the rest stays on disk."""
        self._stop.set()
        self._wake.set()
        self._sender.join(ACK_MS / 1000 + 6)
        self._in.close()
