"""The tables made, or brought to this version, before there is a company."""

from __future__ import annotations

import psycopg

from ...errors import BrexError
from .failing import failed
from .opening import bring_up
from .pool import Pool
from .schema import MIGRATIONS
from .session import Session

__all__ = ["make_tables"]


async def make_tables(pool: Pool) -> None:
    """Make what stores and limiters need where the pool's connections make tables; nothing if it is there.

    Raises ``StoreTooNew`` and ``StoreUnavailable``.
    """
    problem: BrexError
    try:
        async with pool.connection() as connection, connection.transaction():
            await bring_up(Session("PostgreSQL", connection), MIGRATIONS)
            return
    except psycopg.Error as error:
        problem = failed("PostgreSQL", error)
    raise problem
