"""One connection on one thread of its own: nothing that SQLite does holds up the event loop.

What waits to be written when the thread comes to it becomes one transaction, each part under a savepoint of
its own: many posts side by side share the wait for the disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import attrs

from ...errors import BrexError, StoreUnavailable
from ..exports import Binding
from .file import Migrations, connect, transaction_failed

__all__ = ["Database"]

P = ParamSpec("P")
T = TypeVar("T")


@attrs.frozen
class _Write:
    """What waits to be written, and who waits for it."""

    work: Callable[[sqlite3.Connection], Any]
    future: Future[Any]


@attrs.frozen(kw_only=True)
class _Outcome:
    """What came of one."""

    done: Any = None
    error: BaseException | None = None


class Database:
    """Runs functions of a connection one after the other, each whole or not at all.

    What fails undoes itself alone; a commit that fails, or an error after which SQLite gave up the
    transaction, is told to all that were in it. A caller that is cancelled leaves what has begun to its end;
    what has not begun is dropped. An error keeps no frame of the function that failed: its variables may
    hold records.
    """

    def __init__(self, path: Path, *, busy_timeout: float, migrations: Migrations) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._migrations = migrations
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._waiting: deque[_Write] = deque()

    async def open(self, binding: Binding | None, now: datetime) -> Binding:
        """Open the file, anew if it was open."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="brex-store")
        return await self._run(self._open, binding, now)

    async def close(self) -> None:
        """Let everything that was asked for end, then close the connection and the thread."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        last = thread.submit(self._close)
        # Without waiting: that would hold up the event loop. The thread ends after its last job.
        thread.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(last))

    async def write(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run it in a transaction, on disk when this returns."""
        future: Future[T] = Future()
        thread = self._running()
        self._waiting.append(_Write(lambda connection: work(connection, *args, **kwargs), future))
        thread.submit(self._write_all)
        return await asyncio.wrap_future(future)

    async def read(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it on one view of the store."""
        return await self._run(self._read, lambda connection: work(connection, *args, **kwargs))

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        future: Future[T] = self._running().submit(work, *args, **kwargs)
        return await asyncio.wrap_future(future)

    def _running(self) -> ThreadPoolExecutor:
        if self._thread is None:
            raise _not_open(self._path)
        return self._thread

    def _open(self, binding: Binding | None, now: datetime) -> Binding:
        self._close()
        problem: BrexError
        try:
            self._connection, bound = connect(
                self._path, binding, now, busy_timeout=self._busy_timeout, migrations=self._migrations
            )
        except sqlite3.Error as error:
            problem = transaction_failed(self._path, error)
        else:
            return bound
        raise problem

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        problem: BaseException
        try:
            return _whole(self._opened(), work, "DEFERRED")
        except (sqlite3.Error, BrexError) as error:
            problem = self._told(error)
        raise problem

    def _write_all(self) -> None:
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        group = [one for one in waiting if one.future.set_running_or_notify_cancel()]
        for one, outcome in zip(group, self._outcomes(group), strict=True):
            if outcome.error is None:
                one.future.set_result(outcome.done)
            else:
                one.future.set_exception(self._told(outcome.error))

    def _outcomes(self, group: Sequence[_Write]) -> list[_Outcome]:
        if not group:
            return []
        try:
            return _whole(self._opened(), partial(_each, group), "IMMEDIATE")
        except BaseException as error:  # noqa: BLE001 - whatever it is, each caller waits for an answer
            return [_Outcome(error=error)] * len(group)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise _not_open(self._path)
        return self._connection

    def _told(self, error: BaseException) -> BaseException:
        """The error as the caller sees it."""
        if isinstance(error, sqlite3.Error):
            return transaction_failed(self._path, error)
        if isinstance(error, BrexError):
            error.__context__ = error.__cause__ = error.__traceback__ = None
        return error


def _each(group: Sequence[_Write], connection: sqlite3.Connection) -> list[_Outcome]:
    """All of a group in the transaction that is open; what fails leaves nothing behind."""
    if len(group) == 1:
        return [_Outcome(done=group[0].work(connection))]
    return [_under_savepoint(connection, one.work) for one in group]


def _under_savepoint(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Any]) -> _Outcome:
    connection.execute("SAVEPOINT one")
    try:
        outcome = _Outcome(done=work(connection))
    except BaseException as error:
        # SQLite has rolled everything back by itself after some errors: then the others failed too.
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO one")
        return _Outcome(error=error)
    finally:
        if connection.in_transaction:
            connection.execute("RELEASE one")
    return outcome


def _whole(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T], kind: str) -> T:
    connection.execute(f"BEGIN {kind}")
    try:
        done = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return done


def _not_open(path: Path) -> StoreUnavailable:
    return StoreUnavailable(f"{path}: the store is not open")
