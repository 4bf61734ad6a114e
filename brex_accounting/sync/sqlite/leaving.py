"""A store whose exports go on elsewhere: nobody writes it any more, and it still tells what it held."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from ...errors import StoreMismatch, StoreUnavailable
from ..exports import Binding
from ..store_rules import mismatched
from .database import Database
from .rows import stamp
from .schema import LEFT, MIGRATIONS

__all__ = ["LeftStore", "check_is_here", "leaving"]

Row: TypeAlias = Mapping[str, Any]

_PIECE: Final = 500
_REFUSED: Final = (("exports", "INSERT"), ("exports", "UPDATE"), ("batches", "INSERT"), ("batches", "UPDATE"))
_LEFT: Final = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'left_for'"


class LeftStore:
    """What it held, table by table, in the order in which it came."""

    def __init__(self, database: Database, binding: Binding) -> None:
        self._database = database
        self.binding = binding

    async def all_of(self, table: str) -> AsyncIterator[list[Row]]:
        """The rows of a table that has numbers, a piece at a time."""
        number = "id" if table == "batches" else "number"
        last = 0
        while rows := await self._database.read(_after, table, number, last):
            yield rows
            last = rows[-1][number]

    async def few_of(self, table: str) -> list[Row]:
        """The rows of a small table."""
        return await self._database.read(_all, table)

    async def exports(self, keys: list[tuple[str, int]]) -> dict[tuple[str, int], Row]:
        """Exports by record id and revision."""
        return await self._database.read(_exports, keys)


@asynccontextmanager
async def leaving(
    path: Path, *, company: str, heir: str, now: datetime, busy_timeout: float
) -> AsyncIterator[LeftStore]:
    """The store at ``path`` from now on left for ``heir``: every process that still has it open is refused its writes.

    May be repeated. Raises ``StoreMismatch`` for the store of another company, and ``StoreUnavailable`` while an
    export works on it.
    """
    database = Database(path, busy_timeout=busy_timeout, migrations=MIGRATIONS)
    try:
        binding = await database.open(None, now)
        wrong = mismatched(binding, Binding(company=company))
        if wrong is not None:
            raise StoreMismatch(f"{path}: {wrong}. Name the right file")
        await database.write(_leave, path, heir, now)
        yield LeftStore(database, binding)
    finally:
        await database.close()


def check_is_here(connection: sqlite3.Connection, path: Path) -> None:
    """Raise ``StoreUnavailable`` for a store that was left."""
    if connection.execute(_LEFT).fetchone():
        heir, at = connection.execute("SELECT heir, at FROM left_for").fetchone()
        raise StoreUnavailable(f"{path}: its exports go on in {heir} since {at[:19]} UTC; use that")


def _leave(connection: sqlite3.Connection, path: Path, heir: str, now: datetime) -> None:
    if connection.execute(_LEFT).fetchone():
        return
    [busy] = connection.execute(
        "SELECT (SELECT count(*) FROM batches WHERE closed_at IS NULL AND until > :now) + (SELECT count(*) "
        "FROM exports WHERE until > :now AND (state = 'INTENT' OR receipts_hash NOT IN ('', attached_hash)))",
        {"now": stamp(now)},
    ).fetchone()
    if busy:
        raise StoreUnavailable(f"{path}: an export works on it, or died a moment ago. Stop it, and try again later")
    connection.execute("CREATE TABLE left_for (heir TEXT NOT NULL, at TEXT NOT NULL) STRICT")
    connection.execute("INSERT INTO left_for VALUES (?, ?)", (heir, stamp(now)))
    for table, event in _REFUSED:
        connection.execute(
            f"CREATE TRIGGER left_{table}_{event} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, '{LEFT}'); END"
        )


def _after(connection: sqlite3.Connection, table: str, number: str, last: int) -> list[Row]:
    statement = f"SELECT * FROM {table} WHERE {number} > ? ORDER BY {number} LIMIT {_PIECE}"
    return [dict(row) for row in connection.execute(statement, (last,))]


def _all(connection: sqlite3.Connection, table: str) -> list[Row]:
    return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]


def _exports(connection: sqlite3.Connection, keys: list[tuple[str, int]]) -> dict[tuple[str, int], Row]:
    statement = "SELECT * FROM exports WHERE record_id = ? AND revision = ?"
    return {key: dict(connection.execute(statement, key).fetchone()) for key in keys}
