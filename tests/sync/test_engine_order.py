"""In which order a run works: lists to their ends, one post that proves the scope, posts, reports."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from datetime import timedelta

import pytest
from aiohttp import web

from brex_accounting import AccountingRecord, ServerError
from brex_accounting.sync import ExportKey

from .world import BILL, EXPORTED, HOUR, MINUTE, PREPARE, READY, Ledger, Seen, World


async def test_the_queue_is_listed_to_its_end_before_the_first_post(world: World) -> None:
    """250 records on three pages: lists, one post and its report alone, then posts and reports, each once."""
    ids = world.many(250)
    summary = await world.run()
    kinds = world.kinds("queue", "bills", "post", "report")
    assert [kind for kind, _ in itertools.groupby(kinds)] == ["queue", "bills", *["post", "report"] * 4]
    assert kinds.count("queue") == 3
    assert [len(some) for some in world.reports()] == [1, 100, 100, 49]
    assert sorted(world.posts()) == sorted(itertools.chain(*world.reports())) == ids
    assert await world.booked() == dict.fromkeys(ids, 1)
    assert {world.status(one) for one in ids} == {EXPORTED}
    assert (summary.read, summary.discovered, summary.posted, summary.reported) == (250, 250, 250, 250)
    assert (summary.open, summary.paused, summary.unreported) == (0, None, 0)


async def test_run_twice_nothing_is_done_twice(world: World) -> None:
    """The second run asks for both lists and does nothing else."""
    world.many(7)
    await world.run()
    world.wire.clear()
    again = await world.run(later=HOUR)
    assert world.kinds("queue", "bills", "post", "report", "again") == ["queue", "bills"]
    assert (again.read, again.posted, again.reported) == (0, 0, 0)
    assert await world.doubled() == ()


async def test_the_first_post_is_reported_before_the_second(world: World) -> None:
    """A company that never reported begins with one record; one that did posts side by side at once."""
    world.many(3)
    await world.run()
    assert world.kinds("post", "report") == ["post", "report", "post", "post", "report"]
    world.wire.clear()
    world.put("accr_later", "accr_last")
    await world.run(later=HOUR)
    assert world.kinds("post", "report") == ["post", "post", "report"]


async def test_records_of_one_source_go_one_at_a_time_and_in_turn(world: World) -> None:
    """Eight charges are posted side by side; each refund follows its charge, though Brex lists it first.

    A charge leaves when the refund of the one before it is in the books: there is room for every refund meanwhile.
    """
    inside: Counter[str] = Counter()
    crowds: list[int] = []
    full = asyncio.Event()
    booked = {f"exp_{number}": asyncio.Event() for number in range(8)}

    async def post(record: AccountingRecord, key: ExportKey) -> None:
        source = record.source_id or ""
        inside[source] += 1
        crowds.append(inside[source])
        if inside.total() == 8:
            full.set()
        if key.startswith("accr_back"):
            booked[source].set()
        elif source in booked:
            await asyncio.wait_for(full.wait(), 30)
            before = booked.get(f"exp_{int(source[-1]) - 1}")
            await asyncio.wait_for(before.wait() if before else asyncio.sleep(0), 30)
        inside[source] -= 1

    world.put("accr_first", source_id="exp_first")
    for source in booked:
        world.put(f"accr_back_{source}", source_id=source, type="CARD_EXPENSE_REFUND", posted_at="2026-06-01T00:00:00Z")
        world.put(f"accr_{source}", source_id=source, posted_at="2026-06-20T00:00:00Z")
    books = Ledger(post)
    summary = await world.run(books, parallel=16)
    assert (summary.posted, full.is_set(), set(crowds)) == (17, True, {1})
    for source in booked:
        assert books.booked.index(f"accr_{source}.1") < books.booked.index(f"accr_back_{source}.1")


async def test_a_bill_goes_before_its_payment(world: World) -> None:
    """Brex lists the payment first, and the bill is booked first."""
    world.put("accr_payment", **{**BILL, "type": "BILL_EXPENSE_PAYMENT"}, source_id="bill_1")
    world.put("accr_bill", **BILL, source_id="bill_1")
    await world.run()
    assert world.posts() == ["accr_bill", "accr_payment"]


async def test_a_refund_waits_for_a_charge_that_nobody_knows_of(world: World) -> None:
    """While the charge may or may not be booked, its refund is not posted; other sources go on."""
    await world.erp.control.order("drop-after", next=1, path="journal", method="POST")
    world.put("accr_charge", source_id="exp_1")
    world.put("accr_back", source_id="exp_1", type="CARD_EXPENSE_REFUND")
    world.put("accr_other", source_id="exp_2")
    await world.run()
    assert world.posts() == ["accr_charge", "accr_other"]
    await world.run(later=3 * MINUTE)
    assert world.posts() == ["accr_charge", "accr_other", "accr_charge", "accr_back"]
    assert await world.doubled() == ()


async def test_a_late_charge_waits_for_its_refund_that_nobody_knows_of(world: World) -> None:
    """The refund came alone and its answer was lost: one at a time, whichever comes first."""
    await world.erp.control.order("drop-after", next=1, path="journal", method="POST")
    world.put("accr_back", source_id="exp_1", type="CARD_EXPENSE_REFUND")
    await world.run()
    world.put("accr_charge", source_id="exp_1")
    await world.run(later=MINUTE)
    assert world.posts() == ["accr_back"]
    await world.run(later=MINUTE)
    assert world.posts() == ["accr_back", "accr_back", "accr_charge"]
    assert await world.doubled() == ()


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_copy_older_than_five_minutes_is_read_again(world: World, is_first: bool) -> None:
    """Six minutes into the run one was taken back, one is gone and one changed: what is posted is as it stands.

    Between the runs of posts and in the middle of one.
    """
    if not is_first:
        world.put("accr_0")
        await world.run()
        world.wire.clear()
    world.put("accr_1", "accr_back", "accr_gone", "accr_edited")

    def age(seen: Seen) -> None:
        if seen.what == "post" and len(world.posts()) == 1:
            world.clock.advance(6 * MINUTE)
            world.move("accr_back", PREPARE)
            world.remove("accr_gone")
            world.edit("accr_edited", memo="as it stands")

    world.hooks.append(age)
    summary = await world.run(parallel=1)
    assert world.posts() == ["accr_1", "accr_edited"]
    assert (summary.withdrawn, summary.amended, summary.posted) == (2, 1, 2)
    assert [await world.states(one) for one in ("accr_back", "accr_gone")] == [["WITHDRAWN"], ["WITHDRAWN"]]
    [document] = [one for one in await world.erp.control.documents() if one.draft.record == "accr_edited"]
    assert document.draft.memo == "as it stands"


async def test_what_was_taken_back_is_posted_when_it_is_ready_again(world: World) -> None:
    """WITHDRAWN is no end: the same revision goes on under its key."""
    world.put("accr_1", "accr_2")
    world.hooks.append(lambda seen: world.move("accr_2", PREPARE) if seen.what == "report" else None)
    world.hooks.append(lambda seen: world.clock.advance(6 * MINUTE) if seen.what == "report" else None)
    await world.run()
    world.hooks.clear()
    assert (world.posts(), await world.states("accr_2")) == (["accr_1"], ["WITHDRAWN"])
    world.move("accr_2", READY)
    await world.run(later=HOUR)
    assert (world.posts(), await world.states("accr_2")) == (["accr_1", "accr_2"], ["REPORTED"])


async def test_slow_books_get_every_record_in_one_run(world: World) -> None:
    """Posts of three minutes each: copies grow old again and again, and the run ends when nothing is left."""
    ids = world.many(8)
    world.hooks.append(lambda seen: world.clock.advance(3 * MINUTE) if seen.what == "post" else None)
    summary = await asyncio.wait_for(world.run(parallel=1), 60)
    assert (summary.posted, summary.reported) == (8, 8)
    assert await world.booked() == dict.fromkeys(ids, 1)


@pytest.mark.parametrize("answers_with_old", [False, True])
async def test_a_copy_that_stays_old_ends_the_run(world: World, answers_with_old: bool) -> None:
    """Brex answers with an older version than its list did: the record is left for a later run, the run ends."""
    world.put("accr_1", "accr_2", version=5)

    def age(seen: Seen) -> None:
        if seen.what == "report" and len(world.posts()) == 1:
            world.clock.advance(6 * MINUTE)
            if answers_with_old:
                world.put("accr_2", version=4)

    world.hooks.append(age)
    summary = await asyncio.wait_for(world.run(), 60)
    assert summary.posted == (1 if answers_with_old else 2)


async def test_two_workers_share_one_store(world: World) -> None:
    """Each record is posted and reported by one of them, records of one source in turn."""
    world.put("accr_first")
    await world.run()
    ids = world.many(40)
    for number in range(5):
        world.put(f"accr_back_{number}", source_id=f"exp_{number}", type="CARD_EXPENSE_REFUND")
        world.put(f"accr_charge_{number}", source_id=f"exp_{number}")
        ids += [f"accr_charge_{number}", f"accr_back_{number}"]
    one, other = await asyncio.gather(world.run(parallel=3), world.run(parallel=3))
    again = await world.run(later=MINUTE)
    assert one.posted + other.posted + again.posted == len(ids)
    assert one.reported + other.reported + again.reported == len(ids)
    assert await world.booked() == dict.fromkeys(["accr_first", *ids], 1)
    posts = world.posts()
    assert sorted(posts) == sorted(["accr_first", *ids])
    for number in range(5):
        assert posts.index(f"accr_charge_{number}") < posts.index(f"accr_back_{number}")


async def test_a_record_edited_between_its_post_and_its_report(world: World) -> None:
    """The report of the old content is refused or late, the new one is posted in its place: one document stands."""
    world.put("accr_0")
    await world.run()
    world.put("accr_1")

    def edited(seen: Seen) -> web.Response | None:
        if seen.what == "report":
            world.edit("accr_1", memo="as it stands")
            return web.Response(status=503)
        return None

    world.hooks.append(edited)
    with pytest.raises(ServerError):
        await world.run(later=HOUR)
    world.hooks.clear()
    for _ in range(2):
        await world.run(later=HOUR)
    first, second = [one for one in await world.erp.control.documents() if one.draft.record == "accr_1"]
    assert (first.replaced_by, second.draft.memo, second.replaced_by) == (second.id, "as it stands", None)
    assert (await world.booked())["accr_1"] == 1
    assert (world.status("accr_1"), await world.doubled()) == (EXPORTED, ())
    reported = [one for seen in world.wire for one in seen.results if one["accounting_record_id"] == "accr_1"]
    assert reported[-1]["success"]["reference_id"] == second.id


async def test_time_that_flows_with_every_request(world: World) -> None:
    """Brex's clock is read in whole seconds while a third passes with each request: all is done in one run."""
    world.hooks.append(lambda _: world.clock.advance(timedelta(seconds=0.35)))
    world.put(*(f"accr_{number}" for number in range(9)), receipts=[{"id": "r1"}])
    summary = await world.run(parallel=2)
    assert (summary.posted, summary.reported, summary.attached, summary.open) == (9, 9, 9, 0)
    world.move("accr_3", READY)
    assert (await world.run(later=MINUTE)).reported == 1
    async with world.sync() as sync:
        assert (await sync.verify()).differences == ()
