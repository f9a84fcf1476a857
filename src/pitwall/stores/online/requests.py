"""Requests to Cassandra that may be sent again: a read, or a write that carries its own timestamp."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from pitwall.errors import StoreError
from pitwall.stores.cassandra import SHORT, Connection

AT_ONCE = 128
"""Requests under way at a time."""

Request = tuple[Any, Sequence[Any]]
"""A prepared statement and its values, by position."""


def ask(
    session: Any, options: Connection, requests: Sequence[Request], doing: str
) -> list[list[tuple[Any, ...]]]:
    """The rows of each request, in order; each is tried again after a timeout or a lost connection.

    Raises `StoreError` naming what was being done.
    """
    if len(requests) > 1:
        from cassandra.concurrent import execute_concurrent

        found = execute_concurrent(
            session,
            requests,
            concurrency=AT_ONCE,
            raise_on_first_error=False,
            execution_profile=SHORT,
        )
        return [
            list(result) if success else _again(session, options, request, doing, result)
            for request, (success, result) in zip(requests, found, strict=True)
        ]
    return [_first(session, options, request, doing) for request in requests]


def _first(
    session: Any, options: Connection, request: Request, doing: str
) -> list[tuple[Any, ...]]:
    try:
        return list(session.execute(*request, execution_profile=SHORT))
    except Exception as error:
        return _again(session, options, request, doing, error)


def _again(
    session: Any, options: Connection, request: Request, doing: str, error: Exception
) -> list[tuple[Any, ...]]:
    for _ in range(options.retries):
        if not _may_pass(error):
            break
        try:
            return list(session.execute(*request, execution_profile=SHORT))
        except Exception as next_error:
            error = next_error
    raise _refused(doing, error, options) from error


async def ask_async(
    session: Any, options: Connection, requests: Sequence[Request], doing: str
) -> list[list[tuple[Any, ...]]]:
    """As `ask`, without holding up the event loop."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(request: Request) -> list[tuple[Any, ...]]:
        left = options.retries
        while True:
            try:
                async with gate:
                    return await _settled(session, request)
            except Exception as error:
                if not left or not _may_pass(error):
                    raise _refused(doing, error, options) from error
            left -= 1

    if len(requests) == 1:
        return [await one(requests[0])]
    return await asyncio.gather(*map(one, requests))


async def _settled(session: Any, request: Request) -> list[tuple[Any, ...]]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[tuple[Any, ...]]] = loop.create_future()

    def settle(rows: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(list(rows or ()))
        else:
            future.set_exception(error)

    response = session.execute_async(*request, execution_profile=SHORT)
    response.add_callbacks(
        lambda rows: loop.call_soon_threadsafe(settle, rows, None),
        lambda error: loop.call_soon_threadsafe(settle, None, error),
    )
    return await future


def _may_pass(error: BaseException) -> bool:
    from cassandra import OperationTimedOut, RequestExecutionException
    from cassandra.cluster import NoHostAvailable
    from cassandra.connection import ConnectionException

    return isinstance(
        error, OperationTimedOut | RequestExecutionException | NoHostAvailable | ConnectionException
    )


def _refused(doing: str, error: BaseException, options: Connection) -> StoreError:
    tries = (
        f" ({options.retries + 1} tries of {options.request_timeout_s:g} s)"
        if _may_pass(error)
        else ""
    )
    return StoreError(f"{doing} failed: {type(error).__name__}: {error}{tries}")
