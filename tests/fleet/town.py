"""A town of companies with a Brex, an ERP that does not know doubles, and workers that something happens to."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import psycopg
from psycopg_pool import AsyncConnectionPool

from brex_accounting.sync.fleet import Fleet, FleetStatus, Keyring
from brex_accounting.sync.postgres import Pool, make_tables
from brex_accounting.testing.erp import FakeErp

from ..postgres_server import PostgresServer
from .diary import Diary
from .nursery import Nursery, Worker
from .orders import Engine, Orders, Store
from .street import Company, company, served

__all__ = ["Setting", "Town", "Verdict", "town"]

_LOOK = 0.03
_UNCONFIRMED = "SELECT count(*) FROM {} WHERE state = 'UNCONFIRMED'"


@attrs.frozen
class Setting:
    """Where the exports are kept, and what runs them."""

    store: Store = "sqlite"
    engine: Engine = "fleet"

    def __str__(self) -> str:
        return f"{self.store}-{self.engine}"


@attrs.frozen(kw_only=True)
class Verdict:
    """What the ERP counts against what Brex has: documents that are missing, and those there are twice.

    ``recovery``: seconds from the blow until the last document is exported of the companies whose polls it cut
    short. ``seconds``: from the first poll's begin until the last document is exported. ``ratio``: how fast the
    others were beside a poison company, by how fast they are without.
    """

    companies: int
    records: int
    lost: int
    doubled: int
    unconfirmed: int
    seconds: float
    recovery: float | None = None
    ratio: float | None = None

    @property
    def is_right(self) -> bool:
        return not (self.lost or self.doubled or self.unconfirmed)


@attrs.define(eq=False)
class Town:
    """``fleet``: without one the workers go in rounds, by themselves."""

    setting: Setting
    orders: Orders
    erp: FakeErp
    companies: dict[str, Company]
    nursery: Nursery
    server: PostgresServer | None = None
    fleet: Fleet | None = None
    workers: list[Worker] = attrs.field(factory=list)

    @property
    def diary(self) -> Diary:
        return Diary(Path(self.orders.diary))

    @property
    def records(self) -> int:
        """How many are to be exported."""
        return sum(len(one.due) for one in self.companies.values())

    def share(self, part: float) -> int:
        """So much of all records."""
        return max(1, round(self.records * part))

    async def add(self, *companies: str) -> None:
        """Into the fleet, where they are due at once."""
        if self.fleet is not None:
            for one in companies:
                await self.fleet.add(one, self.companies[one].token)

    async def worker(self, **changes: Any) -> Worker:
        """Start one."""
        orders = attrs.evolve(self.orders, number=len(self.workers) + 1, **changes)
        self.workers.append(await self.nursery.begin(orders))
        return self.workers[-1]

    async def exported(self, companies: Collection[str] | None = None, *, without: str = "") -> float:
        """Wait until Brex counts all of these as exported; when that was."""
        left = set(self.companies if companies is None else companies) - {without}

        def is_so() -> bool:
            left.difference_update([one for one in left if self.companies[one].is_exported])
            return not left

        await self.until(is_so, left=left)
        return time.monotonic()

    async def posted(self, part: float) -> None:
        """Wait until the books have confirmed so much of all records."""
        await self.until(lambda: self.diary.posts() >= self.share(part))

    async def ended(self, worker: Worker) -> int:
        """Its exit status, once it has one."""
        await self.until(lambda: worker.status is not None)
        return worker.status or 0

    async def took(self, *companies: str) -> float:
        """Seconds from the first begin of a poll of these to the last end of one."""
        numbers = [one.number for one in self.workers]
        await self.until(lambda: not self.diary.held(*numbers) & {*companies})
        at = [line.at for line in self.diary.lines() if line.company in companies]
        return max(at) - min(at)

    async def recovered(self, blow: float, *workers: Worker, without: str = "") -> float:
        """Seconds from the blow until all is exported that these held then."""
        held = self.diary.held(*(one.number for one in workers), at=blow)
        return await self.exported(held, without=without) - blow

    async def until(self, is_so: Callable[[], bool], *, left: Iterable[str] = ()) -> None:
        """Wait for it. Raises ``AssertionError``, which shows how all stands."""
        try:
            async with asyncio.timeout(60 + self.records / 5):
                while not is_so():
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise AssertionError(f"it did not come to be so: {await self._shown({*left})}") from None

    async def status_when(self, is_so: Callable[[FleetStatus], bool], *, patience: float = 60.0) -> FleetStatus:
        """The fleet's status, once it is so."""
        assert self.fleet is not None
        try:
            async with asyncio.timeout(patience):
                while not is_so(status := await self.fleet.status()):
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise AssertionError(f"it did not come to be so: {await self._shown(set())}") from None
        return status

    async def rested(self, *, without: str = "") -> None:
        """Wait until no poll runs any more."""
        if self.fleet is not None:
            await self.status_when(
                lambda status: not any(one.running for one in status.companies if one.company_id != without)
            )
        living = [one.number for one in self.workers if one.status is None]
        await self.until(lambda: not self.diary.held(*living) - {without})

    async def verdict(self, *, recovery: float | None = None, without: str = "") -> Verdict:
        """Count, once all is exported and no poll runs any more."""
        end = await self.exported(without=without)
        await self.rested(without=without)
        counts = await self.erp.control.counts()
        due = [one for company_id, held in self.companies.items() if company_id != without for one in held.due]
        return Verdict(
            companies=len(self.companies) - bool(without),
            records=len(due),
            lost=sum(counts.standing.get(one, 0) == 0 for one in due),
            doubled=sum(sum(revisions.values()) - len(revisions) for revisions in counts.by_revision.values()),
            unconfirmed=self._unconfirmed(),
            seconds=end - next(self.diary.lines()).at,
            recovery=recovery,
        )

    async def end(self) -> None:
        """Kill who is left."""
        for worker in self.workers:
            worker.send(signal.SIGKILL)
            await worker.process.wait()

    def _unconfirmed(self) -> int:
        if self.setting.store == "postgres":
            with psycopg.connect(self.orders.dsn) as connection:
                row = connection.execute(_UNCONFIRMED.format("brex_exports").encode()).fetchone()
                return int(row[0]) if row else 0
        found = 0
        for path in Path(self.orders.stores).glob("cuacc_*.db"):
            with closing(sqlite3.connect(path)) as store:
                found += store.execute(_UNCONFIRMED.format("exports")).fetchone()[0]
        return found

    async def _shown(self, left: set[str]) -> str:
        """The first of those that are left, and the last words of each worker."""
        stand: object = sorted(left)[:20]
        if self.fleet is not None:
            status = await self.fleet.status()
            shown = [one for one in status.companies if one.company_id in left or one.running or one.last_error]
            stand = attrs.evolve(status, companies=shown[:20])
        words = [f"{one.number} ({one.status}): {one.words[-500:]}" for one in self.workers]
        return "\n".join([str(stand), *words])


