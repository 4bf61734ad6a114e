"""PostgreSQL's errors as ours. None quotes a value, because PostgreSQL's own text is left out. Pure."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from ...errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable

__all__ = ["failed", "is_lost"]

_FULL: Final = frozenset({"53100"})
_DAMAGED: Final = frozenset({"XX001", "XX002"})
_FORBIDDEN: Final = frozenset({"25006", "42501"})
_IN_THE_WAY: Final = frozenset({"40001", "40P01", "55P03", "57014"})
_FORGOTTEN: Final = frozenset({"26000", "42P05"})
_NO_TABLES: Final = frozenset({"3F000", "42P01"})
# Lost connections, too little of something, and a server that is stopped: by the first two characters.
_PASSING: Final = ("08", "53", "57", "58")


def failed(what: str, error: psycopg.Error) -> StoreError:
    """The error as one of ours; ``what`` names the store."""
    code = error.sqlstate
    if code in _FULL:
        return StoreFull(f"{what}: no room to write; what was committed is safe. Make room and go on")
    if code in _DAMAGED:
        return StoreCorrupt(f"{what}: damaged ({code}). Restore a copy, and post nothing until then")
    if code in _FORBIDDEN:
        return StoreUnavailable(f"{what}: cannot be written ({code}). Check the rights, and that it is no replica")
    if code in _IN_THE_WAY:
        return StoreUnavailable(f"{what}: another process was in the way ({code}). Try again")
    if code in _FORGOTTEN:
        # Connections change hands between transactions, and statements that one has prepared are another's.
        return StoreUnavailable(f"{what}: a pooler mixed up statements ({code}). Set its max_prepared_statements")
    if code in _NO_TABLES:
        return StoreUnavailable(f"{what}: there is no store ({code}). Open it with a binding first")
    if isinstance(error, PoolClosed):
        return StoreUnavailable(f"{what}: its pool is closed")
    if isinstance(error, PoolTimeout):
        return StoreUnavailable(f"{what}: no connection in time. Check that PostgreSQL runs, and the pool's size")
    if is_lost(error):
        return StoreUnavailable(f"{what}: the connection was lost ({code or type(error).__name__}). Try again")
    return StoreError(f"{what}: PostgreSQL failed ({code or type(error).__name__})")


def is_lost(error: psycopg.Error) -> bool:
    """Whether the server is gone, or about to be; another connection may find it again."""
    if error.sqlstate is not None:
        return error.sqlstate.startswith(_PASSING)
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
