"""A worker at a store: each call a second after the one before, on the server's clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Protocol

import attrs

from brex_accounting import AccountingRecord, ExportFailure, ExportSuccess, from_json, to_json
from brex_accounting.enums import ReviewStatus
from brex_accounting.models import ExportResult
from brex_accounting.sync.content import content_hash
from brex_accounting.sync.exports import Batch, Binding, Claim, Copy, Export, Feed, Judgement, Settlement
from brex_accounting.sync.plan import copy_of, judge, judge_absence
from brex_accounting.sync.poster import NotNow, Outcome, Posted, Rejected, Skipped
from brex_accounting.sync.states import BY_HAND, State
from brex_accounting.sync.store import SyncStore

from ..unit.documents import encoded, record

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
POST_FROM = date(2026, 6, 1)
BINDING = Binding(company="cuacc_1", vendor="acme", vendor_account_id="books-1")
BILL: dict[str, Any] = {"source_type": "BILL", "type": "BILL_EXPENSE"}
REJECTED = Rejected("CLOSED_PERIOD", "June is closed: set a date in July.")
SECOND = timedelta(seconds=1)


def rehash(export: Export) -> str:
    return content_hash(from_json(export.body, AccountingRecord))


class MakeStore(Protocol):
    """Another store on the same data, not opened yet."""

    def __call__(self) -> SyncStore: ...


@attrs.define
class Desk:
    store: SyncStore
    owner: str = "w1"
    now: datetime = START
    lease: timedelta = timedelta(minutes=5)

    def tick(self, by: timedelta = SECOND) -> datetime:
        self.now += by
        return self.now

    async def see(self, record_id: str = "accr_1", *, feed: Feed | None = None, **changes: Any) -> Judgement:
        [judgement] = await self.see_all([{"id": record_id} | changes], feed=feed)
        return judgement

    async def see_all(self, documents: Sequence[dict[str, Any]], *, feed: Feed | None = None) -> tuple[Judgement, ...]:
        now = self.tick()
        ready = {"review_status": "READY_FOR_EXPORT"}
        records = [from_json(encoded(record(**(ready | one))), AccountingRecord) for one in documents]
        copies = [copy_of(one, to_json(one), read_at=now) for one in records]
        judging = partial(judge, post_from=POST_FROM, rehash=rehash)
        return await self.store.record_seen(copies, judging, now=self.tick(), feed=feed)

    async def miss(self, *record_ids: str) -> tuple[Judgement, ...]:
        return await self.store.record_absent(record_ids, judge_absence, now=self.tick())

    async def claim(self, limit: int = 100, *, read_since: datetime = START) -> tuple[Claim, ...]:
        now = self.tick()
        return await self.store.claim(self.owner, now=now, until=now + self.lease, read_since=read_since, limit=limit)

    async def take_over(self, limit: int = 100) -> tuple[Claim, ...]:
        now = self.tick()
        return await self.store.take_over(self.owner, now=now, until=now + self.lease, limit=limit)

    async def finish(self, claim: Claim, outcome: Outcome, detail: str = "") -> Export:
        return await self.store.record_outcome(claim, outcome, now=self.tick(), detail=detail)

    async def park(self, claim: Claim) -> Export:
        return await self.store.park(claim, why="the answer was lost", now=self.tick())

    async def post(self, outcome: Outcome | None = None) -> Export:
        """Claim one and finish it."""
        [claim] = await self.claim(1)
        return await self.finish(claim, outcome or Posted(f"JE-{claim.export.key}"))

    async def open_batch(self, exports: Sequence[Export] | None = None, key: str = "batch-1") -> Batch:
        if exports is None:
            exports = await self.store.reportable(limit=100, bills=True)
        now = self.tick()
        results = [result_of(one) for one in exports]
        return await self.store.open_batch(self.owner, exports, results, key=key, now=now, until=now + self.lease)

    async def settle(self, batch: Batch, after: State, **changes: Any) -> Batch | None:
        settlements = [Settlement(record_id=one, after=after, **changes) for one, _ in batch.members]
        return await self.store.settle(batch, settlements, now=self.tick())

    async def report(self, after: State, **changes: Any) -> None:
        assert await self.settle(await self.open_batch(), after, **changes) is None

    async def decide(self, after: State, revision: int = 1, record_id: str = "accr_1") -> Export:
        found: dict[State, Posted | Rejected] = {State.POSTED: Posted("JE-by-hand"), State.REJECTED: REJECTED}
        outcome = found.get(after)
        return await self.store.decide(
            record_id, revision, after, why="found out", by="Ann", now=self.tick(), outcome=outcome
        )

    async def states(self, record_id: str = "accr_1") -> list[str]:
        return [one.state.value for one in await self.store.exports_of(record_id)]

    async def newest(self, record_id: str = "accr_1") -> Export:
        return (await self.store.exports_of(record_id))[-1]

    async def bring(self, state: State) -> Export:
        """The record accr_1 into a state, as its newest revision (SUPERSEDED: as the one before)."""
        await PATHS[state](self)
        found = await self.store.exports_of("accr_1")
        one = found[-2] if state is State.SUPERSEDED else found[-1]
        assert one.state is state
        return one


def result_of(export: Export) -> ExportResult:
    if export.state is State.POSTED:
        return ExportSuccess(accounting_record_id=export.record_id, reference_id=export.reference_id)
    return ExportFailure(accounting_record_id=export.record_id, error_message=export.message or "")


async def _discovered(desk: Desk) -> None:
    await desk.see()


async def _intent(desk: Desk) -> None:
    await desk.see()
    await desk.claim()


async def _posted(desk: Desk) -> None:
    await desk.see()
    await desk.post()


async def _rejected(desk: Desk) -> None:
    await desk.see()
    await desk.post(REJECTED)


async def _reporting(desk: Desk) -> None:
    await _posted(desk)
    await desk.open_batch()


async def _reported(desk: Desk) -> None:
    await _posted(desk)
    await desk.report(State.REPORTED)


async def _reported_failed(desk: Desk) -> None:
    await _rejected(desk)
    await desk.report(State.REPORTED_FAILED)


async def _unconfirmed(desk: Desk) -> None:
    await desk.see()
    [claim] = await desk.claim()
    await desk.park(claim)


async def _skipped(desk: Desk) -> None:
    await desk.see()
    await desk.post(Skipped("booked by the bank feed"))


async def _out_of_scope(desk: Desk) -> None:
    await desk.see(erp_posting_date="2026-05-31T00:00:00Z")


async def _held(desk: Desk) -> None:
    await _reported(desk)
    await desk.see(memo="changed", version=3, review_status="EXPORTED")


async def _withdrawn(desk: Desk) -> None:
    await desk.see()
    await desk.see(review_status="PREPARE", version=3)


async def _superseded(desk: Desk) -> None:
    await desk.see()
    await desk.see(memo="changed", version=3)


PATHS = {
    State.DISCOVERED: _discovered,
    State.INTENT: _intent,
    State.POSTED: _posted,
    State.REJECTED: _rejected,
    State.REPORTING: _reporting,
    State.REPORTED: _reported,
    State.REPORTED_FAILED: _reported_failed,
    State.UNCONFIRMED: _unconfirmed,
    State.SKIPPED: _skipped,
    State.OUT_OF_SCOPE: _out_of_scope,
    State.HELD: _held,
    State.WITHDRAWN: _withdrawn,
    State.SUPERSEDED: _superseded,
}


async def make_move(desk: Desk, before: State, after: State) -> None:
    """The record accr_1, which is in ``before``, to ``after``."""
    if (before, after) in BY_HAND:
        await desk.decide(after, (await desk.newest()).revision)
    elif after is State.SUPERSEDED:
        await desk.see(memo="changed again", version=9, review_status=OFFERED.get(before, "READY_FOR_EXPORT"))
    elif before is State.INTENT:
        await _leave_intent(desk, after)
    elif before is State.REPORTING:
        await _settled(desk, after)
    elif after is State.REPORTING:
        await desk.open_batch()
    elif after is State.INTENT:
        await desk.claim()
    else:
        await desk.see(version=9, review_status="PREPARE" if after is State.WITHDRAWN else "READY_FOR_EXPORT")


OFFERED = {State.HELD: "EXPORTED"}


async def _leave_intent(desk: Desk, after: State) -> None:
    desk.tick(timedelta(hours=1))
    [claim] = await desk.take_over()
    outcomes: dict[State, Outcome] = {
        State.POSTED: Posted("JE-1"),
        State.REJECTED: REJECTED,
        State.SKIPPED: Skipped("no"),
        State.DISCOVERED: NOT_NOW,
    }
    if after in outcomes:
        await desk.finish(claim, outcomes[after])
    elif after is State.UNCONFIRMED:
        await desk.park(claim)


async def _settled(desk: Desk, after: State) -> None:
    if after in (State.REPORTED_FAILED, State.REJECTED):
        # bring() put a success into the batch.
        await desk.see("accr_1", memo="of a failure", version=8)
        await desk.settle(await _batch(desk), State.POSTED)
        await desk.post(REJECTED)
        await desk.report(after)
    else:
        await desk.settle(await _batch(desk), after)


async def _batch(desk: Desk) -> Batch:
    desk.tick(timedelta(hours=1))
    [batch] = await desk.store.take_over_batches(desk.owner, now=desk.now, until=desk.now + desk.lease)
    return batch


NOT_NOW = NotNow("down for maintenance", timedelta(minutes=10))


def copy_again(export: Export) -> Copy:
    """A copy as the export was made of."""
    shared = {field.name: getattr(export, field.name) for field in attrs.fields(Copy) if hasattr(export, field.name)}
    return Copy(**shared, review_status=ReviewStatus.READY_FOR_EXPORT)


async def replayed(store: SyncStore) -> dict[tuple[str, int], State]:
    """The states that the history alone leads to; each of its lines must follow from those before."""
    states: dict[tuple[str, int], State] = {}
    after = 0
    while lines := await store.history(after=after, limit=50):
        for line in lines:
            one = (line.record_id, line.revision)
            assert states.get(one) is line.before
            assert line.why
            assert line.by
            states[one] = line.after
            after = line.number
    return states


async def current(store: SyncStore) -> dict[tuple[str, int], State]:
    """The states as they are."""
    states: dict[tuple[str, int], State] = {}
    after = 0
    while exports := await store.exports(tuple(State), after=after, limit=50):
        states |= {(one.record_id, one.revision): one.state for one in exports}
        after = exports[-1].order
    return states
