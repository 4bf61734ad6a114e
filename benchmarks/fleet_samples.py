"""What one process does with the stores of a fleet: a long export of one company, and turns at the shared limiter."""

from __future__ import annotations

import asyncio
import tempfile
import time
import urllib.request
from pathlib import Path

import psycopg
from psycopg_pool import AsyncConnectionPool

from brex_accounting import BrexAccounting, RateLimit
from brex_accounting.sync import ExportSync, SqliteStore
from brex_accounting.sync.postgres import Pool, PostgresLimiter, PostgresStore, make_tables
from brex_accounting.sync.store import SyncStore

from .export import ALL_TIME, NoBooks
from .many_companies import company_id, token_of

__all__ = ["sample"]

KEYS = 16
_RATE = RateLimit(limit=10**9)


def sample(what: str, brex: str, dsn: str, number: int) -> float | dict[str, float]:
    """Records a second of an export, to SQLite without a ``dsn``; or turns a second."""
    if what == "turns":
        return asyncio.run(_turns(dsn, number))
    with tempfile.TemporaryDirectory() as folder:
        company = company_id(0)
        store = PostgresStore(dsn, company) if dsn else SqliteStore(Path(folder) / "exports.db")
        urllib.request.urlopen(f"{brex}/control/release/1/{number}").close()  # noqa: S310 - the address is ours
        return asyncio.run(_exported(brex, company, store, number))


async def _exported(url: str, company: str, store: SyncStore, number: int) -> float:
    books = NoBooks()
    async with (
        BrexAccounting(token_of(company), base_url=url, rate_limit=_RATE) as brex,
        ExportSync(brex, books, store=store, post_from=ALL_TIME, company=company) as sync,
    ):
        began = time.perf_counter()
        summary = await sync.run_once()
        took = time.perf_counter() - began
        again = await sync.run_once()
    assert (summary.posted, summary.reported, again.posted, again.reported) == (number, number, 0, 0)
    assert len(books.posted) == books.posted.total() == number, "a record was posted twice"
    return number / took


async def _turns(dsn: str, number: int) -> dict[str, float]:
    pool: Pool = AsyncConnectionPool[psycopg.AsyncConnection[object]](
        dsn, kwargs={"autocommit": True}, min_size=KEYS, max_size=KEYS, open=False
    )
    async with pool:
        await make_tables(pool)
        limiter = PostgresLimiter(pool, _RATE)

        async def take(key: str, turns: int) -> None:
            for _ in range(turns):
                await limiter.turn(key)

        keys = [f"key-{one}" for one in range(KEYS)]
        await asyncio.gather(*(take(key, 10) for key in keys))
        alone, together = await _timed(take(keys[0], number)), await _timed(*(take(key, number // 8) for key in keys))
    return {"one key": number / alone, f"{KEYS} keys": number // 8 * KEYS / together}


async def _timed(*work: object) -> float:
    began = time.perf_counter()
    await asyncio.gather(*work)  # type: ignore[call-overload]
    return time.perf_counter() - began
