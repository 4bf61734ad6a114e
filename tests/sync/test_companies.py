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


@attrs.define
class Figures:
    """What a loop came to."""

    clicks: list[int] = attrs.field(factory=list)
    lost: int = 0
    tries: int = 0
    again: int = 0

    def told(self, records: int, companies: int) -> str:
        return (
            f"{companies} companies, {records} records in {len(self.clicks)} clicks of up to {max(self.clicks)}: "
            f"{self.lost} deliveries lost, {self.tries} requests, {self.again} of them again; each record once"
        )


async def loop(path: Path, sizes: Sequence[int], seed: int, *, most: int) -> Figures:
    """Companies of these sizes click Export on up to ``most`` records at a time, until all is exported."""
    dice, figures = random.Random(seed), Figures()
    unknown: list[WebhookEvent] = []
    async with AsyncExitStack() as stack:
        given = [await stack.enter_async_context(company(path, *one)) for one in enumerate(sizes)]
        stranger = await stack.enter_async_context(company(path, len(sizes), 40))

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
            one.sandbox.brex.webhooks.mishaps = MishapPlan(mishaps, seed=seed * 100 + number)
        await click(given, dice, figures, most)
        stranger.sandbox.brex.export(stranger.records[:3])
        async with asyncio.timeout(120):
            while not (unknown and all(one.exported() for one in given)):
                await asyncio.sleep(0.02)
        for one in given:
            one.export.stop()
        await asyncio.gather(*running)
        assert {event.company_id for event in unknown} == {stranger.id}
        assert stranger.books.booked == []
        check(given, figures)
        figures.again = receiver.received.again
    return figures


async def click(given: Sequence[Company], dice: random.Random, figures: Figures, most: int) -> None:
    left = {one.id: list(one.records) for one in given}
    while any(left.values()):
        one = dice.choice([one for one in given if left[one.id]])
        # The first click is a large one, as at the end of a month.
        count = most if left[one.id] == one.records else dice.choice([1, 3, most // 3])
        some, left[one.id] = left[one.id][:count], left[one.id][count:]
        one.sandbox.brex.export(some)
        figures.clicks.append(len(some))
        if dice.random() < 0.2:
            one.sandbox.brex.webhooks.rotate()
        await asyncio.sleep(dice.choice([0, 0.01]))


def check(given: Sequence[Company], figures: Figures) -> None:
    for one in given:
        booked = Counter(key.rpartition(".")[0] for key in one.books.booked)
        held = {record.id for record in one.sandbox.brex.records()}
        assert set(one.records) <= booked.keys() <= held
        assert set(booked.values()) == {1}
        figures.lost += len(one.sandbox.deliveries.lost)
        figures.tries += len(one.sandbox.deliveries.tries)
    assert figures.lost > 0


@pytest.mark.parametrize("seed", [1, 2])
async def test_each_company_is_exported_into_its_own_books(tmp_path: Path, seed: int) -> None:
    """4 companies, deliveries lost, doubled, late and out of order, secrets replaced meanwhile: each record is booked
    once, in the books of its company, and reported. An event of a fifth company is told and reaches no books.
    """
    await loop(tmp_path, [40] * 4, seed, most=10)


@pytest.mark.slow
async def test_twenty_companies(tmp_path: Path) -> None:
    """The same with 20 companies and more than 2,000 records, some in clicks of 300 and more."""
    sizes = [600, 500, *[65] * 18]
    figures = await loop(tmp_path, sizes, 3, most=400)
    assert max(figures.clicks) >= 300
    assert sum(figures.clicks) > 2000
    print("\n" + figures.told(sum(figures.clicks), len(sizes)))  # noqa: T201 - the figures
