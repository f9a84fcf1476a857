"""Requests to Cassandra that are sent again after a timeout or a lost connection.

Only for requests that may be repeated: reads, and writes that carry their own timestamp.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from pitwall.errors import StoreError
from pitwall.stores.cassandra.connect import SHORT
from pitwall.stores.cassandra.options import Connection

AT_ONCE = 128
"""Largest number of requests that wait for an answer at the same time."""

Request = tuple[Any, Sequence[Any]]
"""A prepared statement and its values, by position."""
ResultRow = tuple[Any, ...]


def ask(
    session: Any, options: Connection, requests: Sequence[Request], action: str
) -> list[list[ResultRow]]:
    """The rows of each request, in the order of the requests.

    Raises `StoreError` when a request still fails after `options.retries` repetitions. The message
    begins with `action`, for instance "reading view 'car_state' from Cassandra".
    """
    if len(requests) > 1:
        from cassandra.concurrent import execute_concurrent

        results = execute_concurrent(
            session,
            requests,
            concurrency=AT_ONCE,
            raise_on_first_error=False,
            execution_profile=SHORT,
        )
        return [
            list(result) if success else _repeat(session, options, request, action, result)
            for request, (success, result) in zip(requests, results, strict=True)
        ]
    return [_ask_one(session, options, request, action) for request in requests]


def _ask_one(session: Any, options: Connection, request: Request, action: str) -> list[ResultRow]:
    try:
        return list(session.execute(*request, execution_profile=SHORT))
    except Exception as error:
        return _repeat(session, options, request, action, error)


def _repeat(
    session: Any, options: Connection, request: Request, action: str, error: Exception
) -> list[ResultRow]:
    for _ in range(options.retries):
        if not _is_temporary(error):
            break
        try:
            return list(session.execute(*request, execution_profile=SHORT))
        except Exception as next_error:
            error = next_error
    raise _failure(action, error, options) from error


async def ask_async(
    session: Any, options: Connection, requests: Sequence[Request], action: str
) -> list[list[ResultRow]]:
    """As `ask`, without blocking the event loop."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(request: Request) -> list[ResultRow]:
        retries_left = options.retries
        while True:
            try:
                async with gate:
                    return await _execute_async(session, request)
            except Exception as error:
                if not retries_left or not _is_temporary(error):
                    raise _failure(action, error, options) from error
            retries_left -= 1

    if len(requests) == 1:
        return [await one(requests[0])]
    return await asyncio.gather(*map(one, requests))


async def _execute_async(session: Any, request: Request) -> list[ResultRow]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[ResultRow]] = loop.create_future()

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


def _is_temporary(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later."""
    from cassandra import OperationTimedOut, RequestExecutionException
    from cassandra.cluster import NoHostAvailable
    from cassandra.connection import ConnectionException

    return isinstance(
        error, OperationTimedOut | RequestExecutionException | NoHostAvailable | ConnectionException
    )


def _failure(action: str, error: BaseException, options: Connection) -> StoreError:
    tries = (
        f" ({options.retries + 1} tries of {options.request_timeout_s:g} s)"
        if _is_temporary(error)
        else ""
    )
    return StoreError(f"{action} failed: {type(error).__name__}: {error}{tries}")
