"""The connection to PostgreSQL: opened, lent out in transactions, and its errors put into our tree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeAlias

import psycopg
from procrastinate.exceptions import ProcrastinateException
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from ...errors import StoreError, StoreUnavailable
from ...session.discreet import Hidden, Unchained
from ..postgres.failing import failed

__all__ = ["Connection", "Database", "Pool", "prepared", "translated"]

Connection: TypeAlias = psycopg.AsyncConnection[DictRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]

_PATIENCE: Final = 10.0
"""Seconds to wait for a connection."""
_SILENCE: Final = "10s"
"""Between two statements of a transaction of ours: longer than an event loop ever stands still."""


class Database:
    """Connections to one PostgreSQL, for one life of a worker: opened and closed, and opened again as often as needed.

    ``dsn``: a connection string of libpq; it may hold a password, and is in no repr and no message.
    """

    def __init__(self, dsn: str, *, size: int = 10) -> None:
        self._dsn = Hidden(dsn)
        self._size = size
        self._pool: Pool | None = None

    @property
    def pool(self) -> Pool:
        """The open connections. Raises ``StoreUnavailable`` when there are none."""
        if self._pool is None:
            raise StoreUnavailable("the fleet's database is not open")
        return self._pool

    async def open(self) -> None:
        """Connect. Raises ``StoreUnavailable``."""
        if self._pool is not None:
            return
        pool: Pool = AsyncConnectionPool(
            self._dsn.value,
            connection_class=psycopg.AsyncConnection[DictRow],
            kwargs={"row_factory": dict_row, "connect_timeout": int(_PATIENCE)},
            min_size=1,
            max_size=self._size,
            timeout=_PATIENCE,
            reconnect_timeout=_PATIENCE,
            check=AsyncConnectionPool[Connection].check_connection,
            configure=prepared,
            open=False,
        )
        try:
            with translated():
                await pool.open(wait=True, timeout=_PATIENCE)
        except BaseException:
            await pool.close()
            raise
        self._pool = pool

    async def close(self) -> None:
        """Let go. Closing twice does nothing."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """For a single statement, or some that need not count together: each is a transaction of its own."""
        with translated():
            async with self.pool.connection() as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction: committed at the end of the block, undone by whatever leaves it."""
        with translated():
            async with self.pool.connection() as connection, connection.transaction():
                yield connection

    def __repr__(self) -> str:
        return "Database(...)"


async def prepared(connection: psycopg.AsyncConnection[Any]) -> None:
    """A new connection commits by itself, and PostgreSQL ends a transaction whose process is frozen or gone.

    What that process has locked would stay locked: a company's row, a job. Another time that somebody has chosen
    stays.
    """
    # Not as an argument of the connection: the queue gives its own, for the one it listens on.
    await connection.set_autocommit(True)
    await connection.execute(
        "SELECT set_config('idle_in_transaction_session_timeout', %s, false) "
        "WHERE current_setting('idle_in_transaction_session_timeout') = '0'",
        (_SILENCE,),
    )


@contextmanager
def translated() -> Iterator[None]:
    """A block whose errors of PostgreSQL and of the queue leave as ``StoreError``, without the text of either.

    Their texts show rows, addresses and passwords.
    """
    with Unchained():
        try:
            yield
        except ProcrastinateException as error:
            raise _ours(error.__cause__ or error) from None
        except psycopg.Error as error:
            raise _ours(error) from None


def _ours(error: BaseException) -> StoreError:
    if isinstance(error, (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction)):
        return StoreUnavailable("the database holds no fleet yet: run fleet init")
    if isinstance(error, psycopg.Error):
        return failed("the fleet's database", error)
    return StoreUnavailable(f"the fleet's queue failed: {type(error).__name__}")