@asynccontextmanager
async def town(
    dsn: str,
    folder: Path,
    nursery: Nursery,
    *,
    companies: int,
    records: int = 3,
    setting: Setting | None = None,
    **changes: Any,
) -> AsyncIterator[Town]:
    """So many companies, not in the fleet yet, and no worker."""
    setting = setting or Setting()
    made = {one.id: one for one in (company(number, records) for number in range(companies))}
    key = Keyring.new_key()
    async with AsyncExitStack() as stack:
        brex = await stack.enter_async_context(served(made))
        erp = await stack.enter_async_context(FakeErp(folder / "erp.db", dedupe="none", lookup="number"))
        orders = Orders(
            dsn=dsn,
            key=key,
            brex=brex,
            erp=erp.url,
            erp_token=erp.token,
            diary=str(folder / "diary"),
            engine=setting.engine,
            companies=tuple(made),
            stores=str(folder) if setting.store == "sqlite" else "",
        )
        there = Town(setting, attrs.evolve(orders, **changes), erp, made, nursery)
        if setting.engine == "fleet":
            there.fleet = await stack.enter_async_context(Fleet(dsn, keyring=Keyring([key]), every=timedelta(hours=1)))
            await there.fleet.init()
        elif setting.store == "postgres":
            await _make_tables(dsn)
        stack.push_async_callback(there.end)
        yield there


async def _make_tables(dsn: str) -> None:
    pool: Pool = AsyncConnectionPool(dsn, min_size=1, max_size=2, open=False)
    async with pool:
        await make_tables(pool)
