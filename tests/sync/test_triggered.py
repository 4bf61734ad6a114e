"""Events and the poll: an export begins at once for what an event names, and nothing is posted twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import attrs
import pytest
from aiohttp import web

from brex_accounting import BrexError, ConfigurationError, StoreMismatch
from brex_accounting.enums import WebhookEventType
from brex_accounting.sandbox import Mishap
from brex_accounting.sync import Binding, Dispatch, ExportAdmin, ExportSync, Summary, Triggered
from brex_accounting.testing.erp_poster import FindErpPoster, SameKeyErpPoster
from brex_accounting.webhooks import Listener, Receiver, WebhookEvent

from .world import BILL, DAY, EXPORTED, HOUR, LEASE, MINUTE, PREPARE, READY, START, Ledger, Seen, World

RECORDS = WebhookEventType.ACCOUNTING_RECORD_READY_FOR_EXPORT


def event(*record_ids: str, of: str = RECORDS, company: str | None = "cuacc_1", number: int = 0) -> WebhookEvent:
    return WebhookEvent(
        id=f"msg_{number}",
        event_type=WebhookEventType(of),
        accounting_record_ids=record_ids,
        company_id=company,
        sent_at=START,
    )


async def until(what: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.005)


# A run that reads given ids alone


async def test_a_run_for_ids_reads_those_alone(world: World) -> None:
    """Of ten that are ready the three that are named are exported; neither the queue nor the bills are read."""
    ids = world.many(10)
    world.put("bill_1", **BILL)
    async with world.sync() as sync:
        summary = await sync.run_once(record_ids=ids[2:5])
        assert (summary.read, summary.posted, summary.reported) == (3, 3, 3)
        assert world.kinds("queue", "bills", "again") == ["again"]
        assert await world.booked() == dict.fromkeys(ids[2:5], 1)
        everything = await sync.run_once()
    assert everything.posted == 8
    assert await world.booked() == dict.fromkeys([*ids, "bill_1"], 1)


async def test_ids_are_asked_for_by_the_hundred_and_once(world: World) -> None:
    """250 ids, some twice, come in three requests, and each is posted once."""
    ids = world.many(250)
    async with world.sync() as sync:
        summary = await sync.run_once(record_ids=iter([*ids, *ids[:30]]))
    assert (summary.read, summary.posted, summary.reported) == (250, 250, 250)
    assert world.kinds("again") == ["again"] * 3
    assert await world.doubled() == ()


@pytest.mark.parametrize("status", [PREPARE, "REVIEW", EXPORTED])
async def test_what_is_not_ready_is_left_alone(world: World, status: str) -> None:
    """An event that comes late, after the customer took the record back or it was exported, does nothing."""
    world.put("accr_1")
    world.move("accr_1", status)
    async with world.sync() as sync:
        summary = await sync.run_once(record_ids=["accr_1", "accr_none"])
    assert (summary.discovered, summary.posted) == (0, 0)
    assert world.posts() == []


async def test_a_record_that_is_gone_is_withdrawn(world: World) -> None:
    """Seen before, not posted, and no longer returned by its id: it is posted by nobody."""
    world.put("accr_0")
    await world.run()
    world.put("accr_1")
    async with world.admin() as admin:
        await admin.pause("month end", by="Ann")
    async with world.sync() as sync:
        assert (await sync.run_once(record_ids=["accr_1"])).discovered == 1
        world.remove("accr_1")
        world.clock.advance(MINUTE)
        assert (await sync.run_once(record_ids=["accr_1"])).withdrawn == 1
    assert await world.states("accr_1") == ["WITHDRAWN"]


@pytest.mark.parametrize("wrong", [[], (), "accr_1", [""], ["a/b"], [5], 5], ids=repr)
async def test_wrong_ids_are_refused(world: World, wrong: Any) -> None:
    """Before anything is asked for; nothing at all would read as everything."""
    async with world.sync() as sync:
        with pytest.raises(ConfigurationError):
            await sync.run_once(record_ids=wrong)
    assert world.wire == []


async def test_a_run_for_ids_goes_on_with_what_was_left(world: World) -> None:
    """What an earlier run could not report is reported by a run for another record, too."""
    world.put("accr_1", "accr_2")
    down = [True]

    def hook(seen: Seen) -> web.Response | None:
        return web.Response(status=500) if seen.what == "report" and down[0] else None

    world.hooks.append(hook)
    async with world.sync() as sync:
        with pytest.raises(BrexError):
            await sync.run_once(record_ids=["accr_1"])
        down[0] = False
        world.clock.advance(LEASE + MINUTE)
        await sync.run_once(record_ids=["accr_2"])
    assert (world.status("accr_1"), world.status("accr_2")) == (EXPORTED, EXPORTED)
    assert await world.doubled() == ()


# Events


@attrs.define
class Following:
    """An export that follows events, and what its runs came to."""

    export: Triggered
    running: asyncio.Task[None]
    summaries: list[Summary]

    async def until_runs(self, count: int) -> None:
        await until(lambda: len(self.summaries) >= count or self.running.done())
        assert not self.running.done()

    @property
    def posted(self) -> int:
        return sum(summary.posted for summary in self.summaries)


@asynccontextmanager
async def following(world: World, *, every: timedelta = HOUR, **options: Any) -> AsyncIterator[Following]:
    summaries: list[Summary] = []
    async with world.sync(**options) as sync:
        export = Triggered(sync, every=every, ended=summaries.append, clock=world.clock)
        one = Following(export, asyncio.create_task(export.run()), summaries)
        try:
            await until(lambda: bool(summaries) or one.running.done())
            yield one
        finally:
            export.stop()
            await asyncio.wait({one.running}, timeout=30)
    await one.running


async def test_an_event_is_followed_at_once(world: World) -> None:
    """Without a move of the clock: the record of the event is exported, one that no event told of waits."""
    async with following(world) as one:
        world.put("accr_1", "accr_2")
        world.wire.clear()
        await one.export(event("accr_1"))
        await one.until_runs(2)
        assert (world.status("accr_1"), world.status("accr_2")) == (EXPORTED, READY)
        assert world.kinds("queue", "bills", "again") == ["again"]
        world.clock.advance(HOUR)
        await one.until_runs(3)
        assert world.status("accr_2") == EXPORTED
    assert await world.booked() == {"accr_1": 1, "accr_2": 1}


@pytest.mark.parametrize("kind", ["USER_UPDATED", "SOMETHING_NEW"])
async def test_other_events_are_passed_over(world: World, kind: str) -> None:
    """They may name records as they like: nothing is read for them."""
    async with following(world) as one:
        world.wire.clear()
        await one.export(event("accr_1", of=kind))
        await one.export(event("accr_2"))
        await one.until_runs(2)
        assert [seen.query["ids"] for seen in world.wire if seen.what == "again"] == ["accr_2"]


async def test_an_event_without_ids_reads_everything(world: World) -> None:
    """Something is ready, and it does not say what."""
    async with following(world) as one:
        world.many(3)
        await one.export(event())
        await one.until_runs(2)
        assert one.posted == 3


async def test_events_during_a_run_are_taken_together(world: World) -> None:
    """Runs never overlap: forty events while one runs cost one run more."""
    gate = asyncio.Event()

    async def hold(*_: Any) -> None:
        await gate.wait()

    async with following(world, poster=Ledger(hold)) as one:
        ids = world.many(41)
        await one.export(event(ids[0]))
        await until(lambda: bool(world.kinds("again")))
        for number, record_id in enumerate(ids[1:]):
            await one.export(event(record_id, number=number))
        gate.set()
        await one.until_runs(3)
        assert world.kinds("again") == ["again"] * 2
        assert [summary.posted for summary in one.summaries] == [0, 1, 40]


async def test_too_many_ids_become_a_poll(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is bounded: of more, the whole queue is read."""
    monkeypatch.setattr("brex_accounting.sync.triggered._MOST", 5)
    async with following(world) as one:
        ids = world.many(9)
        world.wire.clear()
        await one.export(event(*ids))
        await one.until_runs(2)
        assert world.kinds("queue", "again") == ["queue"]
        assert one.posted == 9


