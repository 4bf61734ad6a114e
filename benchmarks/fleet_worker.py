"""A fleet's worker with books that take no time: ``python -m benchmarks.fleet_worker``, its orders as JSON on stdin.

It works until SIGTERM and then prints what it posted, or until its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import attrs
import msgspec

from brex_accounting import BrexAccounting, RateLimit
from brex_accounting.companies import NoToken
from brex_accounting.sync import ExportSync, SqliteStore
from brex_accounting.sync.fleet import Fleet, Keyring
from brex_accounting.sync.postgres import PostgresStore

from .export import ALL_TIME, NoBooks
from .server import pin

__all__ = ["Orders", "fleet_of"]


@attrs.frozen(kw_only=True)
class Orders:
    """``stores``: a folder for stores in SQLite; without it they are in PostgreSQL. ``every``: seconds."""

    dsn: str
    key: str
    brex: str
    stores: str = ""
    polls: int = 8
    every: float = 100 * 86_400
    core: int | None = None


def fleet_of(orders: Orders) -> Fleet:
    """The fleet: the real limiter, under a limit that is never met."""
    rate = RateLimit(limit=10**9)
    return Fleet(
        orders.dsn,
        keyring=Keyring([orders.key]),
        rate_limit=rate,
        client=lambda observers, limiter: BrexAccounting(
            NoToken(), base_url=orders.brex, limiter=limiter, observers=observers
        ),
        every=timedelta(seconds=orders.every),
        polls=orders.polls,
    )


@asynccontextmanager
async def _export(
    books: NoBooks, stores: str, brex: BrexAccounting, company: str, store: PostgresStore
) -> AsyncIterator[ExportSync]:
    kept = SqliteStore(Path(stores) / f"{company}.db") if stores else store
    async with ExportSync(brex, books, store=kept, post_from=ALL_TIME, company=company) as sync:
        yield sync


async def _work(orders: Orders) -> None:
    fleet, books = fleet_of(orders), NoBooks()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, fleet.stop)
    # Whoever started us may be killed, and nobody is left to end us.
    loop.add_reader(sys.stdin.fileno(), os._exit, 1)
    await fleet.run(partial(_export, books, orders.stores))
    print(json.dumps({"posted": books.posted.total(), "keys": len(books.posted)}), flush=True)


def main() -> int:
    """Work as ordered."""
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    pin(orders.core)
    asyncio.run(_work(orders))
    return 0


if __name__ == "__main__":
    sys.exit(main())
