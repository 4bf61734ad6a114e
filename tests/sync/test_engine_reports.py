"""Reports whose answer is lost, or that Brex refuses, and batches that somebody left open."""

from __future__ import annotations

from uuid import uuid4

import pytest
from aiohttp import web

from brex_accounting import ServerError
from brex_accounting.enums import ReviewStatus
from brex_accounting.sandbox import Fault, Rules
from brex_accounting.sandbox.rules import ALL_SCOPES, RECORD_WRITE
from brex_accounting.sync.results import result_of

from .world import DAY, EXPORTED, HOUR, LEASE, MINUTE, PREPARE, READY, Seen, World

PROCESSED = {"drop-after": True, "cut": True, "drop": False, "500": False, "html": False}


async def proven(world: World) -> None:
    """A first record, so that the others go side by side and are reported together."""
    world.put("accr_0")
    await world.run()
    world.wire.clear()
    world.clock.advance(HOUR)


@pytest.mark.parametrize("fault", PROCESSED)
async def test_a_lost_answer_is_settled_at_once(world: World, fault: str) -> None:
    """The records are read back: what was processed is not sent again, and each moves once in Brex."""
    await proven(world)
    world.put("accr_1", "accr_2", "accr_3")
    world.sandbox.faults.add(Fault(kind=fault, next=1, method="POST"))
    summary = await world.run()
    assert (summary.reported, summary.open, await world.in_state("REPORTED")) == (3, 0, 4)
    assert len(world.reports()) == (1 if PROCESSED[fault] else 2)
    assert {(world.status(one), world.record(one).version) for one in ("accr_1", "accr_2", "accr_3")} == {(EXPORTED, 3)}


@pytest.mark.parametrize("processed", [False, True])
async def test_a_batch_left_open_is_read_back_when_its_lease_has_ended(world: World, processed: bool) -> None:
    """No answer, and no read-back either: before the lease ends nothing is sent, then Brex is asked first."""
    await proven(world)
    world.put("accr_1", "accr_2")

    def fails(seen: Seen) -> web.Response | None:
        return web.Response(status=500) if seen.what == "again" else None

    world.hooks.append(fails)
    world.sandbox.faults.add(Fault(kind="drop-after" if processed else "drop", next=1, method="POST"))
    with pytest.raises(ServerError):
        await world.run()
    world.hooks.clear()
    world.put("accr_3")
    summary = await world.run(later=LEASE - MINUTE)
    assert (world.reports(), summary.open) == ([["accr_1", "accr_2"], ["accr_3"]], 2)
    world.wire.clear()
    summary = await world.run(later=MINUTE)
    assert world.kinds("again", "report", "post") == (["again"] if processed else ["again", "report"])
    assert (summary.reported, summary.open, await world.in_state("REPORTED")) == (2, 0, 4)
    assert await world.doubled() == ()


@pytest.mark.parametrize("after_failure", [PREPARE, READY])
@pytest.mark.parametrize("sent", [False, True])
async def test_a_batch_of_a_dead_worker_is_read_back(world: World, sent: bool, after_failure: str) -> None:
    """A success and a failure, sent or not: settled as they stand in Brex, and sent again only if they wait."""
    world.sandbox.brex.rules = Rules(rate_limit=None, after_failure=ReviewStatus(after_failure))
    await proven(world)
    world.sandbox.brex.tokens[world.sandbox.token] = ALL_SCOPES - {RECORD_WRITE}
    world.put("accr_good")
    world.put("accr_bad", vendor={"id": "vendor_1", "name": "a name"})
    await world.erp.control.change(vendors=[])
    await world.run()
    world.sandbox.brex.tokens[world.sandbox.token] = ALL_SCOPES
    store, now = world.store(), world.clock.now()
    await store.open(None, now=now)
    exports = await store.reportable(limit=100)
    results = [result_of(export) for export in exports]
    await store.open_batch("dead", exports, results, key=str(uuid4()), now=now, until=now + LEASE)
    await store.close()
    if sent:
        world.sandbox.brex.report_export_results(results)
    world.wire.clear()
    assert ((await world.run()).open, world.reports()) == (2, [])
    summary = await world.run(later=LEASE)
    again = not sent or after_failure == READY
    assert [sorted(some) for some in world.reports()] == (
        [] if not again else [["accr_bad"]] if sent else [["accr_bad", "accr_good"]]
    )
    assert (summary.open, summary.reported, summary.reported_failed) == (0, 1, 1)
    assert [await world.states(one) for one in ("accr_good", "accr_bad")] == [["REPORTED"], ["REPORTED_FAILED"]]


