"""SQL for one company in the transaction that is open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import attrs
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import dict_row

__all__ = ["Row", "Session", "Values"]

Row: TypeAlias = Mapping[str, Any]
Values: TypeAlias = dict[str, Any]

_NUL = "\x00"
_REPLACED = "\ufffd"


@attrs.frozen
class Session:
    """Every statement may name ``%(company)s``. Values and rows travel in PostgreSQL's binary form."""

    company: str
    connection: AsyncConnection[Any] = attrs.field(repr=False)

    async def run(self, statement: str, values: Values | None = None) -> None:
        """Do it; what it gives back is not looked at."""
        await self._execute(statement, values)

    async def run_each(self, statement: str, many: Iterable[Values]) -> None:
        """Do it for each, without waiting for the ones before."""
        cursor = self.connection.cursor(binary=True)
        await cursor.executemany(statement.encode(), [self._complete(values) for values in many])

    async def rows(self, statement: str, values: Values | None = None) -> list[Row]:
        """All rows."""
        cursor = await self._execute(statement, values)
        return list(await cursor.fetchall())

    async def row(self, statement: str, values: Values | None = None) -> Row | None:
        """The first row; None: there is none."""
        cursor = await self._execute(statement, values)
        return await cursor.fetchone()

    async def only(self, statement: str, values: Values | None = None) -> Row:
        """The row that there certainly is."""
        [row] = await self.rows(statement, values)
        return row

    async def _execute(self, statement: str, values: Values | None) -> AsyncCursor[dict[str, Any]]:
        cursor = self.connection.cursor(binary=True, row_factory=dict_row)
        # As bytes: the type checkers take text from literals alone, and ours is put together from constants.
        return await cursor.execute(statement.encode(), self._complete(values or {}))

    def _complete(self, values: Values) -> Values:
        return _storable(values) | {"company": self.company}


def _storable(values: Values) -> Values:
    # PostgreSQL's text holds no NUL and no half of a surrogate pair, and what a poster says may.
    return {name: _text(value) if isinstance(value, str) else value for name, value in values.items()}


def _text(value: str) -> str:
    return value.replace(_NUL, _REPLACED).encode(errors="replace").decode()
