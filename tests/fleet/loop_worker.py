"""A worker without a queue: it exports all companies in rounds, and shares nothing but the stores."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import attrs
from psycopg_pool import AsyncConnectionPool

from brex_accounting import BrexAccounting, BrexError, RateLimit
from brex_accounting.companies import NoToken
from brex_accounting.sync import ExportSync
from brex_accounting.sync.postgres import Pool, PostgresStore

from .orders import Orders
from .struck import Struck

__all__ = ["main"]

_log = logging.getLogger(__name__)


@attrs.define(eq=False)
class _Rounds:
    """Whose export ended with something open, or failed, comes again after the lease; all others once."""

    orders: Orders
    struck: Struck
    brex: BrexAccounting
    pool: Pool | None
    stopping: asyncio.Event = attrs.field(factory=asyncio.Event)
    running: set[ExportSync] = attrs.field(factory=set)

    def stop(self) -> None:
        self.stopping.set()
        for sync in self.running:
            sync.stop()

    async def run(self) -> None:
        left = list(self.orders.companies)
        while not self.stopping.is_set():
            random.shuffle(left)  # two workers that go the same way meet at every company
            turns = asyncio.Semaphore(self.orders.polls)
            again = await asyncio.gather(*(self._poll(company_id, turns) for company_id in left))
            left = [company_id for company_id, is_open in zip(left, again, strict=True) if is_open]
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), self.orders.lease if left else None)

    async def _poll(self, company_id: str, turns: asyncio.Semaphore) -> bool:
        """Whether it is to come again."""
        async with turns:
            if self.stopping.is_set():
                return True
            store = PostgresStore(self.pool, company_id) if self.pool else None
            view = self.brex.for_company(company_id, token=f"token_{company_id}")
            try:
                async with self.struck.make(view, company_id, store) as sync:
                    self.running.add(sync)
                    try:
                        return bool((await sync.run_once()).open)
                    finally:
                        self.running.discard(sync)
            except BrexError as error:
                _log.warning("the export of %s failed: %s", company_id, error)
                return True


async def main(orders: Orders) -> None:
    """Work as ordered."""
    async with (
        _pool(orders) as pool,
        BrexAccounting(NoToken(), base_url=orders.brex, rate_limit=RateLimit(limit=10**9)) as brex,
    ):
        rounds = _Rounds(orders, Struck(orders), brex, pool)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, rounds.stop)
        await rounds.run()


@asynccontextmanager
async def _pool(orders: Orders) -> AsyncIterator[Pool | None]:
    if orders.stores:
        yield None
        return
    pool: Pool = AsyncConnectionPool(orders.dsn, min_size=1, max_size=orders.polls + 2, open=False)
    async with pool:
        yield pool
