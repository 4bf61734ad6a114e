"""One company in a model world: Brex, books, a store, two workers and a person; and what must hold of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar, cast

import attrs

from brex_accounting import BrexAccounting, BrexError, ExportSuccess
from brex_accounting.errors import StoreError
from brex_accounting.models import ExportResult
from brex_accounting.sync import ExportSync, SqliteStore
from brex_accounting.sync.exports import ENGINE, Claim, Export, Move
from brex_accounting.sync.plan import OVERLAP
from brex_accounting.sync.poster import Posted, Poster, Rejected
from brex_accounting.sync.reading import FRESH
from brex_accounting.sync.states import BEGINNINGS, BY_HAND, MOVES, OPEN, State
from brex_accounting.sync.store import SyncStore

from .desk import BINDING
from .world_books import Books, BooksPoster
from .world_brex import Account, Brex, BrexClient, content_of, record_of
from .world_time import LEASE, START, Gate, Time, Worker, release

P = ParamSpec("P")
T = TypeVar("T")

REFUSED = (State.REJECTED, State.REPORTED_FAILED)
POST_FROM = date(2026, 6, 1)
SINCE = START - timedelta(days=30)
DAY = timedelta(days=1, minutes=11)
BY_A_PERSON = BY_HAND - {(State.DISCOVERED, State.SKIPPED), *((before, State.DISCOVERED) for before in REFUSED)}
"""What the engine never does by itself."""
WAITS_FOR_A_PERSON = frozenset({State.UNCONFIRMED, State.HELD, State.SKIPPED, State.OUT_OF_SCOPE})
BY_CLAIM = frozenset({"record_outcome", "park", "renew", "record_attached"})


def written(memo: str) -> dict[str, Any]:
    """The contents of a record; those of May are out of scope."""
    return {"memo": memo, "day": "2026-05-11" if memo == "of May" else "2026-06-11"}


class AtOnce(ThreadPoolExecutor):
    """No thread: whatever is submitted was done when this returns, so that a walk is the same each time."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as an executor does it
            future.set_exception(error)
        return future


def store_at(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    store._database._thread = AtOnce(max_workers=1)
    return store


@attrs.define(eq=False)
class WatchedStore:
    """A worker's store: each call at its turn, and held against what the store itself says right before it."""

    company: Company
    gate: Gate
    inner: SqliteStore

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        if name == "close":
            return method

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self.gate.through(name, partial(self._watched, name, partial(method, *args, **kwargs), args))

        return call

    async def _watched(self, name: str, call: partial[Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        company = self.company
        if name in ("claim", "take_over", "take_over_batches"):
            await company.deliver()
            paused = await self.inner.paused()
            result = await call()
            if result and paused and name != "take_over_batches":
                company.problems.append(f"{name} while paused")
            if name == "claim":
                company.problems.extend(company.claimed_too_late(result, call.keywords["now"]))
        elif name in BY_CLAIM:
            held = await self.inner.lease_of(args[0].export.record_id, args[0].export.revision)
            result = await self._fenced(name, call, held is None or held.epoch != args[0].lease.epoch)
        elif name in ("settle", "renew_batch"):
            stale = company.batches[args[0].id] != args[0].lease.epoch
            result = await self._fenced(name, call, stale)
        else:
            result = await call()
        self._remember(name, result)
        return result

    async def _fenced(self, name: str, call: Callable[[], Awaitable[Any]], stale: bool) -> Any:
        result = await call()
        if stale:
            self.company.problems.append(f"{name} under a lease that was lost")
        return result

    def _remember(self, name: str, result: Any) -> None:
        if name in ("claim", "take_over", "renew"):
            for claim in result if isinstance(result, tuple) else (result,):
                books, key = self.company.books, claim.export.key
                books.held_until[key] = claim.lease.until
                (books.renewed.add if name == "renew" else books.renewed.discard)(key)
        elif name in ("open_batch", "take_over_batches", "renew_batch"):
            for batch in result if isinstance(result, tuple) else (result,):
                self.company.batches[batch.id] = batch.lease.epoch
                self.company.batch_until[batch.lease.owner] = batch.lease.until


@attrs.define(eq=False)
class Company:
    """The world. ``problems`` is what must never happen and did; ``check`` and ``calm`` look for more."""

    path: Path
    recovery: str
    shrinks: bool
    parallel: int
    time: Time = attrs.field(factory=Time)
    books: Books = attrs.field(init=False)
    brex: Brex = attrs.field(init=False)
    observer: SqliteStore = attrs.field(init=False)
    workers: dict[str, Worker] = attrs.field(factory=dict)
    stores: list[SqliteStore] = attrs.field(factory=list)
    batches: dict[int, int] = attrs.field(factory=dict)
    batch_until: dict[str, Any] = attrs.field(factory=dict)
    problems: list[str] = attrs.field(factory=list)
    moves: list[Move] = attrs.field(factory=list)
    states: dict[tuple[str, int], State] = attrs.field(factory=dict)
    starts: int = 0

    def __attrs_post_init__(self) -> None:
        self.books = Books(self.time, self.recovery, problems=self.problems)
        self.brex = Brex(self.time, self.reported, shrinks=self.shrinks)
        self.observer = store_at(self.path)

    async def __aenter__(self) -> Self:
        await self.observer.open(BINDING, now=self.time.now)
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self.workers.values():
            await worker.kill(done=False)
        for store in (*self.stores, self.observer):
            await store.close()

    # Workers

    def worker(self, name: str) -> Worker:
        if name not in self.workers:
            self.starts += 1
            gate = Gate(f"{name}-{self.starts}", self.time)
            store = store_at(self.path)
            self.stores.append(store)
            sync = ExportSync(
                cast(BrexAccounting, BrexClient(gate, self.brex)),
                cast(Poster, BooksPoster(gate, self.books)),
                store=cast(SyncStore, WatchedStore(self, gate, store)),
                post_from=POST_FROM,
                company=BINDING.company,
                vendor=BINDING.vendor,
                vendor_account_id=BINDING.vendor_account_id,
                since=SINCE,
                parallel=self.parallel,
                lease=LEASE,
                owner=gate.owner,
                clock=gate,
            )
            self.workers[name] = Worker(gate, sync.run_once)
        return self.workers[name]

    async def step(self, name: str, turns: int, choose: Callable[[int], int]) -> bool:
        try:
            return await self.worker(name).step(turns, choose)
        except StoreError:
            raise
        except BrexError:
            return True

    async def until(self, name: str, where: str) -> bool:
        """Up to the next boundary of this name."""
        try:
            return await self.worker(name).until(where)
        except StoreError:
            raise
        except BrexError:
            return True

    async def poll(self, name: str) -> None:
        """A whole run, or the rest of one."""
        await self.step(name, 20_000, lambda _: 0)
        assert self.worker(name).run is None, "a run that does not end"

    async def kill(self, name: str, *, done: bool) -> None:
        if name in self.workers:
            await self.workers.pop(name).kill(done=done)

    # The customer

    def customer(self, record_id: str, memo: str | None, what: str) -> None:
        """A record is new, or: "write", perhaps seen "write late"r than it says; "press" Export, with other
        contents when ``memo`` tells some; "take back"; another "receipt". What makes no sense does nothing.
        """
        there = self.brex.accounts.get(record_id)
        if there is None:
            self._new(record_id, memo or "a")
        elif what == "press" and not there.is_bill and not there.is_ready:
            self.brex.change(record_id, review_status="READY_FOR_EXPORT", **written(memo or there.memo))
        elif what in ("write", "write late", "press"):
            late = timedelta(seconds=590 if what == "write late" else 0)
            self.brex.change(record_id, at=self.time.now - late, **written(memo or there.memo))
        elif what == "take back" and there.is_bill:
            self.brex.change(record_id, status="VOID" if there.status == "APPROVED" else "APPROVED")
        elif what == "take back" and there.is_ready:
            self.brex.change(record_id, review_status="PREPARE")
        elif what == "receipt":
            self.brex.change(record_id, receipts=(*there.receipts, f"receipt_{len(there.receipts)}"))

    def _new(self, record_id: str, memo: str) -> None:
        kind = "BILL" if record_id.startswith("bill") else "CARD"
        # The first two are of one source, in this order.
        source = "expense_1" if record_id in ("accr_0", "accr_1") else None
        self.brex.put(
            Account(record_id=record_id, source_type=kind, source_id=source, updated_at=self.time.now, **written(memo))
        )

    # People

    def decisions(self) -> list[tuple[str, int, State]]:
        """What a person may decide now, of the newest revision of each record."""
        newest = dict(sorted(self.states))
        return [
            (record_id, revision, after)
            for record_id, revision in newest.items()
            for before, after in sorted(BY_HAND)
            if before is self.states[record_id, revision]
        ]

    async def decide(self, record_id: str, revision: int, after: State) -> None:
        """Decide it, if that is how things are: whoever looks finds what was on its way."""
        await self.deliver_posts(record_id)
        self.books.arrive(at_once=True)
        document = self.books.of_key(f"{record_id}.{revision}")
        if self.states[record_id, revision] is State.UNCONFIRMED and document:
            after = State.POSTED
        elif after is State.POSTED:
            return
        outcome: Posted | Rejected | None = Posted(document.reference) if document and after is State.POSTED else None
        outcome = Rejected("OTHER", "Ask Ann.") if after is State.REJECTED else outcome
        await self.observer.decide(
            record_id, revision, after, why="looked", by="Ann", now=self.time.now, outcome=outcome
        )

    async def deliver(self) -> None:
        """What left a worker arrives before its lease ends: nothing else could be promised of most books."""
        for worker in [*self.workers.values()]:
            for turn in [*worker.gate.waiting]:
                ended = turn.key in self.books.renewed and self.books.held_until[turn.key] <= self.time.now
                if turn.name == "post" and ended and self.recovery != "same_key":
                    await release(turn)
                until = self.batch_until.get(worker.gate.owner)
                if turn.name == "report" and until is not None and until <= self.time.now:
                    await release(turn)

    async def deliver_posts(self, record_id: str) -> None:
        """Posts of a record that are on their way, before the books change their mind about it."""
        for worker in [*self.workers.values()]:
            for turn in [*worker.gate.waiting]:
                if turn.name == "post" and turn.key.rsplit(".", 1)[0] == record_id:
                    await release(turn)

    # What must hold

    def reported(self, result: ExportResult) -> None:
        """A result is about to be taken by Brex."""
        self.books.arrive()
        documents = [one for one in self.books.documents if one.record_id == result.accounting_record_id]
        if isinstance(result, ExportSuccess):
            if not any(one.reference == result.reference_id for one in documents):
                self.problems.append(f"{result.accounting_record_id} reported as a success without a document")
            return
        content = content_of(self.brex.accounts[result.accounting_record_id])
        if any(one.is_live and one.content == content for one in documents):
            self.problems.append(f"{result.accounting_record_id} reported as a failure, and it is in the books")

    def claimed_too_late(self, claims: Sequence[Claim], now: datetime) -> list[str]:
        """What the customer has long taken back or changed, and would be posted all the same."""
        since = now - FRESH - timedelta(seconds=2)
        return [
            f"{one.export.key} was read too long ago"
            for one in claims
            if not self.brex.was_offered(one.export.record_id, one.export.content_hash, since=since)
            and not self._was_let_in(one.export)
        ]

    async def check(self) -> None:
        """After every step."""
        await self._check_history()
        feed = await self.observer.feed("bills")
        if feed is not None:
            for account in self.brex.accounts.values():
                if account.is_bill and SINCE <= account.updated_at < feed.watermark - OVERLAP:
                    await self._is_stored(account.record_id)
        for record_id in {one.record_id for one in self.books.documents}:
            assert len(self.books.live(record_id)) <= 1, f"two live documents of {record_id}"
        assert not self.problems, self.problems

    async def _check_history(self) -> None:
        after = self.moves[-1].number if self.moves else 0
        for line in await self.observer.history(after=after, limit=10_000):
            which = (line.record_id, line.revision)
            assert self.states.get(which) is line.before, line
            assert line.after in BEGINNINGS if line.before is None else (line.before, line.after) in MOVES, line
            assert line.by != ENGINE or (line.before, line.after) not in BY_A_PERSON, line
            self.states[which] = line.after
            self.moves.append(line)
        exports = await self.observer.exports(tuple(State), limit=10_000)
        assert {(one.record_id, one.revision): one.state for one in exports} == self.states
        for one in exports:
            self._check_export(one)

    def _check_export(self, export: Export) -> None:
        begun = sum(
            (line.record_id, line.revision, line.before, line.after)
            == (export.record_id, export.revision, State.DISCOVERED, State.INTENT)
            for line in self.moves
        )
        sent = self.books.sent.get(export.key, 0)
        assert self.recovery != "park" or sent <= begun, f"{export.key} posted again, and nobody asked"
        if export.state is State.REPORTED:
            assert export.record_id in self.brex.exported, f"{export.key} counts as reported, and Brex took nothing"
        if export.reference_id is not None:
            documents = [one for one in self.books.documents if one.reference == export.reference_id]
            assert [one.key for one in documents] == [export.key], f"{export.key} has no document"

    def _was_let_in(self, export: Export) -> bool:
        """By a person, to whom it matters no longer what the customer wants."""
        return any(
            (line.record_id, line.revision, line.after) == (export.record_id, export.revision, State.DISCOVERED)
            and line.by != ENGINE
            for line in self.moves
        )

    async def _is_stored(self, record_id: str) -> None:
        account = self.brex.accounts[record_id]
        stored = await self.observer.exports_of(record_id)
        if account.status == "APPROVED":
            assert stored, f"the watermark skipped {record_id}"
            assert stored[-1].content_hash == content_of(account), f"the watermark skipped a change of {record_id}"

    async def calm(self, *, forgiving: bool) -> None:
        """Nothing fails any more and time passes: everything must come to its end."""
        self.brex.fates.clear()
        self.books.fates.clear()
        if forgiving:
            for record_id in [*self.books.refused]:
                await self.deliver_posts(record_id)
            self.books.refused.clear()
        for name in [*self.workers]:
            if self.workers[name].run is not None:
                await self.poll(name)
        if await self.observer.paused():
            await self.observer.resume(by="Ann", why="all is well", now=self.time.now)
        for _ in range(8):
            before = len(self.moves)
            self.time.wait(DAY)
            await self.worker("w1").finish()
            await self.check()
            if len(self.moves) == before:
                break
        else:
            raise AssertionError(f"it does not come to rest: {self.moves[-8:]}")
        assert await self.observer.paused() is None
        assert not set(self.states.values()) & OPEN
        for record_id in self.brex.accounts:
            await self._check_calm(record_id)

    async def _check_calm(self, record_id: str) -> None:
        account = self.brex.accounts[record_id]
        stored = await self.observer.exports_of(record_id)
        self._check_documents(record_id, stored)
        if not account.is_ready and not (account.is_bill and account.status == "APPROVED"):
            return
        assert stored, f"{record_id} was lost"
        waits = any(one.state in WAITS_FOR_A_PERSON for one in stored) or self._waits_for_another(stored[-1])
        if account.is_bill:
            assert stored[-1].content_hash == content_of(account)
            done = stored[-1].state in (State.POSTED, State.REJECTED)  # a refused bill waits for a person, too
            assert done or waits, f"{record_id} is {stored[-1].state}"
        else:
            assert waits, f"{record_id} still reads READY_FOR_EXPORT and is {stored[-1].state}"

    def _waits_for_another(self, export: Export) -> bool:
        """A record of the same source is in a person's hands, or waits for one that is."""
        if export.source_id is None or export.state is not State.DISCOVERED:
            return False
        others = {one for one, account in self.brex.accounts.items() if account.source_id == export.source_id}
        return any(state is State.UNCONFIRMED for (record_id, _), state in self.states.items() if record_id in others)

    def _check_documents(self, record_id: str, stored: Sequence[Export]) -> None:
        by_key = {str(one.key): one for one in stored}
        for document in self.books.documents:
            if document.record_id == record_id:
                export = by_key[document.key]
                known = export.reference_id == document.reference or export.state is State.UNCONFIRMED
                assert known, f"{document.key} is in the books, and its export is {export.state}"
        if not stored or any(one.state is State.UNCONFIRMED for one in stored):
            return
        with_document = [one for one in stored if one.reference_id is not None]
        live = self.books.live(record_id)
        if with_document and with_document[-1].is_live:
            last = with_document[-1]
            assert [one.content for one in live] == [last.content_hash], f"{record_id}: not the newest in the books"
            if last is stored[-1]:
                assert last.attached_hash == last.receipts_hash
                assert {one.id for one in record_of(self.brex.accounts[record_id]).receipts or ()} >= live[0].receipts
        else:
            assert not live
