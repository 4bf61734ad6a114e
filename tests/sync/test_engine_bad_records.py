"""Records that cannot be read: the others go on, nothing passes them by, and the numbers say so."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from .world import BILL, HOUR, MINUTE, START, World


async def watermark(world: World) -> object:
    async with world.admin() as admin:
        return (await admin.status()).watermarks.get("bills")


async def test_one_in_the_queue_does_not_hold_up_the_rest(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Counted and logged by its id, without its content; once it can be read it is posted like any other."""
    world.put("accr_1", "accr_bad", "accr_3")
    world.broken.add("accr_bad")
    with caplog.at_level(logging.DEBUG):
        summary = await world.run()
    assert (summary.read, summary.unreadable, summary.reported) == (2, 1, 2)
    assert ("accr_bad" in caplog.text, "canary" in caplog.text) == (True, False)
    world.broken.clear()
    summary = await world.run(later=HOUR)
    assert (summary.unreadable, summary.reported, await world.states("accr_bad")) == (0, 1, ["REPORTED"])


async def test_no_watermark_passes_a_bill_that_cannot_be_read(world: World) -> None:
    """On whichever page it is; the other bills are posted, and its own window is read until it can be."""
    world.many(120, **BILL, status="DRAFT", updated_at="2026-06-20T00:00:00Z")
    world.put("accr_bad", **BILL, updated_at="2026-06-19T00:00:00Z")
    world.put("accr_good", **BILL, updated_at="2026-06-21T00:00:00Z")
    world.broken.add("accr_bad")
    for _ in range(2):
        assert (await world.run(later=HOUR)).unreadable == 1
        assert await watermark(world) is None
    assert await world.booked() == {"accr_good": 1}
    world.broken.clear()
    await world.run(later=HOUR)
    assert await watermark(world) == START + 3 * HOUR - timedelta(seconds=5)
    assert await world.booked() == {"accr_good": 1, "accr_bad": 1}


async def test_one_that_breaks_while_it_waits_is_not_taken_for_withdrawn(world: World) -> None:
    """Still in the queue and unreadable: it stays as it is, unposted, and is posted when it can be read again."""
    world.put("accr_1", "accr_2")
    async with world.sync() as sync:
        await sync.pause("closing June", by="Ann")
        await sync.run_once()
        await sync.resume(why="closed", by="Ann")
    world.broken.add("accr_2")
    summary = await world.run(later=HOUR)
    assert (summary.posted, summary.withdrawn, await world.states("accr_2")) == (1, 0, ["DISCOVERED"])
    world.broken.clear()
    assert (await world.run(later=HOUR)).posted == 1


async def test_one_that_breaks_after_its_post_is_reported_all_the_same(world: World) -> None:
    """Its report and its read-back need its status alone, and its receipts are left for later."""
    world.put("accr_0")
    await world.run()
    world.put("accr_1", "accr_2", receipts=[{"id": "r1"}])
    world.hooks.append(lambda seen: world.broken.add("accr_1") if seen.what == "post" else None)
    world.hooks.append(
        lambda seen: world.remove("accr_2") if seen.what == "report" and len(seen.reported) == 2 else None
    )
    summary = await world.run(later=MINUTE)
    assert (summary.reported, summary.unreported, summary.attached) == (1, 1, 0)
    assert await world.states("accr_1") == ["REPORTED"]