async def test_a_run_that_fails_is_tried_again(world: World) -> None:
    """Brex is down when the event comes: after 10 s, then 20 s, the same records are asked for again."""
    async with following(world) as one:
        world.put("accr_1")
        down = [True]
        world.hooks.append(lambda seen: web.Response(status=500) if down[0] and seen.what == "again" else None)
        world.clock.waits.clear()
        await one.export(event("accr_1"))
        await until(lambda: 10.0 in world.clock.waits)
        world.clock.advance(timedelta(seconds=10))
        await until(lambda: 20.0 in world.clock.waits)
        down[0] = False
        world.clock.advance(timedelta(seconds=20))
        await one.until_runs(2)
        assert world.status("accr_1") == EXPORTED


async def test_a_post_without_an_answer_is_settled_after_its_lease(world: World) -> None:
    """The next poll is an hour away; the record is settled when its lease has ended, by its own run."""
    lost = [True]
    books = Ledger()

    async def answer(*_: Any) -> None:
        if lost[0]:
            raise TimeoutError

    books.answer = answer
    async with following(world, poster=books) as one:
        world.put("accr_1")
        await one.export(event("accr_1"))
        await one.until_runs(2)
        assert one.summaries[1].open == 1
        lost[0] = False
        await until(lambda: LEASE.total_seconds() in world.clock.waits)
        world.clock.advance(LEASE + timedelta(seconds=1))
        await until(lambda: world.status("accr_1") == EXPORTED)
    assert len(books.booked) == 1


