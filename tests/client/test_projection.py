"""Lists as a class of the caller's own, against a running sandbox: paging, checkpoints and watching as ever."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from brex_accounting import AccountingRecord, BrexAccounting, ConfigurationError, Money
from brex_accounting.models import SchemaDrift
from brex_accounting.paging import RecordQuery
from brex_accounting.sandbox import Profile, Sandbox

from .support import client_of, held


@attrs.frozen
class Price:
    amount: Decimal
    currency: str


@attrs.frozen
class Posting:
    """Neither an id nor a version."""

    posted_at: datetime
    amount: Price
    memo: str | None


@attrs.frozen
class Whole:
    id: str
    amount: Money


def posting(record: AccountingRecord) -> Posting:
    price = Price(record.amount.amount, record.amount.currency)
    return Posting(posted_at=record.posted_at, amount=price, memo=record.memo)


@pytest.mark.parametrize("profile", ["lifelike", "awkward", "mixed"])
async def test_every_record_arrives_as_the_callers_own(profile: Profile) -> None:
    """Streamed, by the page and collected: the same fields as the records, digit for digit, in their order."""
    async with Sandbox(records=120, profile=profile) as sandbox, client_of(sandbox) as brex:
        expected = list(map(posting, held(sandbox)))
        query = brex.records.list(page_size=50, as_type=Posting)
        assert [one async for one in query] == expected
        assert [one async for page in query.pages() for one in page.items] == expected
        assert await query.collect() == expected
        assert [str(one.amount.amount) for one in (await query).items] == [
            str(one.amount.amount) for one in expected[:50]
        ]


@pytest.mark.parametrize("stop", [1, 49, 50, 51, 119])
async def test_a_walk_without_ids_resumes_where_it_stood(stop: int) -> None:
    """After any record another reader goes on with the next one, as another class or as whole records."""
    async with Sandbox(records=120) as sandbox, client_of(sandbox) as brex:
        records = held(sandbox)
        walk = brex.records.list(page_size=50, as_type=Posting).records()
        for _ in range(stop):
            await anext(walk)
        rest = brex.records.list(as_type=Whole).records(resume_from=walk.checkpoint)
        assert [one.id async for one in rest] == [record.id for record in records[stop:]]
        whole = brex.records.list().records(resume_from=walk.checkpoint)
        assert [one async for one in whole] == records[stop:]


async def test_what_the_initializer_raises_comes_out_and_skips_nothing() -> None:
    """The iterators stand before the record or its page: asking again raises again, a checkpoint resumes with it."""
    async with Sandbox(records=10) as sandbox, client_of(sandbox) as brex:
        expected = [record.id for record in held(sandbox)]

        def check(_one: object, _field: object, value: str) -> None:
            if value == expected[4]:
                raise LookupError

        picky = attrs.field(type=str, validator=check)

        query: RecordQuery[Any] = brex.records.list(as_type=attrs.make_class("Picky", {"id": picky}), page_size=3)
        walk, pages = query.records(), query.pages()
        assert [(await anext(walk)).id for _ in range(4)] == expected[:4]
        assert len((await anext(pages)).items) == 3
        for _ in range(2):
            with pytest.raises(LookupError):
                await anext(walk)
            with pytest.raises(LookupError):
                await anext(pages)
        for checkpoint, start in ((walk.checkpoint, 4), (pages.checkpoint, 3)):
            rest = brex.records.list(as_type=Whole).records(resume_from=checkpoint)
            assert [one.id async for one in rest] == expected[start:]


async def test_drift_is_told_of_the_record_and_not_of_the_class(sandbox: Sandbox) -> None:
    """Fields that were left out on purpose are not missing."""
    told: list[object] = []
    async with client_of(sandbox, observers=[told.append]) as brex:
        await brex.records.list(as_type=Posting)
    assert not [event for event in told if isinstance(event, SchemaDrift) and event.unknown]


async def test_a_class_that_cannot_be_read_is_refused_before_anything_is_sent(brex: BrexAccounting) -> None:
    """At the call, with the field and the reason."""
    wrong = attrs.make_class("Wrong", {"amount": attrs.field(type=float)})
    with pytest.raises(ConfigurationError, match=r"Wrong\.amount is float; a record holds Money there"):
        brex.records.list(as_type=wrong)
