"""Connections, shared by as many companies as a process has."""

from __future__ import annotations

from typing import Any, TypeAlias

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

__all__ = ["Pool", "own_pool"]

Pool: TypeAlias = AsyncConnectionPool[AsyncConnection[Any]]
"""A pool of psycopg's; what its connections make of rows, and whether they commit by themselves, is no matter."""


def own_pool(conninfo: str, *, timeout: float) -> Pool:
    """A pool for one company, not opened yet: one connection that writes, and some that read beside it."""
    return AsyncConnectionPool(
        conninfo, min_size=1, max_size=4, open=False, timeout=timeout, reconnect_timeout=timeout, name="brex-store"
    )
