"""Transactions of one company on connections that all companies of the process share.

What waits to be written when the one before it is committed becomes one transaction: many posts side by side
share the wait for the disk, and a company writes on one connection at a time. When a part fails, all are done
anew, each under a savepoint of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import uuid4

import attrs
import psycopg

from ...errors import BrexError, StoreUnavailable
from ..exports import Binding
from .committing import begin, was_kept
from .failing import failed, is_lost
from .opening import Migrations, open_store
from .pool import Pool, own_pool
from .session import Session

__all__ = ["Database"]

P = ParamSpec("P")
T = TypeVar("T")


@attrs.frozen
class _Write:
    """What waits to be written, and who waits for it."""

    work: Callable[[Session], Awaitable[Any]]
    future: asyncio.Future[Any]


@attrs.frozen(kw_only=True)
class _Outcome:
    """What came of one."""

    done: Any = None
    error: BaseException | None = None


@attrs.define
class _Progress:
    """How far a transaction came: its number once it has the lock, and whether only COMMIT was left."""

    number: int | None = None
    is_done: bool = False


class Database:
    """Runs coroutines of a session one after the other, each whole or not at all.

    What fails undoes itself alone; a transaction that fails as a whole is told to all that were in it. A
    caller that is cancelled leaves what has begun to its end; what has not begun is dropped. An error keeps
    no frame of what failed: its variables may hold records.
    """

    def __init__(self, database: str | Pool, company: str, *, patience: float, migrations: Migrations) -> None:
        self._database = database
        self._company = company
        self._patience = patience
        self._migrations = migrations
        self._pool: Pool | None = None
        self._waiting: deque[_Write] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def open(self, binding: Binding | None, now: datetime) -> Binding:
        """Open the company's store, anew if it was open."""
        await self.close()
        pool = own_pool(self._database, timeout=self._patience) if isinstance(self._database, str) else self._database
        problem: BaseException
        try:
            if pool is not self._database:
                await pool.open(wait=True, timeout=self._patience)
            bound = await self._opened(pool, binding, now)
        except BaseException as error:  # noqa: BLE001 - told below, once the pool is closed
            problem = self._told(error)
        else:
            self._pool = pool
            return bound
        if pool is not self._database:
            await pool.close()
        raise problem

    async def _opened(self, pool: Pool, binding: Binding | None, now: datetime) -> Binding:
        for is_last in (False, True):
            try:
                async with pool.connection(self._patience) as connection, connection.transaction():
                    return await open_store(Session(self._company, connection), binding, now, self._migrations)
            except psycopg.Error as error:
                if is_last or not is_lost(error):
                    raise
                await pool.check()
        raise AssertionError

    async def close(self) -> None:
        """Let everything that was asked for end, then let go of the connections."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        if self._writer is not None:
            await asyncio.shield(self._writer)
        if pool is not self._database:
            await pool.close()

    async def write(
        self, work: Callable[Concatenate[Session, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run it in a transaction, on disk when this returns."""
        pool = self._running()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Write(lambda session: work(session, *args, **kwargs), future))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all(pool), name="brex-store")
        return await future

    async def read(self, work: Callable[Concatenate[Session, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it, one statement that sees what is committed."""
        pool = self._running()
        problem: BaseException
        try:
            return await self._read(pool, lambda session: work(session, *args, **kwargs))
        except (psycopg.Error, BrexError) as error:
            problem = self._told(error)
        raise problem

    def _running(self) -> Pool:
        if self._pool is None:
            raise StoreUnavailable(f"{self._company}: the store is not open")
        return self._pool

    async def _read(self, pool: Pool, work: Callable[[Session], Awaitable[T]]) -> T:
        try:
            async with pool.connection(self._patience) as connection:
                return await work(Session(self._company, connection))
        except psycopg.Error as error:
            if not is_lost(error):
                raise
        # It lay idle while the server went: what is read may be read again on another one.
        await pool.check()
        async with pool.connection(self._patience) as connection:
            return await work(Session(self._company, connection))

    async def _write_all(self, pool: Pool) -> None:
        try:
            while self._waiting:
                waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
                group = [one for one in waiting if not one.future.done()]
                for one, outcome in zip(group, await self._outcomes(pool, group), strict=True):
                    _answer(one.future, outcome.done, outcome.error and self._told(outcome.error))
        finally:
            self._writer = None

    async def _outcomes(self, pool: Pool, group: Sequence[_Write]) -> list[_Outcome]:
        if not group:
            return []
        try:
            return await self._certain(pool, group)
        except BaseException as error:
            # Whatever it is, each caller waits for an answer.
            if isinstance(error, asyncio.CancelledError):
                for one in group:
                    one.future.cancel()
                raise
            return [_Outcome(error=error)] * len(group)

    async def _certain(self, pool: Pool, group: Sequence[_Write]) -> list[_Outcome]:
        """The group in a transaction of which it is known afterwards whether it was kept."""
        mark = uuid4()
        for is_last in (False, True):
            progress = _Progress()
            outcomes: list[_Outcome] = []
            try:
                async with pool.connection(self._patience) as connection, connection.transaction():
                    session = Session(self._company, connection)
                    progress.number = await begin(session, mark)
                    outcomes = await _each(session, group)
                    progress.is_done = True
            except psycopg.Error as error:
                if not is_lost(error) or (progress.number is None and is_last):
                    raise
                if progress.number is not None:
                    if not progress.is_done or not await self._was_kept(pool, mark, progress.number):
                        raise
                    return outcomes
            else:
                return outcomes
            # It lay idle while the server went, and nothing had begun.
            await pool.check()
        raise AssertionError

    async def _was_kept(self, pool: Pool, mark: Any, number: int) -> bool:
        """Ask until the server is back, for as long as patience lasts."""
        end = asyncio.get_running_loop().time() + self._patience
        kept: bool | None = None
        while kept is None:
            left = end - asyncio.get_running_loop().time()
            try:
                await pool.check()
                async with pool.connection(max(left, 0.01)) as connection:
                    kept = await was_kept(Session(self._company, connection), mark, number)
                    break
            except psycopg.Error as error:
                if left <= 0 or not is_lost(error):
                    break
            await asyncio.sleep(0.05)
        if kept is None:
            raise StoreUnavailable(
                f"{self._company}: the connection was lost during a commit, and the server did not come back in time "
                "to say whether it was kept. Stop, and go on as after a crash"
            )
        return kept

    def _told(self, error: BaseException) -> BaseException:
        """The error as the caller sees it."""
        if isinstance(error, psycopg.Error):
            return failed(self._company, error)
        if isinstance(error, BrexError):
            error.__context__ = error.__cause__ = error.__traceback__ = None
        return error


async def _each(session: Session, group: Sequence[_Write]) -> list[_Outcome]:
    """All of a group in the transaction that is open; what fails leaves nothing behind."""
    if len(group) == 1:
        return [_Outcome(done=await group[0].work(session))]
    try:
        async with session.connection.transaction():
            return [_Outcome(done=await one.work(session)) for one in group]
    except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        if session.connection.closed:
            raise
    return [await _under_savepoint(session, one.work) for one in group]


async def _under_savepoint(session: Session, work: Callable[[Session], Awaitable[Any]]) -> _Outcome:
    try:
        async with session.connection.transaction():
            return _Outcome(done=await work(session))
    except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        # With the connection all others are gone too.
        if session.connection.closed:
            raise
        return _Outcome(error=error)


def _answer(future: asyncio.Future[Any], done: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(done)
    else:
        future.set_exception(error)
