"""One connection on one thread of its own: nothing that SQLite does holds up the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from ...errors import BrexError, StoreUnavailable
from ..exports import Binding
from .file import Migrations, connect, transaction_failed

__all__ = ["Database"]

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """Runs functions of a connection one after the other, each whole or not at all.

    A caller that is cancelled leaves what has begun to its end; what has not begun is dropped. An error
    keeps no frame of the function that failed: its variables may hold records.
    """

    def __init__(self, path: Path, *, busy_timeout: float, migrations: Migrations) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._migrations = migrations
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

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
        return await self._run(self._transaction, lambda connection: work(connection, *args, **kwargs), "IMMEDIATE")

    async def read(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it on one view of the store."""
        return await self._run(self._transaction, lambda connection: work(connection, *args, **kwargs), "DEFERRED")

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._thread is None:
            raise StoreUnavailable(f"{self._path}: the store is not open")
        future: Future[T] = self._thread.submit(work, *args, **kwargs)
        return await asyncio.wrap_future(future)

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

    def _transaction(self, work: Callable[[sqlite3.Connection], T], kind: str) -> T:
        connection = self._connection
        if connection is None:
            raise StoreUnavailable(f"{self._path}: the store is not open")
        problem: BrexError
        try:
            return _whole(connection, work, kind)
        except sqlite3.Error as error:
            problem = transaction_failed(self._path, error)
        except BrexError as error:
            problem = error.with_traceback(None)
            problem.__context__ = problem.__cause__ = None
        raise problem


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