@pytest.mark.parametrize("how", ["taken back", "gone", "exported by somebody"])
async def test_one_of_a_batch_that_is_not_ready(world: World, how: str) -> None:
    """Brex refuses the whole for one; the others are reported, and that one is as it stands in Brex."""
    await proven(world)
    world.put("accr_1", "accr_2", "accr_3")

    def between(seen: Seen) -> None:
        if seen.what == "report" and len(world.reports()) == 1:
            if how == "gone":
                world.remove("accr_2")
            else:
                world.move("accr_2", PREPARE if how == "taken back" else EXPORTED)

    world.hooks.append(between)
    summary = await world.run()
    ours = how == "exported by somebody"
    assert (summary.reported, summary.unreported, summary.paused) == ((3, 0, None) if ours else (2, 1, None))
    assert (world.status("accr_1"), world.status("accr_3")) == (EXPORTED, EXPORTED)
    assert await world.states("accr_2") == ["REPORTED" if ours else "POSTED"]
    async with world.admin() as admin:
        assert [item.export.record_id for item in await admin.exceptions()] == ([] if ours else ["accr_2"])
    assert (await world.run(later=HOUR)).unreported == 0


async def test_what_was_taken_back_after_its_post_is_reported_when_it_is_ready_again(world: World) -> None:
    """It is in the books: never posted again, and an exception until Brex waits for it."""
    await proven(world)
    world.put("accr_1")
    world.hooks.append(lambda seen: world.move("accr_1", PREPARE) if seen.what == "post" else None)
    await world.run()
    world.hooks.clear()
    world.move("accr_1", READY)
    summary = await world.run(later=HOUR)
    assert (summary.posted, summary.reported, await world.states("accr_1")) == (0, 1, ["REPORTED"])
    async with world.admin() as admin:
        assert await admin.exceptions() == ()


async def test_a_result_that_brex_cannot_take_does_not_hold_up_the_others(world: World) -> None:
    """400 for the whole, without a word which: they go one by one, and the others are reported, run after run."""
    await proven(world)
    world.put("accr_1", "accr_bad", "accr_3")

    def refuses(seen: Seen) -> web.Response | None:
        return web.json_response({"message": "no"}, status=400) if "accr_bad" in seen.reported else None

    world.hooks.append(refuses)
    summary = await world.run()
    assert (summary.reported, summary.paused, await world.states("accr_bad")) == (2, None, ["POSTED"])
    world.put("accr_4", "accr_5")
    summary = await world.run(later=HOUR)
    assert (summary.reported, summary.posted) == (2, 2)
    world.hooks.clear()
    assert (await world.run(later=HOUR)).reported == 1
    assert (await world.doubled(), len(world.posts())) == ((), 5)


async def test_a_failure_that_brex_cannot_take_is_not_posted_every_hour(world: World) -> None:
    """Its report is refused with 400 each time: the books are asked once all the same, the report is tried again."""
    await proven(world)
    await world.erp.control.change(closed_through="2026-06-30")
    world.put("accr_bad")
    world.hooks.append(lambda seen: web.json_response({}, status=400) if seen.what == "report" else None)
    for _ in range(4):
        summary = await world.run(later=HOUR)
        assert summary.reported_failed == 0
    assert (world.posts(), len(world.reports())) == (["accr_bad"], 4)
    world.hooks.clear()
    assert (await world.run(later=HOUR)).reported_failed == 1
    assert (await world.run(later=DAY)).posted == 0


async def test_a_report_that_is_put_off_is_made_by_the_next_run(world: World) -> None:
    """Brex answers 503 for longer than a call is patient: the run fails with it, and nothing is lost or doubled."""
    await proven(world)
    world.put("accr_1", "accr_2")
    world.hooks.append(lambda seen: web.Response(status=503) if seen.what == "report" else None)
    with pytest.raises(ServerError):
        await world.run()
    world.hooks.clear()
    summary = await world.run(later=LEASE)
    assert (summary.posted, summary.reported, summary.open) == (0, 2, 0)
    assert await world.doubled() == ()


async def test_words_reach_the_customer_in_characters_that_brex_takes(world: World) -> None:
    """The books' message comes transliterated on one line; the sandbox refuses anything else with 400."""
    world.put("accr_1", vendor={"id": "Caf\u00e9\nM\u00fcnchen", "name": "x"})
    await world.erp.control.change(vendors=[])
    summary = await world.run()
    assert summary.reported_failed == 1
    [result] = [result for seen in world.wire for result in seen.results]
    assert result["failure"]["error_message"] == "There is no vendor Cafe Munchen in the ERP: add it"
