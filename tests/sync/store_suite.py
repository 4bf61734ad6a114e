"""What every store must do: a suite over a factory, so that each kind of store runs the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from brex_accounting import ConfigurationError, LeaseLost, MoveRefused, StoreMismatch, StoreUnavailable
from brex_accounting.sync.exports import Binding, Copy, Export, Feed, Judgement, Settlement, Verdict
from brex_accounting.sync.poster import NotNow, Posted, Skipped
from brex_accounting.sync.states import BY_HAND, MOVES, State

from ..forks import Forks
from .desk import BILL, BINDING, NOT_NOW, REJECTED, START, Desk, MakeStore, copy_again, current, make_move, replayed

ROOT = Path(__file__).parent.parent.parent
HOUR = timedelta(hours=1)


class StoreSuite:
    """Subclass it with the fixtures ``make`` (another store on the same, empty data) and ``opening``, the
    name and arguments with which ``tests.sync.worker`` makes the same in another process.
    """

    @pytest.fixture
    async def desk(self, make: MakeStore) -> AsyncIterator[Desk]:
        store = make()
        await store.open(BINDING, now=START)
        yield Desk(store)
        await store.close()

    @pytest.fixture
    async def other(self, make: MakeStore) -> AsyncIterator[Desk]:
        """Another worker on the same data."""
        store = make()
        await store.open(BINDING, now=START)
        yield Desk(store, owner="w2")
        await store.close()

    # Whose it is

    async def test_a_store_learns_its_binding(self, make: MakeStore) -> None:
        """What was not told at first is added later, and None takes what there is."""
        store = make()
        told = [Binding(company="cuacc_1"), Binding(vendor="acme", vendor_account_id="books-1"), Binding(), None]
        for binding in told:
            bound = await store.open(binding, now=START)
            await store.close()
        assert bound == BINDING

    @pytest.mark.parametrize("part", ["company", "vendor", "vendor_account_id"])
    async def test_a_store_of_somebody_else_is_refused(self, make: MakeStore, desk: Desk, part: str) -> None:
        """Each part alone is enough, the message names both, and the owner's store goes on."""
        wrong = attrs.evolve(BINDING, **{part: "another"})
        with pytest.raises(StoreMismatch, match=rf"{part} {getattr(BINDING, part)}, and another was asked for"):
            await make().open(wrong, now=START)
        await desk.see()
        assert await desk.states() == ["DISCOVERED"]

    async def test_without_a_binding_no_store_is_made(self, make: MakeStore) -> None:
        """Whoever only wants to look makes nothing by mistake."""
        store = make()
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="there is no store"):
                await store.open(None, now=START)
        await store.close()

    async def test_a_closed_store_says_so(self, make: MakeStore, desk: Desk) -> None:
        """Before open and after close every call is refused; close itself may be repeated."""
        store = make()
        with pytest.raises(StoreUnavailable, match="not open"):
            await store.counts()
        await desk.store.close()
        await desk.store.close()
        with pytest.raises(StoreUnavailable, match="not open"):
            await desk.see()

    # What was seen

    async def test_a_record_becomes_an_export(self, desk: Desk) -> None:
        """Everything of the copy is kept, and its first line of history written."""
        judgement = await desk.see(receipts=[{"id": "r1"}], source_id="expense_1")
        one = await desk.newest()
        assert judgement.verdict is Verdict.NEW
        assert (one.revision, one.key, one.state, one.attempt) == (1, "accr_1.1", State.DISCOVERED, 0)
        assert (one.version, one.source_id, one.accounting_date.isoformat()) == (2, "expense_1", "2026-06-11")
        assert (one.read_at, one.changed_at) == (START + timedelta(seconds=1), START + timedelta(seconds=2))
        assert b'"accr_1"' in one.body
        assert one.receipts_hash
        [line] = await desk.store.history()
        assert (line.before, line.after, line.by, line.at) == (None, State.DISCOVERED, "engine", one.changed_at)

    async def test_a_newer_copy_replaces_the_older(self, desk: Desk) -> None:
        """The same content is the same revision: body, version and time of reading are the newest."""
        await desk.see()
        before = await desk.newest()
        await desk.see(version=7, status="APPROVED")
        after = await desk.newest()
        assert (after.revision, after.version) == (1, 7)
        assert after.read_at > before.read_at
        assert len(await desk.store.history()) == 1

    async def test_a_page_is_stored_whole_or_not_at_all(self, desk: Desk) -> None:
        """When the last of a page fails, neither the others nor the watermark are kept."""
        await desk.see("accr_0", feed=Feed(name="bills", watermark=START))

        def fails(copy: Copy, _: Sequence[Export]) -> Judgement:
            if copy.record_id == "accr_2":
                raise MoveRefused("on purpose")
            return Judgement(verdict=Verdict.NEW, begin=State.DISCOVERED)

        copies = [attrs.evolve(copy_again(await desk.newest("accr_0")), record_id=f"accr_{one}") for one in (1, 2)]
        with pytest.raises(MoveRefused, match="on purpose"):
            await desk.store.record_seen(copies, fails, now=START, feed=Feed(name="bills", watermark=START + HOUR))
        assert set(await current(desk.store)) == {("accr_0", 1)}
        assert await desk.store.feed("bills") == Feed(name="bills", watermark=START)

    async def test_a_watermark_never_goes_back(self, desk: Desk) -> None:
        """To the microsecond; feeds know nothing of each other."""
        assert await desk.store.feed("bills") is None
        for moment in (START + timedelta(microseconds=1), START, START - HOUR):
            await desk.see(feed=Feed(name="bills", watermark=moment))
        assert await desk.store.feed("bills") == Feed(name="bills", watermark=START + timedelta(microseconds=1))
        assert await desk.store.feed("queue") is None

    @pytest.mark.parametrize(
        "judgement",
        [
            Judgement(verdict=Verdict.NEW, begin=State.POSTED),
            Judgement(verdict=Verdict.WITHDRAWN, move=State.REPORTED),
            Judgement(verdict=Verdict.WITHDRAWN, move=State.INTENT, begin=State.SUPERSEDED),
        ],
    )
    async def test_a_judgement_against_the_rules_is_refused(self, desk: Desk, judgement: Judgement) -> None:
        """Whoever writes the judge, the moves are the listed ones."""
        await desk.see()
        one = await desk.newest()
        with pytest.raises(MoveRefused):
            await desk.store.record_seen([copy_again(one)], lambda *_: judgement, now=START)
        assert await desk.newest() == one
        assert len(await desk.store.exports_of("accr_1")) == 1

    async def test_a_claimed_copy_stays_as_it_is(self, desk: Desk) -> None:
        """What may be posted again under its key must not change in between."""
        await desk.see()
        [claim] = await desk.claim()
        keep = Judgement(verdict=Verdict.NEWER_COPY, keep_copy=True)
        with pytest.raises(MoveRefused, match="stays as it is"):
            await desk.store.record_seen([copy_again(claim.export)], lambda *_: keep, now=START)
        await desk.see(version=9)
        assert (await desk.newest()).version == 2

    async def test_a_copy_of_a_page_is_judged_on_the_ones_before(self, desk: Desk) -> None:
        """Two versions of a record in one page end as they would in two."""
        judgements = await desk.see_all([{"id": "accr_1"}, {"id": "accr_1", "memo": "changed", "version": 3}])
        assert [one.verdict for one in judgements] == [Verdict.NEW, Verdict.AMENDED]
        assert await desk.states() == ["SUPERSEDED", "DISCOVERED"]

    async def test_absent_records(self, desk: Desk) -> None:
        """What is no longer returned is withdrawn; an id that is not stored means nothing."""
        await desk.see()
        judgements = await desk.miss("accr_1", "accr_unknown")
        assert [one.verdict for one in judgements] == [Verdict.WITHDRAWN, Verdict.NOTHING]
        assert await desk.states() == ["WITHDRAWN"]

    @pytest.mark.parametrize("state", State)
    async def test_what_a_listing_should_name(self, desk: Desk, state: State) -> None:
        """Records whose being in the queue matters, seen before the listing began, and no bills."""
        await desk.bring(state)
        await desk.see("accr_bill", **BILL)
        matters = ["DISCOVERED", "INTENT", "POSTED", "REJECTED", "REPORTED_FAILED", "UNCONFIRMED"]
        expected = ("accr_1",) if state.value in matters or state is State.SUPERSEDED else ()
        assert await desk.store.awaited(before=desk.tick()) == expected
        assert await desk.store.awaited(before=START) == ()
        if state.value in matters:
            await desk.miss("accr_1")
            assert await desk.store.awaited(before=desk.tick()) == ()

    async def test_a_record_is_awaited_once(self, desk: Desk) -> None:
        """However many revisions it has; and what moved since the listing began is not."""
        await desk.see()
        [claim] = await desk.claim()
        await desk.see(memo="changed", version=3)
        begun = desk.tick()
        assert await desk.store.awaited(before=begun) == ("accr_1",)
        await desk.finish(claim, Posted("JE"))
        await desk.claim()
        assert await desk.store.awaited(before=begun) == ()
        assert await desk.store.awaited(before=desk.tick()) == ("accr_1",)

    # Posting

    async def test_claims_come_in_order_and_once(self, desk: Desk, other: Desk) -> None:
        """As many as asked for, in their turn, to one worker; the rest to the next."""
        await desk.see_all([{"id": f"accr_{number}"} for number in (3, 1, 2)])
        mine, theirs = await desk.claim(2), await other.claim(2)
        assert [one.export.record_id for one in mine] == ["accr_1", "accr_2"]
        assert [one.export.record_id for one in theirs] == ["accr_3"]
        assert [(one.export.state, one.export.attempt, one.lease.owner, one.lease.epoch) for one in mine] == [
            (State.INTENT, 1, "w1", 1)
        ] * 2
        assert await desk.claim() == ()
        assert await desk.store.lease_of("accr_3", 1) == theirs[0].lease
        assert await desk.store.lease_of("accr_4", 1) is None

    async def test_old_copies_are_read_anew_before_they_are_claimed(self, desk: Desk) -> None:
        """A copy read too long ago is stale, not claimed; a sighting makes it fresh."""
        await desk.see()
        limit = desk.tick()
        assert await desk.claim(read_since=limit) == ()
        stale: dict[str, Any] = {"now": desk.now, "read_before": limit, "limit": 9}
        assert await desk.store.stale(**stale) == ("accr_1",)
        await desk.see()
        assert await desk.store.stale(**stale) == ()
        assert len(await desk.claim(read_since=limit)) == 1

    async def test_not_now_waits(self, desk: Desk) -> None:
        """It goes back to be posted, not before its moment, and is counted until something else happens."""
        await desk.see()
        export = await desk.post(NOT_NOW)
        assert (export.state, export.not_before) == (State.DISCOVERED, desk.now + timedelta(minutes=10))
        assert export.message == "down for maintenance"
        assert await desk.claim() == ()
        desk.tick(timedelta(minutes=10))
        export = await desk.post(NotNow("still down"))
        assert (export.attempt, export.not_before) == (2, None)
        assert (await desk.store.counts()).not_now == 2
        await desk.post()
        assert (await desk.store.counts()).not_now == 0

    async def test_outcomes_are_kept(self, desk: Desk) -> None:
        """What the poster said is in the export, its reason in the history."""
        await desk.see_all([{"id": f"accr_{number}"} for number in (1, 2, 3)])
        first, second, third = await desk.claim()
        posted = await desk.finish(first, Posted("JE-1", "https://books.example.com/1"), detail="took 3 tries")
        assert (posted.state, posted.reference_id, posted.deep_link_url, posted.detail) == (
            *(State.POSTED, "JE-1", "https://books.example.com/1"),
            "took 3 tries",
        )
        rejected = await desk.finish(second, REJECTED)
        assert (rejected.state, rejected.code, rejected.message, rejected.rejections) == (
            *(State.REJECTED, "CLOSED_PERIOD", REJECTED.message),
            1,
        )
        skipped = await desk.finish(third, Skipped("booked elsewhere"))
        assert (skipped.state, skipped.message) == (State.SKIPPED, "booked elsewhere")
        whys = [line.why for line in await desk.store.history()][-3:]
        assert whys == ["posted", "refused by the books: CLOSED_PERIOD", "not for these books: booked elsewhere"]

    async def test_a_lease_that_ended_is_taken_over(self, desk: Desk, other: Desk) -> None:
        """Not a moment before; from then on the first holder can do nothing."""
        await desk.see()
        [mine] = await desk.claim()
        other.now = mine.lease.until - timedelta(seconds=2)
        assert await other.take_over() == ()
        [theirs] = await other.take_over()
        assert (theirs.export.state, theirs.export.attempt, theirs.lease.epoch) == (State.INTENT, 2, 2)
        for late in (
            desk.finish(mine, Posted("JE-1")),
            desk.park(mine),
            desk.store.renew(mine, now=other.now, until=other.now + HOUR),
        ):
            with pytest.raises(LeaseLost, match="accr_1, revision 1"):
                await late
        assert (await other.finish(theirs, Posted("JE-2"))).reference_id == "JE-2"
        with pytest.raises(LeaseLost):
            await other.finish(theirs, Posted("JE-3"))
        assert (await desk.newest()).reference_id == "JE-2"

    async def test_a_worker_that_takes_over_from_itself(self, desk: Desk) -> None:
        """The older of its two claims counts no more: it is the epoch that counts, not the name."""
        await desk.see()
        [older] = await desk.claim()
        desk.tick(HOUR)
        [newer] = await desk.take_over()
        with pytest.raises(LeaseLost):
            await desk.finish(older, Posted("JE-1"))
        await desk.finish(newer, Posted("JE-2"))
        batch = await desk.open_batch()
        desk.tick(HOUR)
        [again] = await desk.store.take_over_batches("w1", now=desk.now, until=desk.now + HOUR)
        with pytest.raises(LeaseLost):
            await desk.settle(batch, State.REPORTED)
        assert await desk.settle(again, State.REPORTED) is None

    async def test_a_renewed_lease_is_not_taken_over(self, desk: Desk, other: Desk) -> None:
        """Also when it had ended, as long as nobody else had it."""
        await desk.see()
        [claim] = await desk.claim()
        now = claim.lease.until + HOUR
        renewed = await desk.store.renew(claim, now=now, until=now + HOUR)
        assert (renewed.lease.epoch, renewed.lease.until) == (1, now + HOUR)
        other.now = now
        assert await other.take_over() == ()
        assert (await desk.finish(renewed, Posted("JE-1"))).state is State.POSTED

    async def test_a_lease_ends_after_it_begins(self, desk: Desk) -> None:
        """A lease into the past is a mistake of the caller's."""
        await desk.see()
        [claim] = await desk.claim()
        with pytest.raises(ConfigurationError, match="until"):
            await desk.store.renew(claim, now=START, until=START - HOUR)

    async def test_a_paused_store_gives_nothing_to_post(self, desk: Desk) -> None:
        """Neither new nor abandoned exports; what is under way may end; the first reason is kept."""
        await desk.see_all([{"id": "accr_1"}, {"id": "accr_2"}])
        [claim] = await desk.claim(1)
        first = await desk.store.pause("the login failed", code="LOGIN", by="engine", now=desk.tick())
        assert await desk.store.pause("another", code="", by="Ann", now=desk.tick()) == first
        assert await desk.store.paused() == first
        assert await desk.claim() == ()
        desk.tick(HOUR)
        assert await desk.take_over() == ()
        assert (await desk.finish(claim, NotNow("down"))).state is State.DISCOVERED
        await desk.store.resume(by="Ann", why="new password", now=desk.tick())
        await desk.store.resume(by="Ann", why="again", now=desk.tick())
        assert await desk.store.paused() is None
        assert (await desk.store.counts()).not_now == 0
        assert len(await desk.claim()) == 2

    async def test_records_of_one_source_go_in_turn(self, desk: Desk) -> None:
        """The bill before its payment, one at a time; other sources do not wait."""
        await desk.see_all(
            [
                {"id": "accr_pay", "source_id": "b1", "source_type": "BILL", "type": "BILL_EXPENSE_PAYMENT"},
                {"id": "accr_bill", "source_id": "b1"} | BILL,
                {"id": "accr_card", "source_id": "e1"},
                {"id": "accr_none"},
            ]
        )
        claims = {one.export.record_id: one for one in await desk.claim()}
        assert set(claims) == {"accr_bill", "accr_card", "accr_none"}
        assert await desk.claim() == ()
        await desk.finish(claims["accr_bill"], NOT_NOW)
        assert await desk.claim() == ()
        desk.tick(HOUR)
        [bill] = await desk.claim()
        await desk.park(bill)
        assert await desk.claim() == ()
        await desk.decide(State.POSTED, record_id="accr_bill")
        assert [one.export.record_id for one in await desk.claim()] == ["accr_pay"]

    async def test_a_later_record_under_way_holds_up_an_earlier(self, desk: Desk) -> None:
        """A charge that shows up after its refund was claimed waits until that is done."""
        await desk.see("accr_refund", source_id="e1", type="CARD_EXPENSE_REFUND")
        [refund] = await desk.claim()
        await desk.see("accr_charge", source_id="e1")
        assert await desk.claim() == ()
        await desk.finish(refund, REJECTED)
        assert len(await desk.claim()) == 1

    async def test_an_amendment_waits_for_what_may_be_posted(self, desk: Desk) -> None:
        """While the revision before it is claimed, parked or being reported; then it names that one's key."""
        await desk.see()
        [claim] = await desk.claim()
        await desk.see(memo="changed", version=3)
        assert await desk.claim() == ()
        await desk.park(claim)
        assert await desk.claim() == ()
        await desk.decide(State.POSTED)
        [amended] = await desk.claim()
        assert (amended.export.revision, amended.export.supersedes) == (2, "accr_1.1")
        assert await desk.states() == ["POSTED", "INTENT"]

    async def test_an_amendment_waits_for_a_report(self, desk: Desk) -> None:
        """A batch that may have been sent is settled first; the older revision is not reported again."""
        await desk.see()
        await desk.post()
        batch = await desk.open_batch()
        await desk.see(memo="changed", version=3)
        assert await desk.claim() == ()
        await desk.settle(batch, State.POSTED)
        assert await desk.store.reportable(limit=9) == ()
        assert len(await desk.claim()) == 1

    @pytest.mark.parametrize("outcome", [REJECTED, Skipped("no"), NotNow("down")], ids=lambda one: type(one).__name__)
    async def test_an_older_revision_without_a_document_gives_way(self, desk: Desk, outcome: Any) -> None:
        """Refused, skipped or put off after it changed, it is superseded, and the newer one amends nothing."""
        await desk.see()
        [claim] = await desk.claim()
        await desk.see(memo="changed", version=3)
        assert (await desk.finish(claim, outcome)).state is State.SUPERSEDED
        [newer] = await desk.claim()
        assert newer.export.supersedes is None

    @pytest.mark.parametrize("after", [State.REPORTED_FAILED, State.REJECTED])
    async def test_a_failure_that_is_reported_gives_way(self, desk: Desk, after: State) -> None:
        """Once its batch is settled, the revision that came meanwhile takes its place."""
        await desk.see()
        await desk.post(REJECTED)
        batch = await desk.open_batch()
        await desk.see(memo="changed", version=3)
        await desk.settle(batch, after)
        assert await desk.states() == ["SUPERSEDED", "DISCOVERED"]

    @pytest.mark.parametrize("after", [State.DISCOVERED, State.SKIPPED, State.REJECTED])
    async def test_a_decision_gives_way(self, desk: Desk, after: State) -> None:
        """What a person settles as not posted is superseded by what came meanwhile."""
        await desk.bring(State.UNCONFIRMED)
        await desk.see(memo="changed", version=3)
        assert (await desk.decide(after)).state is State.SUPERSEDED
        assert (await desk.claim())[0].export.revision == 2

    async def test_the_last_document_is_the_one_to_amend(self, desk: Desk) -> None:
        """Revisions in between that were never posted are passed over."""
        await desk.see()
        await desk.post()
        for number, outcome in enumerate([REJECTED, REJECTED, None], start=3):
            await desk.see(memo=f"change {number}", version=number)
            export = await desk.post(outcome)
            assert export.supersedes == "accr_1.1"
        await desk.see(memo="last", version=9)
        assert (await desk.claim())[0].export.supersedes == "accr_1.4"
        assert await desk.states() == ["POSTED", "SUPERSEDED", "SUPERSEDED", "POSTED", "INTENT"]

    # Reporting

    async def test_a_batch_is_kept_as_it_is_sent(self, desk: Desk) -> None:
        """Key, body and results survive the worker; settled results leave it one by one."""
        await desk.see_all([{"id": "accr_1"}, {"id": "accr_2"}, {"id": "accr_3"}])
        first, second, third = await desk.claim()
        await desk.finish(first, Posted("JE-1"))
        await desk.finish(second, REJECTED)
        await desk.finish(third, Skipped("no"))
        batch = await desk.open_batch()
        assert batch.members == (("accr_1", 1), ("accr_2", 1))
        assert batch.body == (
            b'{"results":[{"accounting_record_id":"accr_1","success":{"reference_id":"JE-1"}},'
            b'{"accounting_record_id":"accr_2","failure":{"error_message":"June is closed: set a date in July."}}]}'
        )
        assert [one.accounting_record_id for one in batch.results] == ["accr_1", "accr_2"]
        assert await desk.states("accr_2") == ["REPORTING"]
        assert await desk.store.reportable(limit=9) == ()
        left = await desk.store.settle(
            batch, [Settlement(record_id="accr_2", after=State.REPORTED_FAILED)], now=desk.tick()
        )
        assert left is not None
        assert (left.members, left.body, left.results) == ((("accr_1", 1),), batch.body, batch.results)
        assert await desk.settle(left, State.REPORTED) is None
        assert (await desk.newest()).batch is None

    async def test_a_batch_that_was_let_go_is_taken_over(self, desk: Desk, other: Desk) -> None:
        """When its lease ended; from then on the first holder can do nothing."""
        await desk.see()
        await desk.post()
        batch = await desk.open_batch()
        batch = await desk.store.renew_batch(batch, now=desk.now, until=desk.now + HOUR)
        until: dict[str, Any] = {"until": batch.lease.until + HOUR, "limit": 9}
        early = batch.lease.until - timedelta(microseconds=1)
        assert await other.store.take_over_batches("w2", now=early, **until) == ()
        [theirs] = await other.store.take_over_batches("w2", now=batch.lease.until, **until)
        assert (theirs.key, theirs.body, theirs.members) == (batch.key, batch.body, batch.members)
        with pytest.raises(LeaseLost, match="batch"):
            await desk.settle(batch, State.REPORTED)
        with pytest.raises(LeaseLost, match="batch"):
            await desk.store.renew_batch(batch, now=desk.now, until=desk.now + HOUR)
        assert await other.settle(theirs, State.REPORTED) is None
        with pytest.raises(LeaseLost, match="settled"):
            await other.store.settle(theirs, [], now=other.tick())

    async def test_a_batch_is_opened_whole_or_not_at_all(self, desk: Desk) -> None:
        """If one of its exports moved since it was read, none moves and no batch is left."""
        await desk.see_all([{"id": "accr_1"}, {"id": "accr_2"}])
        for claim in await desk.claim():
            await desk.finish(claim, Posted("JE"))
        exports = await desk.store.reportable(limit=9)
        await desk.see("accr_2", memo="changed", version=3)
        with pytest.raises(MoveRefused, match="accr_2, revision 1"):
            await desk.open_batch(exports)
        assert await desk.states("accr_1") == ["POSTED"]
        assert await desk.store.take_over_batches("w2", now=desk.now + HOUR, until=desk.now + 2 * HOUR) == ()
        assert len((await desk.open_batch()).members) == 1

    async def test_a_batch_is_made_of_exports_as_they_are(self, desk: Desk) -> None:
        """One that was reported since it was read, and came back, is not the one that was read."""
        await desk.see()
        await desk.post()
        [read] = await desk.store.reportable(limit=9)
        await desk.report(State.POSTED)
        with pytest.raises(MoveRefused, match="it has moved"):
            await desk.open_batch([read])

    async def test_a_batch_is_made_of_its_exports_results(self, desk: Desk) -> None:
        """In their order, one each, successes of what is posted; anything else is a mistake of the caller's."""
        await desk.see_all([{"id": "accr_1"}, {"id": "accr_2"}])
        first, second = await desk.claim()
        exports = [await desk.finish(first, Posted("JE")), await desk.finish(second, REJECTED)]
        good = (await desk.open_batch(exports[:1])).results
        lease: dict[str, Any] = {"key": "k", "now": desk.now, "until": desk.now + HOUR}
        for some, results in [([], []), (exports, good), (exports[1:], good), (exports[:1] * 2, [*good, *good])]:
            with pytest.raises(ConfigurationError):
                await desk.store.open_batch("w1", some, results, **lease)

    @pytest.mark.parametrize("after", State)
    @pytest.mark.parametrize("outcome", [Posted("JE"), REJECTED], ids=["success", "failure"])
    async def test_a_result_settles_as_what_it_was(self, desk: Desk, outcome: Any, after: State) -> None:
        """A success as reported or posted, a failure as reported or rejected; of anybody else nothing."""
        await desk.see()
        await desk.post(outcome)
        batch = await desk.open_batch()
        fits = "REPORTED POSTED" if isinstance(outcome, Posted) else "REPORTED_FAILED REJECTED"
        if after.value in fits.split():
            await desk.settle(batch, after)
            assert await desk.states() == [after.value]
        else:
            with pytest.raises(MoveRefused, match="not reported like that"):
                await desk.settle(batch, after)
        foreign = attrs.evolve(batch, members=(("accr_9", 1),))
        with pytest.raises((MoveRefused, LeaseLost)):
            await desk.settle(foreign, State.REPORTED)

    async def test_what_left_the_queue_is_not_reported(self, desk: Desk) -> None:
        """Until it is READY_FOR_EXPORT again."""
        await desk.see()
        await desk.post()
        await desk.report(State.POSTED, left_queue=True)
        assert await desk.store.reportable(limit=9) == ()
        await desk.see(version=3)
        assert len(await desk.store.reportable(limit=9)) == 1

    async def test_bills_are_reported_on_request(self, desk: Desk) -> None:
        """Brex documents no reporting of bills."""
        await desk.see(**BILL)
        await desk.post()
        assert await desk.store.reportable(limit=9) == ()
        assert len(await desk.store.reportable(limit=9, bills=True)) == 1

    async def test_a_failure_is_tried_again(self, desk: Desk) -> None:
        """The same revision and key: when due, or when it left the queue and came back."""
        await desk.see()
        await desk.post(REJECTED)
        await desk.report(State.REPORTED_FAILED, not_before=desk.now + HOUR)
        await desk.see()
        assert await desk.states() == ["REPORTED_FAILED"]
        desk.tick(HOUR)
        await desk.see()
        [claim] = await desk.claim()
        assert (claim.export.key, claim.export.attempt, claim.export.not_before) == ("accr_1.1", 2, None)
        assert (await desk.finish(claim, REJECTED)).rejections == 2
        await desk.report(State.REPORTED_FAILED)
        await desk.see(review_status="REVIEW", version=3)
        await desk.see(version=4)
        posted = await desk.post()
        assert (posted.state, posted.rejections, posted.code, posted.message) == (State.POSTED, 2, None, None)

    # Receipts

    async def test_receipts_are_attached_once(self, desk: Desk, other: Desk) -> None:
        """By one worker at a time; what failed comes again, and a new receipt is attached too."""
        await desk.see(receipts=[{"id": "r1"}])
        claiming: dict[str, Any] = {"now": desk.now, "until": desk.now + HOUR, "limit": 9}
        assert await desk.store.claim_receipts("w1", **claiming) == ()
        await desk.post()
        claiming |= {"now": desk.tick()}
        [claim] = await desk.store.claim_receipts("w1", **claiming)
        assert await other.store.claim_receipts("w2", **claiming) == ()
        later: dict[str, Any] = {"now": desk.now + HOUR, "until": desk.now + 2 * HOUR, "limit": 9}
        [again] = await other.store.claim_receipts("w2", **later)
        with pytest.raises(LeaseLost):
            await desk.store.record_attached(claim, now=desk.tick())
        export = await other.store.record_attached(again, now=later["now"])
        assert export.attached_hash == export.receipts_hash != ""
        assert await desk.store.claim_receipts("w1", **later) == ()
        await desk.see(receipts=[{"id": "r1"}, {"id": "r2"}])
        assert len(await desk.store.claim_receipts("w1", **later)) == 1
        assert await desk.states() == ["POSTED"]

    async def test_no_receipts_no_claim(self, desk: Desk) -> None:
        """A record without receipts has nothing to attach."""
        await desk.bring(State.REPORTED)
        assert await desk.store.claim_receipts("w1", now=desk.now, until=desk.now, limit=9) == ()

    # People

    @pytest.mark.parametrize("before", State)
    async def test_what_a_person_may_decide(self, desk: Desk, before: State) -> None:
        """From each state to each: the moves of ``BY_HAND``, kept with name and reason, and no others."""
        for number, after in enumerate(State):
            changed = await desk.bring(before) if number == 0 else await desk.newest()
            if before is State.SUPERSEDED:
                changed = (await desk.store.exports_of("accr_1"))[0]
            if (before, after) not in BY_HAND:
                with pytest.raises(MoveRefused, match=f"from {before} to {after}"):
                    await desk.decide(after, changed.revision)
                assert (await desk.store.exports_of("accr_1"))[changed.revision - 1] == changed

    @pytest.mark.parametrize(("before", "after"), sorted(BY_HAND))
    async def test_each_decision(self, desk: Desk, before: State, after: State) -> None:
        """It is made, and the history says by whom and why."""
        export = await desk.bring(before)
        decided = await desk.decide(after, export.revision)
        assert decided.state is after
        assert (decided.reference_id == "JE-by-hand") is (after is State.POSTED)
        assert decided.supersedes == ("accr_1.1" if (before, after) == (State.HELD, State.POSTED) else None)
        line = (await desk.store.history("accr_1"))[-1]
        assert (line.before, line.after, line.by) == (before, after, "Ann")
        assert line.why.endswith(": found out")

    @pytest.mark.parametrize("words", [{"why": ""}, {"why": " "}, {"by": ""}])
    async def test_a_decision_needs_a_name_and_a_reason(self, desk: Desk, words: dict[str, Any]) -> None:
        """Both are kept, so neither may be missing."""
        await desk.bring(State.SKIPPED)
        with pytest.raises(ConfigurationError, match="required"):
            await desk.store.decide(
                "accr_1", 1, State.DISCOVERED, **({"why": "w", "by": "Ann"} | words), now=desk.tick()
            )

    async def test_a_decision_says_what_was_found(self, desk: Desk) -> None:
        """A document for POSTED, words for the customer for REJECTED, nothing for the rest."""
        await desk.bring(State.UNCONFIRMED)
        words: dict[str, Any] = {"why": "w", "by": "Ann", "now": desk.tick()}
        for after, outcome in [
            *((State.POSTED, None), (State.POSTED, REJECTED), (State.REJECTED, Posted("JE"))),
            (State.DISCOVERED, Posted("JE")),
        ]:
            with pytest.raises(ConfigurationError):
                await desk.store.decide("accr_1", 1, after, outcome=outcome, **words)
        with pytest.raises(MoveRefused, match="no revision 2"):
            await desk.store.decide("accr_1", 2, State.DISCOVERED, **words)

    # Reading

    async def test_reading_in_pieces(self, desk: Desk) -> None:
        """Exports and history come in order, each once, from where the reader stands."""
        await desk.see_all([{"id": f"accr_{number}"} for number in range(7)])
        [claim] = await desk.claim(1)
        await desk.finish(claim, Posted("JE"))
        read, after = [], 0
        while some := await desk.store.exports([State.DISCOVERED], after=after, limit=2):
            read += [one.record_id for one in some]
            after = some[-1].order
        assert read == [f"accr_{number}" for number in range(1, 7)]
        assert (await desk.store.counts()).by_state == {State.DISCOVERED: 6, State.POSTED: 1}
        assert [line.after for line in await desk.store.history("accr_0")] == [
            *(State.DISCOVERED, State.INTENT, State.POSTED)
        ]
        assert await desk.store.exports([], limit=9) == ()

    # Moves

    @pytest.mark.parametrize(("before", "after"), sorted(MOVES))
    async def test_every_move_can_be_made(self, desk: Desk, before: State, after: State) -> None:
        """Through the methods of a store each of ``MOVES`` is reached, and the history holds it."""
        export = await desk.bring(before)
        await make_move(desk, before, after)
        made = [(line.before, line.after) for line in await desk.store.history("accr_1")]
        assert (before, after) in made
        assert await replayed(desk.store) == await current(desk.store)
        states = [one.state for one in await desk.store.exports_of("accr_1")][export.revision - 1 :]
        assert after in states

    # Several processes

    async def test_claims_of_several_processes_never_overlap(
        self, forks: Forks, desk: Desk, opening: list[str]
    ) -> None:
        """Four processes claim 120 exports until none is left: each is claimed by one of them."""
        await desk.see_all([{"id": f"accr_{number}"} for number in range(120)])
        workers = [
            await forks.start("claim", f"p{number}", *opening, module="tests.sync.worker") for number in range(4)
        ]
        outputs = [(await worker.communicate())[0].decode().split() for worker in workers]
        assert [worker.returncode for worker in workers] == [0] * 4
        claimed = [one for output in outputs for one in output]
        assert sorted(claimed) == sorted(f"accr_{number}.1" for number in range(120))
        moves = [line for line in await desk.store.history() if line.after is State.INTENT]
        assert len(moves) == 120

    async def test_a_cancelled_caller_leaves_whole_transactions(self, desk: Desk) -> None:
        """Calls cancelled at every turn of the loop are either made, history and all, or not begun."""
        await desk.see_all([{"id": f"accr_{number}"} for number in range(30)])
        for turns in range(30):
            task = asyncio.create_task(desk.claim(1))
            for _ in range(turns // 3):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        # What has begun comes to its end in its own time, and closing waits for it.
        await desk.store.close()
        await desk.store.open(now=desk.now)
        assert await replayed(desk.store) == await current(desk.store)
        for state, attempts in (("DISCOVERED", 0), ("INTENT", 1)):
            assert {one.attempt for one in await desk.store.exports([State(state)])} <= {attempts}
