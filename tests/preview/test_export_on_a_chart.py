"""An export whose books the posting rules decide: what the customer reads, mends and sees booked, from end to end."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brex_accounting.sync.wording import MAX_TEXT

from ..posters.booked import balances
from ..posters.charts import chart
from ..sync.world import EXPORTED, HOUR, MINUTE, PREPARE, READY, World
from .coded import CHART, bill, content, entries, journal, keys, payment

CLOSED = ("closed_through = 2026-05-31", "closed_through = 2026-06-30")
NO_DEPARTMENT = "Line 1 has no value for DEPARTMENT: choose one"
INACTIVE = 'GL_ACCOUNT "6710" of line 1 is an inactive account of the books: choose another value, or have it activated'


def told(world: World) -> dict[str, str]:
    """What Brex was told of failures, by record."""
    results = [one for seen in world.wire for one in seen.results if "failure" in one]
    return {one["accounting_record_id"]: one["failure"]["error_message"] for one in results}


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        (content(DEPARTMENT=None), "FIELD_MISSING", NO_DEPARTMENT),
        (content(GL_ACCOUNT="6710"), "ACCOUNT_INACTIVE", INACTIVE),
        (
            content(GL_ACCOUNT="9999"),
            "ACCOUNT_UNKNOWN",
            'GL_ACCOUNT "9999" of line 1 stands for no account of the books: choose another value, or have it added',
        ),
        (
            content() | {"erp_posting_date": "2026-05-31T23:59:59Z"},
            None,
            None,
        ),
        (
            content(currency="JPY"),
            "CURRENCY",
            "The books do not keep JPY: choose another currency, or have it added",
        ),
        (
            content() | {"type": "A_TYPE_OF_TOMORROW"},
            "OTHER",
            'There is no posting rule for the type "A_TYPE_OF_TOMORROW": book it by hand',
        ),
    ],
    ids=["department", "inactive", "unknown", "before", "currency", "type"],
)
async def test_the_customer_reads_why(world: World, document: dict[str, object], code: str, words: str | None) -> None:
    """What the rules refuse comes to Brex in their words, with their code in the store; nothing is written of it."""
    world.put("accr_1", **document)
    await world.run(journal(world))
    [export] = await world.exports("accr_1")
    assert (export.code, told(world)) == (code, {"accr_1": words} if words else {})
    assert (await keys(world), world.status("accr_1")) == ([], PREPARE if words else READY)


async def test_a_long_name_is_told_in_what_brex_takes(world: World) -> None:
    """Whatever is in the record: one line of printable ASCII, short enough, that still says what to do."""
    world.put("accr_1", **content(GL_ACCOUNT="Bürobedarf\n" * 40))
    await world.run(journal(world))
    text = told(world)["accr_1"]
    assert text.isascii()
    assert text.isprintable()
    assert len(text) <= MAX_TEXT
    assert 'GL_ACCOUNT "Burobedarf' in text
    assert text.endswith("choose another value, or have it added")


async def test_a_chart_that_was_mended_books_the_same_content_once(world: World) -> None:
    """Refused, told, mended in the chart alone, exported again by the customer: one entry, under the first key."""
    world.put("accr_1", **content())
    june_closed = chart(CLOSED)
    await world.run(journal(world, june_closed))
    assert "choose 2026-07-01 or later" in told(world)["accr_1"]
    assert (await world.run(journal(world, june_closed), later=HOUR)).posted == 0
    world.move("accr_1", READY)
    summary = await world.run(journal(world), later=HOUR)
    assert (summary.posted, summary.reported, world.status("accr_1")) == (1, 1, EXPORTED)
    world.move("accr_1", READY)
    await world.run(journal(world), later=HOUR)
    assert (await keys(world), await world.states("accr_1")) == (["accr_1.1"], ["REPORTED"])
    [export] = await world.exports("accr_1")
    assert (export.attempt, export.rejections) == (2, 1)


async def test_a_persons_retry_after_the_chart_was_mended(world: World) -> None:
    """A bill's refusal is told to nobody but the person, in the rules' words; mended and retried it is booked once."""
    world.put("accr_1", **bill("40.00"))
    await world.run(journal(world, chart(CLOSED)))
    assert told(world) == {}
    async with world.admin() as admin:
        [item] = await admin.exceptions()
        assert (item.export.code, item.export.record_id) == ("CLOSED_PERIOD", "accr_1")
        assert item.export.message == "The accounting date 2026-06-11 is in a closed period: choose 2026-07-01 or later"
        await admin.retry("accr_1", why="June was opened again", by="Ann")
    await world.run(journal(world), later=MINUTE)
    await world.run(journal(world), later=HOUR)
    assert (await keys(world), await world.states("accr_1")) == (["accr_1.1"], ["POSTED"])
    async with world.admin() as admin:
        assert await admin.exceptions() == ()


@pytest.mark.parametrize("status", ["DRAFT", "VOID", "CANCELED"])
async def test_a_bill_waits_for_its_status(world: World, status: str) -> None:
    """Not approved it is not posted; approved it is; taken back it is voided, and counts for nothing."""
    world.put("accr_1", **bill("40.00", status=status))
    await world.run(journal(world))
    assert (await keys(world), await world.states("accr_1")) == ([], [])
    world.edit("accr_1", status="APPROVED")
    await world.run(journal(world), later=HOUR)
    assert await keys(world) == ["accr_1.1"]
    world.edit("accr_1", status=status)
    await world.run(journal(world), later=HOUR)
    assert await keys(world) == ["accr_1.1", "accr_1.2"]
    assert balances(await entries(world)) == {}


async def test_a_bill_comes_before_its_payment(world: World) -> None:
    """Whatever order Brex lists them in, and whatever their ids and dates: what is paid was owed before."""
    world.put("accr_a", **payment("40.00", source_id="bill_1", posted_at="2026-06-01T00:00:00Z"))
    world.put("accr_b", **bill("40.00", source_id="bill_1", posted_at="2026-06-20T00:00:00Z"))
    await world.run(journal(world), parallel=8)
    assert await keys(world) == ["accr_b.1", "accr_a.1"]
    assert balances(await entries(world)) == {
        ("6100 Airfare", "USD"): Decimal(40),
        ("1050 Clearing", "USD"): Decimal(-40),
    }


async def test_a_bill_that_is_edited_while_its_period_is_open(world: World) -> None:
    """The books follow: what was booked is taken out, what it is now stands, once, however often it is edited."""
    world.put("accr_1", **bill("40.00"))
    await world.run(journal(world))
    for revision, amount in enumerate(("50.00", "60.00"), 2):
        world.edit("accr_1", **content(amount))
        await world.run(journal(world), later=HOUR)
        await world.run(journal(world), later=HOUR)
        assert (await keys(world))[-2:] == [f"accr_1.{revision}.rev", f"accr_1.{revision}"]
    assert balances(await entries(world)) == {
        ("6100 Airfare", "USD"): Decimal(60),
        ("2000 Accounts payable", "USD"): Decimal(-60),
    }


@pytest.mark.parametrize("is_paid", [False, True], ids=["closed", "paid"])
async def test_a_bill_that_is_edited_too_late_waits_for_a_person(world: World, is_paid: bool) -> None:
    """Its period was closed, or it was paid: the books stay as they are, and a person reads what to do."""
    world.put("accr_1", **bill("40.00", source_id="bill_1"))
    if is_paid:
        world.put("accr_2", **payment("40.00", source_id="bill_1"))
    await world.run(journal(world))
    before = await entries(world)
    world.edit("accr_1", **content("50.00"))
    await world.run(journal(world, CHART if is_paid else chart(CLOSED)), later=HOUR)
    assert await entries(world) == before
    async with world.admin() as admin:
        [item] = await admin.exceptions()
    assert item.export.message is not None
    expected = "correct the books by hand" if is_paid else "reopen the period, or correct the books by hand"
    assert (item.export.code, item.export.message.endswith(expected)) == (
        "OTHER" if is_paid else "CLOSED_PERIOD",
        True,
    )
    # The period is opened again, which mends the one and not the other.
    async with world.admin() as admin:
        await admin.retry("accr_1", why="June was opened again", by="Ann")
    await world.run(journal(world), later=HOUR)
    assert await world.states("accr_1") == ["POSTED", "REJECTED" if is_paid else "POSTED"]