async def test_what_no_waiting_mends_is_raised(world: World) -> None:
    """A store of another company ends both the poll and the events."""
    async with ExportAdmin(world.store(), binding=Binding(company="cuacc_2")):
        pass
    sync = ExportSync(world.brex, Ledger(), store=world.store(), post_from=START.date(), company="cuacc_1")
    export = Triggered(sync, every=HOUR, clock=world.clock)
    with pytest.raises(StoreMismatch):
        await asyncio.wait_for(export.run(), 30)


async def test_cancelled_it_leaves_no_task(world: World) -> None:
    """Neither of the poll nor of the events."""
    async with world.sync() as sync:
        export = Triggered(sync, every=HOUR, clock=world.clock)
        running = asyncio.create_task(export.run())
        await until(lambda: bool(world.clock.waits))
        before = asyncio.all_tasks()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    left = {task for task in asyncio.all_tasks() & before if "run_forever" in repr(task) or "_follow" in repr(task)}
    assert left == set()


@pytest.mark.parametrize("every", [0, None, timedelta(), -HOUR, 3600])
async def test_a_wrong_pause(world: World, every: Any) -> None:
    """A pause is a time above nothing."""
    with pytest.raises(ConfigurationError, match="every"):
        Triggered(world.sync(), every=every)


# Many companies


async def test_each_company_has_its_own_export(caplog: pytest.LogCaptureFixture) -> None:
    """An event goes to the one it names; of a company that is not kept, or that is not named, it is told."""
    given: list[tuple[str, str]] = []
    unknown: list[str] = []

    def export(company: str) -> Callable[[WebhookEvent], Any]:
        async def take(one: WebhookEvent) -> None:
            given.append((company, one.id))

        return take

    exports = {"cuacc_1": export("cuacc_1"), "cuacc_2": export("cuacc_2")}
    dispatch = Dispatch(exports, unknown=lambda one: unknown.append(one.id))
    for number, company in enumerate(["cuacc_1", "cuacc_2", "cuacc_3", None, "", "CUACC_1"]):
        await dispatch(event("accr_canary", company=company, number=number))
    exports["cuacc_3"] = export("cuacc_3")
    await dispatch(event(company="cuacc_3", number=9))
    assert given == [("cuacc_1", "msg_0"), ("cuacc_2", "msg_1"), ("cuacc_3", "msg_9")]
    assert unknown == ["msg_2", "msg_3", "msg_4", "msg_5"]
    assert caplog.text.count("nothing is exported for it") == 4
    assert "canary" not in caplog.text
    await Dispatch({})(event(company="cuacc_1"))


