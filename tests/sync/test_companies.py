"""Several companies in one process: one receiver, an export each, and nothing in the wrong books."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, timedelta
from pathlib import Path

import attrs
import pytest

from brex_accounting import BrexAccounting, RateLimit
from brex_accounting.enums import ReviewStatus
from brex_accounting.sandbox import MISHAPS, Mishap, Rules, Sandbox
from brex_accounting.sandbox.mishaps import MishapPlan
from brex_accounting.sync import Dispatch, ExportSync, SqliteStore, Triggered
from brex_accounting.webhooks import Listener, Receiver, WebhookEvent, WebhookSecret

from .world import EXPORTED, QUICK, Ledger

READY = "ACCOUNTING_RECORD_READY_FOR_EXPORT"


@attrs.define
class Company:
    """A customer's Brex, and what came of it in their books."""

    id: str
    sandbox: Sandbox
    brex: BrexAccounting
    books: Ledger
    export: Triggered
    records: list[str]

    def exported(self) -> bool:
        return all(self.sandbox.brex.get_record(one).review_status == EXPORTED for one in self.records)


async def soon(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.02))


@asynccontextmanager
async def company(path: Path, number: int, records: int) -> AsyncIterator[Company]:
    id_ = f"cuacc_{number}"
    async with AsyncExitStack() as stack:
        sandbox = Sandbox(records=records, seed=number, sleep=soon, rules=Rules(rate_limit=None))
        sandbox.brex.webhooks.company_id = id_
        await stack.enter_async_context(sandbox)
        kept = [one.id for one in sandbox.brex.records() if one.source_type != "BILL"]
        sandbox.brex.review(kept, ReviewStatus.PREPARE)
        rate = RateLimit(limit=10**9)
        client = BrexAccounting(sandbox.token, base_url=sandbox.url, retry=QUICK, rate_limit=rate)
        brex = await stack.enter_async_context(client)
        books = Ledger()
        store = SqliteStore(path / f"{id_}.db")
        sync = ExportSync(brex, books, store=store, post_from=date(2000, 1, 1), company=id_, bills=False)
        await stack.enter_async_context(sync)
        yield Company(id_, sandbox, brex, books, Triggered(sync, every=timedelta(seconds=0.5)), kept)


@pytest.mark.parametrize("seed", [1, 2])
async def test_each_company_is_exported_into_its_own_books(tmp_path: Path, seed: int) -> None:
    """4 companies, deliveries lost, doubled, late and out of order, secrets replaced meanwhile: each record is booked
    once, in the books of its company, and reported. An event of a fifth company is told and reaches no books.
    """
    dice = random.Random(seed)
    unknown: list[WebhookEvent] = []
    async with AsyncExitStack() as stack:
        given = [await stack.enter_async_context(company(tmp_path, number, 40)) for number in range(4)]
        stranger = await stack.enter_async_context(company(tmp_path, 4, 40))

        async def secrets() -> Sequence[WebhookSecret]:
            found = [await one.brex.webhooks.secrets() for one in (*given, stranger)]
            return [secret for some in found for secret in some]

        dispatch = Dispatch({one.id: one.export for one in given}, unknown=unknown.append)
        receiver = Receiver(secrets=secrets, handler=dispatch, refetch=0.01)
        listener = await stack.enter_async_context(Listener(receiver))
        for one in (*given, stranger):
            await one.brex.webhooks.subscriptions.create(url=listener.url, event_types=[READY])
        running = [asyncio.create_task(one.export.run()) for one in given]
        for number, one in enumerate(given):
            mishaps = [Mishap(kind=kind, chance=0.3) for kind in MISHAPS]
            one.sandbox.brex.webhooks.mishaps = MishapPlan(mishaps, seed=seed * 10 + number)
        left = {one.id: list(one.records) for one in given}
        while any(left.values()):
            one = dice.choice([one for one in given if left[one.id]])
            count = dice.choice([1, 3, 10])
            some, left[one.id] = left[one.id][:count], left[one.id][count:]
            one.sandbox.brex.export(some)
            if dice.random() < 0.2:
                one.sandbox.brex.webhooks.rotate()
            await asyncio.sleep(dice.choice([0, 0.01]))
        stranger.sandbox.brex.export(stranger.records[:3])
        async with asyncio.timeout(60):
            while not (unknown and all(one.exported() for one in given)):
                await asyncio.sleep(0.02)
        for one in given:
            one.export.stop()
        await asyncio.gather(*running)
        for one in given:
            booked = Counter(key.rpartition(".")[0] for key in one.books.booked)
            held = {record.id for record in one.sandbox.brex.records()}
            assert set(one.records) <= booked.keys() <= held
            assert set(booked.values()) == {1}
        assert {event.company_id for event in unknown} == {"cuacc_4"}
        assert stranger.books.booked == []
        assert sum(len(one.sandbox.deliveries.lost) for one in given) > 0
