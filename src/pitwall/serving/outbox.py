"""Predictions, and the features they were made from, on their way to Kafka.

A message is on disk before the answer leaves, and is deleted once Kafka has acknowledged it. After
a crash or an outage what is left is sent when both are there again. A message that was sent but
not yet deleted is sent again under the same prediction id.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from pathlib import Path

import orjson
from confluent_kafka import KafkaError, Message, Producer

from pitwall.kafka.clients import client_config
from pitwall.serving.prediction import Prediction
from pitwall.serving.served import Served
from pitwall.settings import Settings

LOG = logging.getLogger("pitwall.serving")
BATCH = 500
ACK_MS = 5000
RETRY_S = 0.5

Row = tuple[str, str, bytes, bytes]
"""Topic, key, value, headers as JSON."""


class Outbox:
    """A queue in SQLite with a thread of its own that sends. `put` and `keep` are safe together."""

    def __init__(self, settings: Settings, path: Path | None = None) -> None:
        path = path or settings.data_dir / "outbox.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._topic, self._served = (
            path,
            settings.predictions_topic,
            settings.served_topic,
        )
        self._in = self._open()
        # A checkpoint of the log waits for the disk: the sender's commits make it, no answer waits.
        self._in.execute("PRAGMA wal_autocheckpoint = 0")
        self._in.execute(
            "CREATE TABLE IF NOT EXISTS outbox "
            "(n INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, key TEXT, value BLOB, headers BLOB)"
        )
        self._wake, self._stop = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._together: list[tuple[list[Row], asyncio.Future[None]]] = []
        self._producer = Producer(
            {**client_config(settings), "acks": "all", "linger.ms": 1, "message.timeout.ms": ACK_MS}
        )
        self._sender = threading.Thread(target=self._send, daemon=True, name="outbox")
        self._wake.set()
        self._sender.start()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, timeout=10, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def put(self, predictions: list[Prediction], served: list[Served]) -> list[str]:
        """Keep these messages; gives the predictions' ids.

        Once it returns they survive any kill. Raises `sqlite3.Error` on a full disk.
        """
        ids, rows = self._rows(predictions, served)
        self._write(rows)
        return ids

    async def keep(self, predictions: list[Prediction], served: list[Served]) -> list[str]:
        """As `put`, in one transaction with all that the event loop has to keep at that moment."""
        ids, rows = self._rows(predictions, served)
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[None] = loop.create_future()
        if not self._together:
            loop.call_soon(self._write_together)
        self._together.append((rows, kept))
        await kept
        return ids

    def _rows(
        self, predictions: list[Prediction], served: list[Served]
    ) -> tuple[list[str], list[Row]]:
        ids = [prediction.prediction_id for prediction in predictions]
        rows = [
            (
                self._topic,
                p.session,
                p.message(i),
                orjson.dumps([(name, value.decode()) for name, value in p.headers(i)]),
            )
            for p, i in zip(predictions, ids, strict=True)
        ]
        return ids, rows + [
            (self._served, vector.session, vector.message(), b"[]") for vector in served
        ]

    def _write(self, rows: list[Row]) -> None:
        with self._lock:
            self._in.execute("BEGIN")
            try:
                self._in.executemany(
                    "INSERT INTO outbox (topic, key, value, headers) VALUES (?, ?, ?, ?)", rows
                )
                self._in.execute("COMMIT")
            except sqlite3.Error:
                if self._in.in_transaction:
                    self._in.execute("ROLLBACK")
                raise
        self._wake.set()

    def _write_together(self) -> None:
        together, self._together = self._together, []
        try:
            self._write([row for rows, _ in together for row in rows])
            error = None
        except sqlite3.Error as failed:
            error = failed
        for _, kept in together:
            if kept.done():
                continue
            if error is None:
                kept.set_result(None)
            else:
                kept.set_exception(error)

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
                while rows := out.execute(
                    "SELECT n, topic, key, value, headers FROM outbox ORDER BY n LIMIT ?", (BATCH,)
                ).fetchall():
                    taken = self._produce(rows)
                    out.execute("BEGIN IMMEDIATE")
                    out.executemany("DELETE FROM outbox WHERE n = ?", [(n,) for n in taken])
                    out.execute("COMMIT")
                    if len(taken) < len(rows):
                        LOG.warning(
                            "Kafka did not take %d messages; they stay in %s",
                            len(rows) - len(taken),
                            self._path,
                        )
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

            pairs: list[tuple[str, str | bytes | None]] = [
                (name, text.encode()) for name, text in orjson.loads(headers)
            ]
            self._producer.produce(topic, value, key, headers=pairs, on_delivery=on_delivery)
        self._producer.flush(ACK_MS / 1000 + 5)
        return taken

    def close(self) -> None:
        """Send what waits, for at most eleven seconds; the rest stays on disk."""
        self._stop.set()
        self._wake.set()
        self._sender.join(ACK_MS / 1000 + 6)
        self._in.close()