# The whole way: the customer's click, the delivery, the receiver, the export


@asynccontextmanager
async def wired(world: World, export: Triggered) -> AsyncIterator[Receiver]:
    world.sandbox.deliveries._sleep = world.clock.sleep
    receiver = Receiver(secrets=world.brex.webhooks.secrets, handler=export, clock=world.clock)
    async with Listener(receiver, path="/brex") as listener:
        await world.brex.webhooks.subscriptions.create(url=listener.url, event_types=[RECORDS])
        yield receiver


async def test_from_the_click_to_the_books(world: World) -> None:
    """The customer exports two of three records: both are booked and reported without the clock moving."""
    async with following(world) as one, wired(world, one.export) as receiver:
        ids = world.many(3, review_status=PREPARE)
        world.sandbox.brex.export(ids[:2])
        await until(lambda: [world.status(each) for each in ids] == [EXPORTED, EXPORTED, PREPARE])
        assert (receiver.received.taken, receiver.received.refused) == (1, 0)
    assert await world.booked() == dict.fromkeys(ids[:2], 1)


@pytest.mark.parametrize("world", [SameKeyErpPoster, FindErpPoster], indirect=True, ids=["same key", "find"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
async def test_whatever_becomes_of_the_deliveries(world: World, seed: int) -> None:
    """120 records in clicks of many sizes, deliveries lost, doubled, late and out of order, polls in between, and a
    second worker that polls the same store: each is booked once and reported, at the latest by the last poll.
    """
    dice = random.Random(seed)
    hooks = world.sandbox.brex.webhooks
    hooks.mishaps._seed = seed
    for kind in ("lose", "double", "delay", "reorder"):
        hooks.mishaps.add(Mishap(kind=kind, chance=0.3))
    world.put("accr_first")
    # The clock jumps while posts are under way: nobody may count as dead for it.
    polls = following(world, every=MINUTE * 10, lease=DAY)
    async with polls as one, wired(world, one.export), world.sync(lease=DAY) as other:
        ids = world.many(120, review_status=PREPARE)
        left = list(ids)
        while left:
            some, left = left[: (count := dice.choice([1, 2, 5, 20, 30]))], left[count:]
            hooks.spelling = dice.choice(["newer", "older"])
            if dice.random() < 0.3:
                hooks.rotate()
                world.clock.advance(MINUTE)
            world.sandbox.brex.export(some)
            if dice.random() < 0.5:
                await asyncio.sleep(0.01)
            if dice.random() < 0.4:
                world.clock.advance(dice.choice([MINUTE, MINUTE * 11]))
            if dice.random() < 0.3:
                await other.run_once()
        for number in range(12):
            world.clock.advance(MINUTE * 11)
            # Longer each time: what a slow run has read must not grow old again before it is posted.
            with suppress(TimeoutError):
                await until(lambda: all(world.status(each) == EXPORTED for each in ids), 0.02 * 2**number)
                break
        assert {world.status(each) for each in ids} == {EXPORTED}
        assert world.sandbox.deliveries.lost, "a seed that loses nothing shows nothing"
    assert await world.booked() == dict.fromkeys([*ids, "accr_first"], 1)
    assert await world.doubled() == ()
    reported = [each for report in world.reports() for each in report]
    assert sorted(reported) == sorted(set(reported))
