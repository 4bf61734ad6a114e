"""What the books refuse, what the customer changes, and what Brex asks for again."""

from __future__ import annotations

import pytest

from brex_accounting.enums import ReviewStatus
from brex_accounting.sandbox import Fault, Rules
from brex_accounting.sync import Posted, Rejected, Skipped
from brex_accounting.testing.erp_poster import FindErpPoster, ParkErpPoster, SameKeyErpPoster

from .world import DAY, EXPORTED, HOUR, MINUTE, PREPARE, READY, Ledger, World

OTHERS = [pytest.param(kind, marks=pytest.mark.slow) for kind in (FindErpPoster, ParkErpPoster)]
pytestmark = pytest.mark.parametrize("world", [SameKeyErpPoster, *OTHERS], indirect=True)
CLOSED = "The books are closed on 2026-06-11: reopen the period or change the date"


async def test_a_period_that_is_opened_again(world: World) -> None:
    """The customer reads why, presses export again with nothing changed, and it is booked once, under the same key."""
    await world.erp.control.change(closed_through="2026-06-30")
    world.put("accr_1", "accr_2", erp_posting_date="2026-06-11T00:00:00Z")
    summary = await world.run()
    assert (summary.rejected, summary.reported_failed, summary.reported) == (2, 2, 0)
    assert {one["failure"]["error_message"] for seen in world.wire for one in seen.results} == {CLOSED}
    assert (world.status("accr_1"), await world.states("accr_1")) == (PREPARE, ["REPORTED_FAILED"])
    assert (await world.run(later=HOUR)).posted == 0
    await world.erp.control.change(closed_through=None)
    world.move("accr_1", READY)
    summary = await world.run(later=HOUR)
    assert (summary.discovered, summary.posted, summary.reported) == (1, 1, 1)
    [export] = await world.exports("accr_1")
    assert (export.state.value, export.key, export.attempt) == ("REPORTED", "accr_1.1", 2)
    assert (await world.booked(), world.status("accr_1"), world.status("accr_2")) == ({"accr_1": 1}, EXPORTED, PREPARE)


@pytest.mark.parametrize("is_seen", [True, False], ids=["read back", "not read back"])
async def test_a_record_that_is_back_before_the_next_run(world: World, is_seen: bool) -> None:
    """Mended and exported again within the hour it is booked by the next run; only if Brex did not say that it had
    left the queue, a day later.
    """
    await world.erp.control.change(closed_through="2026-06-30")
    world.put("accr_1")
    if not is_seen:
        world.sandbox.faults.add(Fault(kind="html", every=4, method="GET"))  # after the clock, the queue and the bills
    assert (await world.run()).reported_failed == 1
    world.sandbox.faults.clear()
    await world.erp.control.change(closed_through=None)
    world.move("accr_1", READY)
    assert (await world.run(later=HOUR)).posted == int(is_seen)
    assert (await world.run(later=DAY)).posted == int(not is_seen)
    assert (await world.booked(), world.status("accr_1")) == ({"accr_1": 1}, EXPORTED)


async def test_a_refused_record_that_never_leaves_the_queue(world: World) -> None:
    """One attempt a day, each told to the customer; from the fifth on it is an exception; opened, it is booked."""
    world.sandbox.brex.rules = Rules(rate_limit=None, after_failure=ReviewStatus(READY))
    await world.erp.control.change(closed_through="2026-06-30")
    world.put("accr_1")
    listed = []
    for day in range(1, 7):
        await world.run(later=DAY)
        for _ in range(3):
            await world.run(later=HOUR)
        assert (len(world.posts()), len(world.reports())) == (day, day)
        async with world.admin() as admin:
            listed.append([item.why for item in await admin.exceptions()])
    assert listed == [[], [], [], [], ["refused 5 times"], ["refused 6 times"]]
    await world.erp.control.change(closed_through=None)
    await world.run(later=DAY)
    assert (await world.booked(), await world.states("accr_1")) == ({"accr_1": 1}, ["REPORTED"])
    async with world.admin() as admin:
        assert await admin.exceptions() == ()


async def test_a_refused_record_that_was_changed(world: World) -> None:
    """New content is a new revision, posted at once; the refused one leaves no trace in the books."""
    await world.erp.control.change(closed_through="2026-06-30")
    world.put("accr_1")
    await world.run()
    world.edit("accr_1", erp_posting_date="2026-07-01T00:00:00Z", review_status=READY)
    await world.run(later=HOUR)
    assert await world.states("accr_1") == ["SUPERSEDED", "REPORTED"]
    [document] = await world.erp.control.documents()
    assert (document.draft.revision, document.draft.supersedes) == (2, None)


