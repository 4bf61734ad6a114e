"""A sandbox that keeps receipts: under addresses that open them for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from brex_accounting import AccountingRecord, BrexAccounting
from brex_accounting.models import Receipt
from brex_accounting.posters.beancount.fetching import NotFetched, fetch_receipt
from brex_accounting.sandbox import Sandbox
from brex_accounting.sandbox.receipts import receipt_file


@attrs.define
class Clock:
    time: datetime = datetime(2026, 7, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[Sandbox]:
    async with Sandbox(records=60, now=clock.now, receipts=True) as running:
        yield running


async def records(sandbox: Sandbox) -> list[AccountingRecord]:
    async with BrexAccounting(sandbox.token, base_url=sandbox.url) as brex:
        return [record async for record in brex.records.list()]


async def test_every_receipt_can_be_fetched(sandbox: Sandbox) -> None:
    """From the address that the record gives; all else of a record is as it was, to the last digit."""
    found = await records(sandbox)
    receipts = [receipt for one in found for receipt in one.receipts or ()]
    assert len(receipts) > 10
    for receipt in receipts[:5]:
        assert await fetch_receipt(receipt) == receipt_file(receipt.id)
    plain = [
        attrs.evolve(one, receipts=tuple(attrs.evolve(receipt, download_uris=None) for receipt in one.receipts or ()))
        for one in found
    ]
    assert plain == [attrs.evolve(one, receipts=one.receipts or ()) for one in sandbox.brex.records()]


async def test_one_record_has_them_too(sandbox: Sandbox) -> None:
    """As it is read by its id."""
    one = next(one for one in await records(sandbox) if one.receipts)
    async with BrexAccounting(sandbox.token, base_url=sandbox.url) as brex:
        [receipt, *_] = (await brex.records.get(one.id)).receipts or ()
    assert await fetch_receipt(receipt) == receipt_file(receipt.id)


async def test_an_address_expires(sandbox: Sandbox, clock: Clock) -> None:
    """After fifteen minutes it opens nothing; another reading gives another one."""
    receipt = next(receipt for one in await records(sandbox) for receipt in one.receipts or ())
    clock.time += timedelta(minutes=14)
    assert await fetch_receipt(receipt)
    clock.time += timedelta(minutes=2)
    with pytest.raises(NotFetched, match="status 403"):
        await fetch_receipt(receipt)
    again = next(receipt for one in await records(sandbox) for receipt in one.receipts or ())
    assert await fetch_receipt(again)


@pytest.mark.parametrize(
    "change", [("receipt_", "receipt_0"), ("signature=", "signature=0"), ("expires=", "expires=9")]
)
async def test_an_address_that_was_changed(sandbox: Sandbox, change: tuple[str, str]) -> None:
    """It opens nothing."""
    receipt = next(receipt for one in await records(sandbox) for receipt in one.receipts or ())
    [address] = receipt.download_uris or ()
    assert address.replace(*change) != address
    with pytest.raises(NotFetched, match="status 403"):
        await fetch_receipt(Receipt(id=receipt.id, download_uris=(address.replace(*change),)))


async def test_an_address_of_its_own_stays(sandbox: Sandbox) -> None:
    """What somebody put there is what is served."""
    address = "https://files.example/r1"
    one = next(one for one in sandbox.brex.records() if one.receipts)
    sandbox.brex.table.put(attrs.evolve(one, receipts=(Receipt(id="r1", download_uris=(address,)),)))
    [found] = [record for record in await records(sandbox) if record.id == one.id]
    assert found.receipts == (Receipt(id="r1", download_uris=(address,)),)


def test_a_file_is_a_pdf() -> None:
    """Each place in its table is where the object is."""
    content = receipt_file("receipt_1(").decode()
    start = int(content.split("startxref\n")[1].split("\n")[0])
    assert content[start:].startswith("xref\n0 5\n")
    lines = content[start:].split("\n")[3:7]
    assert [content[int(line[:10]) :].split("\n")[0] for line in lines] == [f"{number} 0 obj" for number in range(1, 5)]
    assert "(Receipt receipt_1_)" in content
