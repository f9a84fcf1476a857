"""The stack that many test modules share: Kafka, Cassandra, S3 and the features job."""

from __future__ import annotations

from contextlib import ExitStack

from pitwall.local.stack import Stack
from pitwall.machine import jars
from pitwall.machine.sandbox import sandbox
from pitwall.settings import Settings


class SharedStack:
    """Starts servers when a test first needs them, and keeps them until `close`.

    Tests on it keep apart by the names of their vehicles, sessions, topics and buckets. A test that
    kills a server or changes a setting starts a stack of its own instead.
    """

    def __init__(self) -> None:
        self._open = ExitStack()
        self._settings: Settings | None = None
        self._servers: Stack | None = None

    def start(self, *names: str) -> Settings:
        """The settings of the stack, once Kafka, Cassandra, S3 and the named servers answer."""
        from pitwall.stores.repository import apply

        if self._settings is None:
            self._settings = self._open.enter_context(sandbox(checkpoint_interval_s="2"))
            jars.fetch(self._settings.cache_dir / "m2")
            self._servers = self._open.enter_context(Stack(self._settings))
            self._servers.start(["kafka", "cassandra", "s3"])
            apply(self._settings)
        assert self._servers is not None
        self._servers.start(names, 300)
        return self._settings

    def close(self) -> None:
        """End the servers, and set the environment back; a later `start` begins anew."""
        self._settings = self._servers = None
        self._open.close()
