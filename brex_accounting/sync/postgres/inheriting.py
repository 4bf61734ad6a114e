"""A company's exports taken over from a store in SQLite, whole: revisions, history, reports under way, pauses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg

from ...errors import BrexError, ConfigurationError, StoreMismatch
from ...session.clock import Clock, SystemClock
from ..exports import Binding
from ..sqlite.leaving import LeftStore, Row, leaving
from ..store_rules import merged
from .committing import begin
from .failing import failed
from .opening import open_store
from .pool import Pool
from .schema import MIGRATIONS
from .session import Session, Values

__all__ = ["inherit_store"]

_BUSY_TIMEOUT: Final = 30.0
_MOMENTS: Final = frozenset(
    {"at", "changed_at", "closed_at", "not_before", "opened_at", "read_at", "since", "until", "watermark"}
)
_TRUTHS: Final = frozenset({"is_live", "is_pause", "left_queue"})
# The table's own trigger writes the history.
_MOVE: Final = (
    'UPDATE brex_exports SET state = %(state)s, changed_at = %(changed_at)s, why = %(why)s, "by" = %(by)s '
    "WHERE company = %(company)s AND record_id = %(record_id)s AND revision = %(revision)s"
)


async def inherit_store(path: str | PathLike[str], pool: Pool, company: str, *, clock: Clock | None = None) -> int:
    """Take the exports of ``company`` over from the ``SqliteStore`` at ``path``; how many revisions there are.

    From the first moment on the file is refused to every process, so that nothing can be posted from both, and
    it stays as it is. All or nothing arrives here; what was cut short is begun again by calling this again.

    Raises ``StoreMismatch`` when the file is another company's, or the company has exports here already, and
    ``StoreUnavailable`` while an export works on the file, and when either store cannot be reached.
    """
    if not company:
        raise ConfigurationError("a store in PostgreSQL is a company's: its id is required")
    now = (clock or SystemClock()).now()
    problem: BrexError
    try:
        async with pool.connection() as connection, connection.transaction():
            session = Session(company, connection)
            await open_store(session, Binding(company=company), now, MIGRATIONS)
            await begin(session, uuid4())
            # The file may be waited for in between.
            await session.run("SET LOCAL idle_in_transaction_session_timeout = '10min'")
            if await session.row("SELECT 1 FROM brex_exports WHERE company = %(company)s LIMIT 1"):
                raise StoreMismatch(f"{company}: it has exports in PostgreSQL already, which cannot be put together")
            async with leaving(
                Path(path), company=company, heir="PostgreSQL", now=now, busy_timeout=_BUSY_TIMEOUT
            ) as left:
                await open_store(session, merged(left.binding, Binding(company=company)), now, MIGRATIONS)
                return await _inherited(session, left)
    except psycopg.Error as error:
        problem = failed(company, error)
    raise problem


async def _inherited(session: Session, left: LeftStore) -> int:
    for row in await left.few_of("binding"):
        await session.run(
            "UPDATE brex_companies SET since = %(since)s, not_now = %(not_now)s WHERE company = %(company)s",
            _values(row),
        )
    await session.run_each(
        _insert("feeds", ("name", "watermark")), [_values(row) for row in await left.few_of("feeds")]
    )
    batches = [pair async for pair in _batches(session, left)]
    async with session.connection.pipeline():
        count = await _replay(session, left, dict(batches))
    async for rows in left.all_of("pauses"):
        await session.run_each(
            _insert("pauses", ("at", "is_pause", "reason", "code", "by")), [_values(row) for row in rows]
        )
    return count


async def _batches(session: Session, left: LeftStore) -> AsyncIterator[tuple[int, int]]:
    """Each batch, inserted: its number there and here."""
    columns = ("key", "body", "opened_at", "closed_at", "owner", "epoch", "until")
    async for rows in left.all_of("batches"):
        for row in rows:
            made = await session.only(f"{_insert('batches', columns)} RETURNING id", _values(row))
            yield row["id"], made["id"]


async def _replay(session: Session, left: LeftStore, batches: dict[int, int]) -> int:
    """Every move made again in its order; how many revisions began."""
    count = 0
    async for lines in left.all_of("history"):
        exports = await left.exports(sorted({(line["record_id"], line["revision"]) for line in lines}))
        for line in map(_values, lines):
            move = {"state": line["after"], "changed_at": line["at"], "why": line["why"], "by": line["by"]}
            if line["before"] is None:
                count += 1
                await _begin(session, exports[line["record_id"], line["revision"]], batches, move)
            else:
                await session.run(_MOVE, line | move)
    return count


async def _begin(session: Session, row: Row, batches: dict[int, int], move: Values) -> None:
    values = _values(row)
    del values["number"]
    if values["batch"] is not None:
        values["batch"] = batches[values["batch"]]
    values |= move
    await session.run(_insert("exports", tuple(values)), values)


def _insert(table: str, columns: Sequence[str]) -> str:
    names, places = (", ".join(form(one) for one in columns) for form in (_quoted, _place))
    return f"INSERT INTO brex_{table} (company, {names}) VALUES (%(company)s, {places})"


def _quoted(column: str) -> str:
    return f'"{column}"'


def _place(column: str) -> str:
    return f"%({column})s"


def _values(row: Row) -> Values:
    return {name: _value(name, value) for name, value in row.items()}


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _MOMENTS:
        return datetime.fromisoformat(value)
    if name == "accounting_date":
        return date.fromisoformat(value)
    return bool(value) if name in _TRUTHS else value