async def test_a_persons_retry(world: World) -> None:
    """Asked for by hand, what was refused is posted with the next run, whatever Brex says; its success is kept."""
    await world.erp.control.change(closed_through="2026-06-30")
    world.put("accr_1")
    await world.run()
    await world.erp.control.change(closed_through=None)
    world.move("accr_1", READY)
    async with world.admin() as admin:
        await admin.retry("accr_1", why="June was opened again", by="Ann")
    await world.run(later=MINUTE)
    assert (await world.booked(), await world.states("accr_1")) == ({"accr_1": 1}, ["REPORTED"])


async def test_a_refusal_that_brex_does_not_wait_for_is_listed(world: World) -> None:
    """Taken back while it is posted: nobody is told why it was refused, so a person sees it."""
    world.put("accr_1")

    async def refuse(*_: object) -> Rejected:
        world.move("accr_1", PREPARE)
        return Rejected("CLOSED_PERIOD", "The books are closed")

    await world.run(Ledger(refuse))
    async with world.admin() as admin:
        [item] = await admin.exceptions()
    assert (item.export.record_id, item.export.state.value) == ("accr_1", "REJECTED")
    assert "does not wait" in item.why


async def test_a_reported_record_that_is_ready_again_is_reported_again(world: World) -> None:
    """Brex wants to hear it once more: the same reference goes out, and nothing is posted."""
    world.put("accr_1")
    await world.run()
    world.move("accr_1", READY)
    world.edit("accr_1", status="a new one", user=None)
    summary = await world.run(later=HOUR)
    assert (summary.posted, summary.reported, world.status("accr_1")) == (0, 1, EXPORTED)
    first, second = [seen.results for seen in world.wire if seen.what == "report"]
    assert first == second
    assert (world.posts(), await world.doubled()) == (["accr_1"], ())


@pytest.mark.parametrize(
    ("decision", "status"),
    [("post", READY), ("by hand", READY), ("by hand", EXPORTED), ("leave", READY), ("leave", EXPORTED)],
)
async def test_a_change_after_the_report_waits_for_a_person(world: World, status: str, decision: str) -> None:
    """It is held, not posted, and listed; a person has it posted in place of the old one, booked it, or leaves it."""
    world.put("accr_1")
    await world.run()
    world.edit("accr_1", memo="changed", review_status=READY)
    assert (await world.run(later=HOUR)).held == 1
    assert (await world.run(later=HOUR)).posted == 0
    world.move("accr_1", status)
    async with world.admin() as admin:
        [item] = await admin.exceptions()
        assert (item.export.record_id, item.export.revision, item.export.state.value) == ("accr_1", 2, "HELD")
        outcome = {"post": None, "by hand": Posted("JE-by-hand"), "leave": Skipped("the old one will do")}[decision]
        await admin.resolve("accr_1", outcome, why="the amount is the same", by="Ann")
        assert await admin.exceptions() == ()
    await world.run(later=HOUR)
    after = {"post": "REPORTED", "by hand": "REPORTED", "leave": "SKIPPED"}[decision]
    assert await world.states("accr_1") == ["REPORTED", after]
    assert world.posts() == (["accr_1", "accr_1"] if decision == "post" else ["accr_1"])
    assert await world.booked() == {"accr_1": 1}


async def test_a_held_change_that_brex_counts_as_exported_is_posted_all_the_same(world: World) -> None:
    """The person's word counts: it is booked in place of the old one, and stands as exported."""
    world.put("accr_1")
    await world.run()
    world.edit("accr_1", memo="changed", review_status=READY)
    await world.run(later=HOUR)
    world.move("accr_1", EXPORTED)
    async with world.admin() as admin:
        await admin.resolve("accr_1", None, why="the amount is the same", by="Ann")
    await world.run(later=HOUR)
    await world.run(later=HOUR)
    assert await world.states("accr_1") == ["REPORTED", "REPORTED"]
    assert (await world.booked(), await world.doubled()) == ({"accr_1": 1}, ())


async def test_records_dated_before_the_books_are_left_out(world: World) -> None:
    """They are counted, never posted or reported, until a person lets them in."""
    world.put("accr_old", erp_posting_date="2026-05-31T23:59:59Z")
    world.put("accr_1")
    summary = await world.run()
    assert (summary.out_of_scope, summary.posted, world.status("accr_old")) == (1, 1, READY)
    async with world.admin() as admin:
        [export] = await admin.replay(reason="May is ours after all", by="Ann")
    assert export.record_id == "accr_old"
    assert (await world.run(later=HOUR)).reported == 1
    assert await world.booked() == {"accr_1": 1, "accr_old": 1}
