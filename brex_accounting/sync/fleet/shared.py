"""What all polls of a process share: connections for the stores of their companies, and the limiter."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ...session.clock import Clock
from ...session.discreet import Hidden
from ...session.limiter import RateLimit
from ..postgres import Pool, PostgresLimiter, PostgresStore, inherit_store, make_tables
from .database import prepared, translated

__all__ = ["Shared"]

_PATIENCE: Final = 10.0
"""Seconds in which a lost connection is tried for again; after that, whenever one is asked for."""


class Shared:
    """Connections to one PostgreSQL that outlive its loss, ``size`` at most; they are made as they are needed.

    ``dsn``: a connection string of libpq; it may hold a password, and is in no repr and no message.
    """

    def __init__(self, dsn: str, *, size: int, rate: RateLimit, clock: Clock) -> None:
        self._dsn = Hidden(dsn)
        self._size = size
        self._rate = rate
        self._clock = clock
        self._pool: Pool | None = None

    def store(self, company_id: str) -> PostgresStore:
        """The store of one company."""
        return PostgresStore(self._opened(), company_id)

    def limiter(self) -> PostgresLimiter:
        """The limiter of all processes."""
        return PostgresLimiter(self._opened(), self._rate, clock=self._clock)

    async def inherit(self, path: Path, company_id: str) -> int:
        """Take the exports of a company over from a store in SQLite. Raises ``StoreError``."""
        return await inherit_store(path, self._opened(), company_id, clock=self._clock)

    async def make_tables(self) -> None:
        """Make what is missing of theirs. Raises ``StoreError``."""
        await make_tables(self._opened())

    async def __aenter__(self) -> Self:
        pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            self._dsn.value,
            min_size=1,
            max_size=self._size,
            configure=prepared,
            reconnect_timeout=_PATIENCE,
            open=False,
            name="brex-fleet",
        )
        with translated():
            await pool.open()
        self._pool = pool
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    def __repr__(self) -> str:
        return "Shared(...)"

    def _opened(self) -> Pool:
        assert self._pool is not None, "used outside its block"
        return self._pool
