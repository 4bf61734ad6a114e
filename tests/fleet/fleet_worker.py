"""A fleet's worker in a process of its own: ``python -m tests.fleet.fleet_worker`` with its orders as JSON on stdin.

It works until SIGTERM, or until stdin ends. ``kill_at``: it kills itself once it has posted so many documents.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import attrs
import msgspec

from brex_accounting import BrexAccounting, RateLimit
from brex_accounting.companies import NoToken
from brex_accounting.enums import RecordType, SourceType
from brex_accounting.models import AccountingRecord, Receipt
from brex_accounting.sync import ExportKey, ExportSync, SqliteStore
from brex_accounting.sync.fleet import Fleet, Keyring
from brex_accounting.sync.poster import Outcome
from brex_accounting.sync.postgres import PostgresStore
from brex_accounting.testing.erp_poster import FindErpPoster

__all__ = ["ACCOUNTS", "Orders", "make"]

ACCOUNTS = {kind.value: "6000" for kind in RecordType} | {source.value: "2000" for source in SourceType}


@attrs.frozen(kw_only=True)
class Orders:
    """Where everything is, and what happens.

    ``stores``: a folder for stores in SQLite; without it they are in PostgreSQL. ``poison``: a company whose
    export always fails, and takes its time.
    """

    dsn: str
    key: str
    brex: str
    erp: str
    erp_token: str
    stores: str = ""
    every: float = 3600.0
    stale: float = 2.0
    lease: float = 2.0
    polls: int = 4
    kill_at: int = 0
    poison: str = ""


class _Doomed(FindErpPoster):
    """Kills this process right after a post, before anybody wrote down that it went through."""

    left = 0

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        outcome = await super().post(record, key=key, supersedes=supersedes)
        _Doomed.left -= 1
        if _Doomed.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return outcome


@asynccontextmanager
async def make(
    orders: Orders, brex: BrexAccounting, company_id: str, store: PostgresStore
) -> AsyncIterator[ExportSync]:
    """A company's export."""
    if company_id == orders.poison:
        await asyncio.sleep(0.2)
        raise RuntimeError("canary")
    async with FindErpPoster(orders.erp, orders.erp_token, accounts=ACCOUNTS, fetch=_content) as poster:
        if orders.kill_at:
            poster.__class__ = _Doomed
        sync = ExportSync(
            brex,
            poster,
            store=SqliteStore(Path(orders.stores) / f"{company_id}.db") if orders.stores else store,
            post_from=date(2020, 1, 1),
            company=company_id,
            bills=False,
            lease=timedelta(seconds=orders.lease),
        )
        async with sync:
            yield sync


async def _content(receipt: Receipt) -> bytes:
    return receipt.id.encode()


async def main() -> None:
    """Work as ordered."""
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    _Doomed.left = orders.kill_at
    fleet = Fleet(
        orders.dsn,
        keyring=Keyring([orders.key]),
        rate_limit=RateLimit(limit=10**9),
        client=lambda observers, limiter: BrexAccounting(
            NoToken(), base_url=orders.brex, limiter=limiter, observers=observers
        ),
        every=timedelta(seconds=orders.every),
        stale=timedelta(seconds=orders.stale),
        polls=orders.polls,
    )
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, fleet.stop)
    # Whoever started us may be killed too, and nobody is left to end us.
    loop.add_reader(sys.stdin.fileno(), os._exit, 1)
    await fleet.run(partial(make, orders))


if __name__ == "__main__":
    asyncio.run(main())
