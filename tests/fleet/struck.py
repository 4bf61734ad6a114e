"""The export of a company in a worker that something happens to, always at the same place."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs

from brex_accounting import BrexAccounting
from brex_accounting.enums import RecordType, SourceType
from brex_accounting.models import AccountingRecord, Receipt
from brex_accounting.sync import ExportKey, ExportSync, SqliteStore
from brex_accounting.sync.exports import Claim
from brex_accounting.sync.poster import Outcome
from brex_accounting.sync.postgres import PostgresStore
from brex_accounting.testing.erp_poster import FindErpPoster

from .diary import Diary
from .orders import Orders

__all__ = ["Struck"]

ACCOUNTS = {kind.value: "6000" for kind in RecordType} | {source.value: "2000" for source in SourceType}


@attrs.define(eq=False)
class Struck:
    """Makes the exports of one worker, keeps the diary, and lets the blow of its orders fall, once.

    ``kill`` and ``leave`` fall right after a post, before anybody wrote down that it went through; the posts that come
    to their end meanwhile wait for the blow with it. ``freeze`` falls
    right before the lease is asked for, and so does ``freeze-writing``, in the transaction that asks.
    """

    orders: Orders
    is_struck: bool = attrs.field(default=False, init=False)
    _asked: set[str] = attrs.field(factory=set, init=False)

    @property
    def diary(self) -> Diary:
        """Everybody's."""
        return Diary(Path(self.orders.diary))

    @asynccontextmanager
    async def make(
        self, brex: BrexAccounting, company_id: str, store: PostgresStore | None
    ) -> AsyncIterator[ExportSync]:
        """A company's export."""
        orders = self.orders
        self.diary.write(orders.number, "begin", company_id)
        try:
            await self._suffer(company_id)
            async with self._sync(brex, company_id, store) as sync:
                yield sync
        finally:
            self.diary.write(orders.number, "end", company_id)

    async def _suffer(self, company_id: str) -> None:
        if company_id == self.orders.killer:
            self.diary.write(self.orders.number, "blow")
            os.kill(os.getpid(), signal.SIGKILL)
        if company_id == self.orders.poison:
            await asyncio.sleep(0.2)
            raise RuntimeError("canary")
        if company_id == self.orders.hang:
            await asyncio.Event().wait()

    @asynccontextmanager
    async def _sync(
        self, brex: BrexAccounting, company_id: str, store: PostgresStore | None
    ) -> AsyncIterator[ExportSync]:
        orders = self.orders
        poster = _Noting(orders.erp, orders.erp_token, accounts=ACCOUNTS, fetch=_content)
        poster.noted = self._posted
        async with (
            poster,
            ExportSync(
                brex,
                poster,
                store=self._store(company_id, store),
                post_from=date(2020, 1, 1),
                company=company_id,
                bills=False,
                parallel=orders.parallel,
                lease=timedelta(seconds=orders.lease),
            ) as sync,
        ):
            yield sync

    async def _posted(self, record_id: str) -> None:
        self.diary.write(self.orders.number, "post", record_id)
        if self.orders.blow not in {"kill", "leave"} or not self._is_due():
            return
        while self.diary.workers() < self.orders.beside:
            await asyncio.sleep(0.02)
        if self._falls():
            os.kill(os.getpid(), signal.SIGKILL if self.orders.blow == "kill" else signal.SIGTERM)

    def _store(self, company_id: str, given: PostgresStore | None) -> SqliteStore | PostgresStore:
        store: Any = SqliteStore(Path(self.orders.stores) / f"{company_id}.db") if self.orders.stores else given
        if self.orders.blow == "freeze":
            store.renew = self._freezing(store.renew)
        elif self.orders.blow == "freeze-writing":
            store._database.write = self._freezing_inside(store._database.write)
        return store  # type: ignore[no-any-return]  # one of the two

    def _freezing(self, renew: Callable[..., Awaitable[Claim]]) -> Callable[..., Awaitable[Claim]]:
        async def frozen(claim: Claim, *, now: datetime, until: datetime) -> Claim:
            if self._is_first(claim) and self._falls():
                self._freeze()
            return await renew(claim, now=now, until=until)

        return frozen

    def _freezing_inside(self, write: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def frozen(work: Callable[..., Awaitable[Any]], *args: Any) -> Any:
            async def in_transaction(session: Any, *same: Any) -> Any:
                if work.__name__ == "renew" and self._is_first(args[0]) and self._falls():
                    self._freeze()
                return await work(session, *same)

            return await write(in_transaction, *args)

        return frozen

    def _is_first(self, claim: Claim) -> bool:
        """Whether this is asked before the post; later the same is asked to keep the lease alive."""
        key = f"{claim.export.key} {claim.lease.epoch}"
        is_first = key not in self._asked
        self._asked.add(key)
        return is_first

    def _is_due(self) -> bool:
        return not self.is_struck and self.diary.posts() >= self.orders.at

    def _falls(self) -> bool:
        if not self._is_due():
            return False
        self.is_struck = True
        self.diary.write(self.orders.number, "blow")
        return True

    def _freeze(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        self.diary.write(self.orders.number, "woken")


class _Noting(FindErpPoster):
    """Tells of each document that the books have confirmed."""

    noted: Callable[[str], Awaitable[None]]

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        outcome = await super().post(record, key=key, supersedes=supersedes)
        await self.noted(record.id)
        return outcome


async def _content(receipt: Receipt) -> bytes:
    return receipt.id.encode()
