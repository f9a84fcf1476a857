"""Predictions, and the features they were made from, on their way to Kafka.

A message is on disk before the answer leaves, and is deleted once Kafka has acknowledged it. After
a crash or an outage what is left is sent when both are there again. A message that was sent but
not yet deleted is sent again under the same prediction id. A message that Kafka refuses for good,
such as one that is too large for its topic, is set aside in the table `refused`, so that the others
go on; it is tried again when the process starts again.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from pathlib import Path

import orjson

from pitwall.serving.delivery import ACK_MS, Delivery, Outcome
from pitwall.serving.prediction import Prediction
from pitwall.serving.served import Served
from pitwall.settings import Settings

LOG = logging.getLogger("pitwall.serving")
BATCH = 500
RETRY_S = 0.5
BUSY_S = 0.005
"""While the sender's transaction waits for the disk, an answer tries again so often."""
MOST_BUSY_S = 5.0
"""After so long it gives up, and its request is refused."""

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
        # What is kept is written on the event loop, which must not wait for the sender's disk.
        self._in = self._open(busy_s=0)
        # A checkpoint of the log waits for the disk: the sender's commits make it, no answer waits.
        self._in.execute("PRAGMA wal_autocheckpoint = 0")
        out = self._open(busy_s=2 * MOST_BUSY_S)
        out.execute(
            "CREATE TABLE IF NOT EXISTS outbox "
            "(n INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, key TEXT, value BLOB, headers BLOB)"
        )
        out.execute(
            "CREATE TABLE IF NOT EXISTS refused "
            "(topic TEXT, key TEXT, value BLOB, headers BLOB, reason TEXT)"
        )
        out.execute("BEGIN IMMEDIATE")
        out.execute(
            "INSERT INTO outbox (topic, key, value, headers) "
            "SELECT topic, key, value, headers FROM refused"
        )
        out.execute("DELETE FROM refused")
        out.execute("COMMIT")
        out.close()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._together: list[tuple[list[Row], asyncio.Future[None]]] = []
        self._gone: dict[int, str | None] = {}
        self._delivery = Delivery(settings)
        self._sender = threading.Thread(target=self._send, daemon=True, name="outbox")
        self._wake.set()
        self._sender.start()

    def _open(self, busy_s: float) -> sqlite3.Connection:
        """A connection that waits `busy_s` for another one's transaction."""
        connection = sqlite3.connect(
            self._path, isolation_level=None, timeout=10, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA busy_timeout = {round(busy_s * 1000)}")
        return connection

    def put(self, predictions: list[Prediction], served: list[Served]) -> list[str]:
        """Keep these messages; gives the predictions' ids.

        Once it returns they survive any kill. Raises `sqlite3.Error` on a full disk.
        """
        ids, rows = self._rows(predictions, served)
        limit = time.monotonic() + MOST_BUSY_S
        while True:
            try:
                self._write(rows)
            except sqlite3.Error as error:
                if not _is_busy(error) or time.monotonic() > limit:
                    raise
                time.sleep(BUSY_S)
            else:
                return ids

    async def keep(self, predictions: list[Prediction], served: list[Served]) -> list[str]:
        """As `put`, in one transaction with all that the event loop has to keep at that moment.

        Never blocks the loop. What nobody waits for any more is not kept.
        """
        ids, rows = self._rows(predictions, served)
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[None] = loop.create_future()
        if not self._together:
            loop.call_soon(self._write_together, loop, loop.time() + MOST_BUSY_S)
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

    def _write_together(self, loop: asyncio.AbstractEventLoop, limit_s: float) -> None:
        together = [(rows, kept) for rows, kept in self._together if not kept.done()]
        error = None
        try:
            self._write([row for rows, _ in together for row in rows])
        except sqlite3.Error as failed:
            if _is_busy(failed) and loop.time() < limit_s:
                loop.call_later(BUSY_S, self._write_together, loop, limit_s)
                return
            error = failed
        self._together = []
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

    def refused(self) -> int:
        """How many messages Kafka has refused since the process started."""
        with self._lock:
            return int(self._in.execute("SELECT count(*) FROM refused").fetchone()[0])

    def _send(self) -> None:
        out = self._open(busy_s=2 * MOST_BUSY_S)
        while not self._stop.is_set():
            self._wake.wait(RETRY_S)
            self._wake.clear()
            try:
                self._send_all(out)
            except Exception:
                LOG.exception("the outbox could not be sent; trying again")
            if self._stop.is_set():
                break
        out.close()

    def _send_all(self, out: sqlite3.Connection) -> None:
        """Send what is kept, once. Ends early where Kafka does not answer."""
        last = 0
        while rows := out.execute(
            "SELECT n, topic, key, value, headers FROM outbox WHERE n > ? ORDER BY n LIMIT ?",
            (last, BATCH),
        ).fetchall():
            last = rows[-1][0]
            # What could not be deleted, on a full disk, is not sent again.
            rows = [row for row in rows if row[0] not in self._gone]
            outcome = self._delivery.send(rows)
            self._report(rows, outcome)
            self._gone |= {**dict.fromkeys(outcome.taken), **outcome.refused}
            if self._gone:
                self._forget(out)
            if outcome.away:
                break

    def _forget(self, out: sqlite3.Connection) -> None:
        """Delete what Kafka has taken, and set aside what it refuses."""
        out.execute("BEGIN IMMEDIATE")
        try:
            out.executemany(
                "INSERT INTO refused (topic, key, value, headers, reason) "
                "SELECT topic, key, value, headers, ? FROM outbox WHERE n = ?",
                [(reason, n) for n, reason in self._gone.items() if reason is not None],
            )
            out.executemany("DELETE FROM outbox WHERE n = ?", [(n,) for n in self._gone])
            out.execute("COMMIT")
        except sqlite3.Error:
            if out.in_transaction:
                out.execute("ROLLBACK")
            raise
        self._gone = {}

    def _report(self, rows: list[tuple[int, str, str, bytes, bytes]], outcome: Outcome) -> None:
        for n, topic, key, value, _ in rows:
            if n in outcome.refused:
                LOG.error(
                    "Kafka refuses a message of %d bytes with key %r for topic %s (%s); it is in "
                    "the table `refused` of %s and is tried again when the process starts again",
                    len(value),
                    key,
                    topic,
                    outcome.refused[n],
                    self._path,
                )
        waiting = len(rows) - len(outcome.taken) - len(outcome.refused)
        if waiting:
            reason = next(iter(outcome.errors.values()), "no answer")
            LOG.warning(
                "Kafka did not take %d messages (%s); they stay in %s", waiting, reason, self._path
            )

    def close(self) -> None:
        """Send what waits, for at most eleven seconds; the rest stays on disk."""
        self._stop.set()
        self._wake.set()
        self._sender.join(ACK_MS / 1000 + 6)
        self._in.close()


def _is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection's transaction was in the way."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY
