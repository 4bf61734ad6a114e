"""Random workers, people and crashes at a store, beside a model of what it must say."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from brex_accounting import LeaseLost, MoveRefused
from brex_accounting.sync.exports import Batch, Claim, Judgement, Settlement
from brex_accounting.sync.poster import NotNow, Outcome, Posted, Rejected, Skipped
from brex_accounting.sync.sqlite import SqliteStore
from brex_accounting.sync.states import BEGINNINGS, BY_HAND, MOVES, REPLACEABLE, UNDER_WAY, State
from brex_accounting.sync.store import SyncStore

from .desk import BILL, BINDING, REJECTED, START, Desk, current, replayed

T = TypeVar("T")
RECORDS = ("accr_0", "accr_1", "accr_2", "accr_3")
OUTCOMES: list[Outcome] = [
    Posted("JE"),
    REJECTED,
    Skipped("no"),
    NotNow("down"),
    NotNow("down", timedelta(minutes=3)),
]
# Records 0 and 1 share a source; 3 is a bill.
BY_HAND_FROM = {before for before, _ in BY_HAND}
SOURCES = {"accr_0": "expense_1", "accr_1": "expense_1"}


@attrs.define
class Row:
    """What the model knows of one revision."""

    record_id: str
    revision: int
    state: State
    order: int
    attempt: int = 0
    owner: str = ""
    epoch: int = 0
    until: datetime = START
    has_document: bool = False
    left_queue: bool = False
    not_before: datetime | None = None
    batch: int | None = None


def in_turn(rows: list[Row]) -> list[Row]:
    """The turns of these records are in the order of their ids."""
    return sorted(rows, key=lambda row: (row.record_id, row.revision))


@attrs.define
class Model:
    """The rules of a store, on plain lists."""

    rows: list[Row] = attrs.field(factory=list)
    batches: dict[int, tuple[str, int, datetime]] = attrs.field(factory=dict)
    not_now: int = 0
    paused: bool = False

    def of(self, record_id: str) -> list[Row]:
        return [row for row in self.rows if row.record_id == record_id]

    def is_newest(self, row: Row) -> bool:
        return self.of(row.record_id)[-1] is row

    def give_way(self) -> None:
        for row in self.rows:
            if row.state in REPLACEABLE and not self.is_newest(row):
                row.state = State.SUPERSEDED

    def judged(self, record_id: str, judgement: Judgement) -> None:
        rows = self.of(record_id)
        if judgement.left_queue is not None:
            rows[-1].left_queue = judgement.left_queue
        if judgement.move is not None:
            assert (rows[-1].state, judgement.move) in MOVES
            rows[-1].state = judgement.move
            if judgement.move is State.DISCOVERED:
                rows[-1].not_before = None
        if judgement.begin is not None:
            assert judgement.begin in BEGINNINGS
            self.rows.append(Row(record_id, len(rows) + 1, judgement.begin, len(self.rows) + 1))

    def is_due(self, row: Row, now: datetime) -> bool:
        if row.state is not State.DISCOVERED or not self.is_newest(row):
            return False
        if row.not_before is not None and row.not_before > now:
            return False
        if any(one.state in UNDER_WAY for one in self.of(row.record_id)[:-1]):
            return False
        source = SOURCES.get(row.record_id)
        others = [one for one in self.rows if source and SOURCES.get(one.record_id) == source]
        return not any(
            one.record_id != row.record_id
            and (
                one.state is State.INTENT
                or (one.state in (State.DISCOVERED, State.UNCONFIRMED) and one.record_id < row.record_id)
            )
            for one in others
        )

    def claimed(self, rows: list[Row], owner: str, until: datetime) -> list[tuple[str, int, int]]:
        if self.paused:
            return []
        for row in rows:
            row.state, row.attempt, row.epoch = State.INTENT, row.attempt + 1, row.epoch + 1
            row.owner, row.until, row.not_before = owner, until, None
        return [(row.record_id, row.revision, row.epoch) for row in rows]

    def holds(self, claim: Claim) -> Row | None:
        row = self.of(claim.export.record_id)[claim.export.revision - 1]
        mine = (row.owner, row.epoch) == (claim.lease.owner, claim.lease.epoch)
        return row if mine and row.state is State.INTENT else None

    def finished(self, row: Row, outcome: Outcome, now: datetime) -> None:
        self.not_now = self.not_now + 1 if isinstance(outcome, NotNow) else 0
        row.until = now
        if isinstance(outcome, Posted):
            row.state, row.has_document = State.POSTED, True
        elif isinstance(outcome, Rejected):
            row.state = State.REJECTED
        elif isinstance(outcome, Skipped):
            row.state = State.SKIPPED
        else:
            row.state = State.DISCOVERED
            row.not_before = now + outcome.after if outcome.after else None
        self.give_way()

    def reportable(self) -> list[Row]:
        return [
            row
            for row in self.rows
            if row.state in (State.POSTED, State.REJECTED) and not row.left_queue and self.is_newest(row)
        ]


class StoreMachine(RuleBasedStateMachine):
    """Rules for any store; ``make`` gives another one on the same data."""

    def make(self) -> SyncStore:
        raise NotImplementedError

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.model = Model()
        self.desk = Desk(self.make())
        self.claims: list[Claim] = []
        self.batches: list[Batch] = []
        self.versions = dict.fromkeys(RECORDS, 2)
        self.run(self.desk.store.open(BINDING, now=START))
        for record_id in RECORDS:
            self.see(record_id, "a", "READY_FOR_EXPORT", False, "2026-06-11T00:00:00Z")

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.run(self.desk.store.close())
            self.runner.close()

    @rule(
        record_id=st.sampled_from(RECORDS),
        memo=st.sampled_from(["a", "b"]),
        status=st.sampled_from(["READY_FOR_EXPORT", "READY_FOR_EXPORT", "PREPARE", "EXPORTED"]),
        is_newer=st.booleans(),
        day=st.sampled_from(["2026-06-11T00:00:00Z", "2026-06-11T00:00:00Z", "2026-05-11T00:00:00Z"]),
    )
    def see(self, record_id: str, memo: str, status: str, is_newer: bool, day: str) -> None:
        self.versions[record_id] += is_newer
        kind = BILL | {"status": "VOID" if status == "PREPARE" else "APPROVED"} if record_id == RECORDS[3] else {}
        document: dict[str, Any] = {
            "memo": memo,
            "review_status": status,
            "version": self.versions[record_id],
            "erp_posting_date": day,
            "source_id": SOURCES.get(record_id),
        }
        self.model.judged(record_id, self.run(self.desk.see(record_id, **(document | kind))))

    @rule(record_id=st.sampled_from(RECORDS))
    def miss(self, record_id: str) -> None:
        [judgement] = self.run(self.desk.miss(record_id))
        self.model.judged(record_id, judgement)

    @rule(minutes=st.sampled_from([1, 5, 60]))
    def wait(self, minutes: int) -> None:
        self.desk.tick(timedelta(minutes=minutes))

    @rule(owner=st.sampled_from(["w1", "w2"]), limit=st.integers(1, 3))
    def claim(self, owner: str, limit: int) -> None:
        self.desk.owner = owner
        now = self.desk.now + timedelta(seconds=1)
        due = [row for row in self.model.rows if self.model.is_due(row, now)]
        expected = self.model.claimed(in_turn(due)[:limit], owner, now + self.desk.lease)
        claims = self.run(self.desk.claim(limit))
        assert [(one.export.record_id, one.export.revision, one.lease.epoch) for one in claims] == expected
        for one in claims:
            before = self.model.of(one.export.record_id)[: one.export.revision - 1]
            documents = [f"{row.record_id}.{row.revision}" for row in before if row.has_document]
            assert one.export.supersedes == (documents[-1] if documents else None)
        self.claims += claims

    @rule(owner=st.sampled_from(["w1", "w2"]))
    def take_over(self, owner: str) -> None:
        self.desk.owner = owner
        now = self.desk.now + timedelta(seconds=1)
        ended = [row for row in self.model.rows if row.state is State.INTENT and row.until <= now]
        expected = self.model.claimed(in_turn(ended), owner, now + self.desk.lease)
        claims = self.run(self.desk.take_over())
        assert [(one.export.record_id, one.export.revision, one.lease.epoch) for one in claims] == expected
        self.claims += claims

    # Whole stretches as rules of their own: left to single steps, chance rarely gets far.

    @rule(outcome=st.sampled_from(OUTCOMES))
    def post(self, outcome: Outcome) -> None:
        self.claim("w1", 2)
        for claim in self.claims[-2:]:
            if self.model.holds(claim):
                self.finish_one(claim, outcome)

    @rule(taken=st.booleans(), left=st.sampled_from([None, True, False]))
    def report(self, taken: bool, left: bool | None) -> None:
        self.open_batch()
        if self.batches:
            batch = self.batches[-1]
            for success in (True, False):
                after = (State.REPORTED if taken else State.POSTED) if success else State.REPORTED_FAILED
                after = State.REJECTED if after is State.REPORTED_FAILED and not taken else after
                rows = [self.model.of(record_id)[revision - 1] for record_id, revision in batch.members]
                some = [row for row in rows if row.has_document is success and row.batch == batch.id]
                if some:
                    self.settle_rows(batch, some, after, left)

    @precondition(lambda self: any(row.state in BY_HAND_FROM for row in self.model.rows))
    @rule(data=st.data())
    def decide_well(self, data: st.DataObject) -> None:
        choices = [(row, after) for row in self.model.rows for before, after in sorted(BY_HAND) if before is row.state]
        self.decide_one(*data.draw(st.sampled_from(choices)))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def finish(self, data: st.DataObject, outcome: Outcome) -> None:
        self.finish_one(data.draw(st.sampled_from(self.claims)), outcome)

    def finish_one(self, claim: Claim, outcome: Outcome) -> None:
        row = self.model.holds(claim)
        try:
            self.run(self.desk.finish(claim, outcome))
        except LeaseLost:
            assert row is None
        else:
            assert row is not None
            self.model.finished(row, outcome, self.desk.now)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), renewing=st.booleans())
    def park_or_renew(self, data: st.DataObject, renewing: bool) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        row = self.model.holds(claim)
        until = self.desk.now + timedelta(minutes=7)
        if renewing and row is None:
            return
        try:
            if renewing:
                self.run(self.desk.store.renew(claim, now=self.desk.now, until=until))
            else:
                self.run(self.desk.park(claim))
        except LeaseLost:
            assert row is None
        else:
            assert row is not None
            row.state, row.until = (State.INTENT, until) if renewing else (State.UNCONFIRMED, self.desk.now)

    @rule()
    def open_batch(self) -> None:
        rows = self.model.reportable()
        exports = self.run(self.desk.store.reportable(limit=9, bills=True))
        assert [(one.record_id, one.revision) for one in exports] == [(row.record_id, row.revision) for row in rows]
        if rows:
            batch = self.run(self.desk.open_batch(exports, key=f"key-{len(self.model.batches)}"))
            self.model.batches[batch.id] = (self.desk.owner, 1, batch.lease.until)
            for row in rows:
                row.state, row.batch = State.REPORTING, batch.id
            self.batches.append(batch)

    @rule(owner=st.sampled_from(["w1", "w2"]))
    def take_over_batches(self, owner: str) -> None:
        now = self.desk.tick()
        until = now + self.desk.lease
        ended = [number for number, (_, _, end) in self.model.batches.items() if end <= now]
        batches = self.run(self.desk.store.take_over_batches(owner, now=now, until=until, limit=9))
        assert [one.id for one in batches] == ended
        for number in ended:
            self.model.batches[number] = (owner, self.model.batches[number][1] + 1, until)
        self.batches += batches

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), after=st.sampled_from(State), some=st.booleans(), left=st.sampled_from([None, True, False]))
    def settle(self, data: st.DataObject, after: State, some: bool, left: bool | None) -> None:
        batch = data.draw(st.sampled_from(self.batches))
        members = batch.members[:1] if some else batch.members
        rows = [self.model.of(record_id)[revision - 1] for record_id, revision in members]
        self.settle_rows(batch, rows, after, left)

    def settle_rows(self, batch: Batch, rows: list[Row], after: State, left: bool | None) -> None:
        held = self.model.batches.get(batch.id, ("", 0, START))[:2] == (batch.lease.owner, batch.lease.epoch)
        fits = {True: (State.REPORTED, State.POSTED), False: (State.REPORTED_FAILED, State.REJECTED)}
        settlements = [Settlement(record_id=row.record_id, after=after, left_queue=left) for row in rows]
        allowed = all(row.batch == batch.id and after in fits[row.has_document] for row in rows)
        try:
            rest = self.run(self.desk.store.settle(batch, settlements, now=self.desk.tick()))
        except LeaseLost:
            assert not held
            return
        except MoveRefused:
            assert held
            assert not allowed
            return
        assert held
        assert allowed
        for row in rows:
            row.state, row.batch, row.not_before = after, None, None
            row.left_queue = row.left_queue if left is None else left
        self.model.give_way()
        assert (rest is None) is not any(row.batch == batch.id for row in self.model.rows)
        if rest is None:
            del self.model.batches[batch.id]

    @rule(data=st.data(), after=st.sampled_from(State))
    def decide(self, data: st.DataObject, after: State) -> None:
        if not self.model.rows:
            return
        self.decide_one(data.draw(st.sampled_from(self.model.rows)), after)

    def decide_one(self, row: Row, after: State) -> None:
        allowed = (row.state, after) in BY_HAND
        try:
            self.run(self.desk.decide(after, row.revision, row.record_id))
        except MoveRefused:
            assert not allowed
        else:
            assert allowed
            row.state, row.not_before = after, None
            row.has_document = row.has_document or after is State.POSTED
            self.model.give_way()

    @rule(pausing=st.booleans())
    def pause_or_resume(self, pausing: bool) -> None:
        if pausing:
            self.run(self.desk.store.pause("r", code="", by="Ann", now=self.desk.tick()))
        else:
            self.run(self.desk.store.resume(by="Ann", why="w", now=self.desk.tick()))
            self.model.not_now = 0
        self.model.paused = pausing

    @rule()
    def restart(self) -> None:
        """Another process goes on: nothing was remembered outside of the store."""
        self.run(self.desk.store.close())
        self.desk.store = self.make()
        self.run(self.desk.store.open(BINDING, now=self.desk.now))

    @invariant()
    def the_store_is_as_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        expected = {(row.record_id, row.revision): row for row in self.model.rows}
        assert self.run(current(self.desk.store)) == {one: row.state for one, row in expected.items()}
        assert self.run(replayed(self.desk.store)) == {one: row.state for one, row in expected.items()}
        for record_id in RECORDS:
            for export in self.run(self.desk.store.exports_of(record_id)):
                row = expected[record_id, export.revision]
                assert (export.attempt, export.left_queue, export.batch, export.not_before) == (
                    *(row.attempt, row.left_queue, row.batch),
                    row.not_before,
                )
                assert (export.reference_id is not None) is row.has_document
        counts = self.run(self.desk.store.counts())
        assert counts.not_now == self.model.not_now
        assert counts.by_state == Counter(row.state for row in self.model.rows)
        documents = [row for row in self.model.rows if row.state is State.POSTED and not row.left_queue]
        waiting = sum(row.record_id != RECORDS[3] for row in documents)
        assert counts.unreported == waiting + counts.by_state.get(State.REPORTING, 0)

    @invariant()
    def every_line_of_the_history_is_a_move(self) -> None:
        if not hasattr(self, "model"):
            return
        for line in self.run(self.desk.store.history(limit=10_000)):
            assert line.after in BEGINNINGS if line.before is None else (line.before, line.after) in MOVES

    @invariant()
    def only_the_newest_revision_can_be_posted(self) -> None:
        if hasattr(self, "model"):
            older = [row.state for row in self.model.rows if not self.model.is_newest(row)]
            assert not set(older) & REPLACEABLE


class SqliteMachine(StoreMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()

    def make(self) -> SyncStore:
        return SqliteStore(Path(self.folder.name) / "exports.db")

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


BUSY = settings(deadline=None, stateful_step_count=50, suppress_health_check=list(HealthCheck))


class SqliteMachineAtLength(SqliteMachine):
    """The same, for longer."""


TestSqliteMachine = SqliteMachine.TestCase
TestSqliteMachine.settings = settings(BUSY, max_examples=15)
TestAtLength = pytest.mark.slow(SqliteMachineAtLength.TestCase)
TestAtLength.settings = settings(BUSY, max_examples=150)
