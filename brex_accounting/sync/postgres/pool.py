"""Connections, shared by as many companies as a process has."""

from __future__ import annotations

from typing import Any, TypeAlias

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

__all__ = ["Pool", "own_pool"]

Pool: TypeAlias = AsyncConnectionPool[AsyncConnection[Any]]
"""A pool of psycopg's; what its connections make of rows is no matter. Where they commit by themselves, what is read
costs one way to the server and back instead of three.
"""


def own_pool(conninfo: str, *, timeout: float) -> Pool:
    """A pool for one company, not opened yet: one connection that writes, and some that read beside it."""
    return AsyncConnectionPool(
        conninfo,
        # What is read is one statement: it needs no word to the server before it, and none after.
        kwargs={"autocommit": True},
        min_size=1,
        max_size=4,
        open=False,
        timeout=timeout,
        reconnect_timeout=timeout,
        name="brex-store",
    )
