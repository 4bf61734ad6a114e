"""Bills: read by the time of their last change, booked, amended and voided, and reported only when told to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import web

from brex_accounting import ServerError
from brex_accounting.testing.erp import Status

from .world import BILL, EXPORTED, HOUR, READY, START, Seen, World

SETTLE = timedelta(seconds=5)


async def test_the_watermark_moves_with_the_last_page_alone(world: World) -> None:
    """A window whose second page fails leaves it; what the first page held is kept all the same."""
    world.many(149, **BILL, status="DRAFT", updated_at="2026-06-20T00:00:00Z")
    world.put("accr_first", **BILL, updated_at="2026-06-19T00:00:00Z")
    world.put("accr_last", **BILL, updated_at="2026-06-21T00:00:00Z")

    def fails(seen: Seen) -> web.Response | None:
        return web.Response(status=500) if seen.what == "bills" and "cursor" in seen.query else None

    world.hooks.append(fails)
    with pytest.raises(ServerError):
        await world.run()
    assert (await world.states("accr_first"), await world.states("accr_last")) == (["DISCOVERED"], [])
    assert await watermark(world) == {}
    world.hooks.clear()
    await world.run(later=HOUR)
    assert await world.booked() == {"accr_first": 1, "accr_last": 1}
    assert await watermark(world) == {"bills": START + HOUR - SETTLE}


async def test_a_failed_page_leaves_an_old_watermark_where_it_was(world: World) -> None:
    """The next window begins ten minutes before the last good one ended, however many failed in between."""
    await world.run()
    before = await watermark(world)
    world.hooks.append(lambda seen: web.Response(status=500) if seen.what == "bills" else None)
    for _ in range(2):
        with pytest.raises(ServerError):
            await world.run(later=HOUR)
        assert await watermark(world) == before
    world.hooks.clear()
    world.wire.clear()
    await world.run(later=HOUR)
    [window] = [seen.query for seen in world.wire if seen.what == "bills"]
    assert window["updated_at[gte]"].startswith("2026-07-01T11:49:55")


async def watermark(world: World) -> dict[str, object]:
    async with world.admin() as admin:
        return dict((await admin.status()).watermarks)


async def test_an_edited_bill_is_amended(world: World) -> None:
    """New content is a new revision that takes the place of the first document; a new name is nothing."""
    world.put("accr_bill", **BILL)
    await world.run()
    world.edit("accr_bill", status="APPROVED")
    assert (await world.run(later=HOUR)).posted == 0
    world.edit("accr_bill", memo="two chairs")
    summary = await world.run(later=HOUR)
    assert (summary.amended, summary.posted) == (1, 1)
    assert await world.states("accr_bill") == ["POSTED", "POSTED"]
    first, second = await world.erp.control.documents()
    assert (first.status, first.replaced_by) == (Status.SUPERSEDED, second.id)
    assert (second.draft.key, second.draft.supersedes, second.draft.memo) == (
        *("accr_bill.2", "accr_bill.1", "two chairs"),
    )


async def test_a_bill_edited_before_its_post_is_booked_once(world: World) -> None:
    """The first revision gives way unposted: the books see the second alone, in place of nothing."""
    world.put("accr_bill", **BILL)
    async with world.sync() as sync:
        await sync.pause("closing June", by="Ann")
        await sync.run_once()
        world.edit("accr_bill", memo="two chairs")
        world.clock.advance(HOUR)
        await sync.run_once()
        await sync.resume(why="June is closed", by="Ann")
    assert await world.states("accr_bill") == ["SUPERSEDED", "DISCOVERED"]
    await world.run(later=HOUR)
    [document] = await world.erp.control.documents()
    assert (document.draft.key, document.draft.supersedes) == ("accr_bill.2", None)


async def test_a_cancelled_bill_is_voided(world: World) -> None:
    """Posted and cancelled, its document is taken out; cancelled before the post, nothing is ever booked."""
    world.put("accr_bill", **BILL, status="APPROVED")
    await world.run()
    world.edit("accr_bill", status="CANCELED")
    world.put("accr_never", **BILL, status="VOID")
    await world.run(later=HOUR)
    await world.run(later=HOUR)
    [document] = await world.erp.control.documents()
    assert document.status is Status.VOID
    assert (await world.booked(), await world.states("accr_never")) == ({}, [])


async def test_bills_end_at_posted(world: World) -> None:
    """Nothing about them is reported, also when Brex waits for them; report_bills=True reports them."""
    world.put("accr_bill", **{**BILL, "review_status": READY})
    world.put("accr_card")
    summary = await world.run()
    assert (summary.posted, summary.reported) == (2, 1)
    assert world.reports() == [["accr_card"]]
    assert (await world.states("accr_bill"), world.status("accr_bill")) == (["POSTED"], READY)
    assert (await world.run(later=HOUR)).reported == 0
    assert (await world.run(later=HOUR, report_bills=True)).reported == 1
    assert (await world.states("accr_bill"), world.status("accr_bill")) == (["REPORTED"], EXPORTED)
    assert await world.doubled() == ()


async def test_without_bills_they_are_not_asked_for(world: World) -> None:
    """bills=False reads the queue alone."""
    world.put("accr_bill", **BILL)
    await world.run(bills=False)
    assert (world.kinds("bills"), world.posts()) == ([], [])


async def test_a_bill_that_the_books_refuse_waits_for_a_person(world: World) -> None:
    """Brex is not told about bills, so the refusal is an exception; mended and retried it is booked."""
    await world.erp.control.change(closed_through="2026-06-30")
    world.put("accr_bill", **BILL)
    await world.run()
    await world.run(later=HOUR)
    assert world.posts() == ["accr_bill"]
    async with world.admin() as admin:
        [item] = await admin.exceptions()
        assert (item.export.record_id, "not told about bills" in item.why) == ("accr_bill", True)
        await world.erp.control.change(closed_through=None)
        await admin.retry("accr_bill", why="June was opened again", by="Ann")
    await world.run(later=HOUR)
    assert (await world.states("accr_bill"), await world.booked()) == (["POSTED"], {"accr_bill": 1})
