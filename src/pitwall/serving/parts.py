"""What answering a question needs: the models, the online store, the outbox."""

from __future__ import annotations

import gc
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar, cast

from pitwall.features.topic import FeatureRows
from pitwall.serving.outbox import Outbox
from pitwall.serving.reader import FeatureReader
from pitwall.serving.registry import Registry
from pitwall.settings import Settings
from pitwall.training.tasks import tasks

T = TypeVar("T")


class Parts:
    """Makes each part at its first use, so that the endpoint can start before other servers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._made: dict[str, Any] = {}
        self._probing = threading.Lock()
        self._fetching: Future[None] | None = None
        self._fetcher = ThreadPoolExecutor(1, "fetch")

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """The part of this name, made at its first use; other parts do not wait for it."""
        if name not in self._made:
            with self._locks[name]:
                if name not in self._made:
                    self._made[name] = make()
        return cast(T, self._made[name])

    @property
    def warm(self) -> bool:
        """Whether the models are loaded, the online store has answered and the outbox is open."""
        return {"registry", "reader", "outbox", "past", "threads"} <= self._made.keys()

    def fetch(self) -> None:
        """Make every part: load the models, connect to the online store, open the outbox. Blocks.

        Raises `MlflowException` or `StoreError` where one of them does not answer.
        """
        parts = (
            self.registry,
            self.reader,
            self.outbox,
            self.schemas,
            self.past,
            self.threads,
        )
        for part in parts:
            assert part is not None
        # What lives for ever is not looked through again: a collection held up the event loop for
        # 0.2 s of a heap with MLflow in it.
        gc.collect()
        gc.freeze()

    def probe(self) -> str | None:
        """Why no question can be answered yet, or None.

        Never blocks: what is missing is fetched in a thread.
        """
        if self.warm:
            return None
        with self._probing:
            last = self._fetching
            if last is None or (last.done() and last.exception() is not None):
                self._fetching = self._fetcher.submit(self.fetch)
                if last is not None:
                    return str(last.exception())
        return "the models are being loaded"

    @property
    def registry(self) -> Registry:
        """The models in memory, which follow the registry's aliases."""
        return self._once("registry", self._following)

    def _following(self) -> Registry:
        registry = Registry(self._settings, lambda: tasks(self._settings))
        registry.refresh()
        registry.follow()
        return registry

    @property
    def reader(self) -> FeatureReader:
        """The reader of the online store."""
        return self._once("reader", self._connected)

    def _connected(self) -> FeatureReader:
        reader = FeatureReader(self._settings)
        try:
            reader.read("", " ", ())
        except BaseException:
            reader.close()
            raise
        return reader

    @property
    def outbox(self) -> Outbox:
        """The way of predictions to their topic."""
        return self._once("outbox", lambda: Outbox(self._settings))

    @property
    def schemas(self) -> FeatureRows:
        """What the job computes now, as it says on the schemas topic; empty without Kafka."""
        return self._once("schemas", self._following_schemas)

    def _following_schemas(self) -> FeatureRows:
        rows = FeatureRows(self._settings, self.reader.view, "endpoint")
        rows.follow()
        return rows

    @property
    def past(self) -> ThreadPoolExecutor:
        """Threads for reads of the offline store, which are slow: other questions do not wait."""
        return self._once("past", lambda: ThreadPoolExecutor(2, "past"))

    @property
    def threads(self) -> ThreadPoolExecutor:
        """Threads for work that would hold up the event loop: large bodies and explanations."""
        return self._once("threads", lambda: ThreadPoolExecutor(2, "work", _one_core))


def _one_core() -> None:
    """Let this thread's models compute on one core: a row's trees wait longer for two, under load.

    Measured with 101 rows of 50 trees on two busy cores: 22 ms on both, 3 ms on one.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
