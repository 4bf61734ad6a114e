"""What the export engine asks of a store. Each method that writes is one transaction, kept on disk when it returns.

Whatever a method raises, nothing of its transaction was kept. Besides the errors named, each raises
``StoreUnavailable``, ``StoreFull`` and ``StoreCorrupt`` as they come. A caller that is cancelled finds the
transaction either whole or not begun. ``owner`` names a worker, unique among all that run; ``now`` is the
moment of the call on Brex's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from ..models import ExportResult
from .exports import (
    Batch,
    Binding,
    Claim,
    Copy,
    Counts,
    Export,
    Feed,
    Judgement,
    Lease,
    Move,
    Pause,
    Settlement,
)
from .poster import Outcome, Posted, Rejected
from .states import State

__all__ = ["Judge", "JudgeAbsence", "SyncStore"]

Judge: TypeAlias = Callable[[Copy, Sequence[Export]], Judgement]
"""``plan.judge`` with everything bound but the copy and the stored exports of its record, oldest revision first."""

JudgeAbsence: TypeAlias = Callable[[Sequence[Export]], Judgement]
"""``plan.judge_absence``: the stored exports of a record that Brex no longer returns."""


class SyncStore(Protocol):
    """One company's exports, for any number of workers at a time.

    A revision that another one came after, and that comes into one of ``REPLACEABLE``, becomes SUPERSEDED in
    the same transaction: nothing but the newest is ever posted, or reported.
    """

    async def open(self, binding: Binding | None = None, *, now: datetime) -> Binding:
        """Open the store, make it if there is none, bring it to this version; the binding it now has.

        What ``binding`` tells and the store does not know yet is added to it. None takes whatever store
        there is and makes none: ``StoreUnavailable``. Raises ``StoreMismatch`` for a store of somebody
        else and ``StoreTooNew`` for one of a newer version; both are left as they are.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun and let go. Closing twice does nothing."""
        ...

    # What was seen

    async def feed(self, name: str) -> Feed | None:
        """How far a feed is stored; None: never read to an end."""
        ...

    async def record_seen(
        self, copies: Sequence[Copy], judge: Judge, *, now: datetime, feed: Feed | None = None
    ) -> tuple[Judgement, ...]:
        """Judge each copy against what is stored and do what follows; the judgements in the order of ``copies``.

        All of it is one transaction, with the feed's new watermark when one is given: give it with the last
        page of a window alone. A watermark never goes back. Raises ``MoveRefused`` when a judgement
        contradicts ``MOVES``.
        """
        ...

    async def record_absent(
        self, record_ids: Sequence[str], judge: JudgeAbsence, *, now: datetime
    ) -> tuple[Judgement, ...]:
        """The same for records that Brex no longer returns. Ids that are not stored are judged on no exports."""
        ...

    async def awaited(self, *, before: datetime) -> tuple[str, ...]:
        """Record ids that a complete listing of the queue, begun at ``before``, should name: their newest
        revision was in the queue when last seen, earlier than that, and it matters whether it still is.
        """
        ...

    # Posting

    async def stale(self, *, now: datetime, read_before: datetime, limit: int) -> tuple[str, ...]:
        """Record ids that would be claimed now, in their turn, were their copies not read before ``read_before``."""
        ...

    async def claim(
        self, owner: str, *, now: datetime, until: datetime, read_since: datetime, limit: int
    ) -> tuple[Claim, ...]:
        """DISCOVERED -> INTENT for up to ``limit`` exports, in their turn; each is leased to ``owner``.

        Only the newest revision of a record, while none before it is INTENT, UNCONFIRMED or REPORTING; not
        before its ``not_before``; a copy read since ``read_since``. Of records that share a ``source_id`` one
        at a time. ``supersedes`` names the document of the last revision before it that left one. None while
        the store is paused.
        """
        ...

    async def take_over(self, owner: str, *, now: datetime, until: datetime, limit: int) -> tuple[Claim, ...]:
        """INTENT -> INTENT for exports whose lease ended: the post may or may not have happened.

        None while the store is paused.
        """
        ...

    async def renew(self, claim: Claim, *, now: datetime, until: datetime) -> Claim:
        """The same claim with a lease to ``until``; call it right before each post. Raises ``LeaseLost``."""
        ...

    async def record_outcome(self, claim: Claim, outcome: Outcome, *, now: datetime, detail: str = "") -> Export:
        """INTENT -> POSTED, REJECTED, SKIPPED or, for NotNow, DISCOVERED. Raises ``LeaseLost``.

        NotNow counts towards ``Counts.not_now``, anything else sets that back to 0.
        """
        ...

    async def park(self, claim: Claim, *, why: str, now: datetime, detail: str = "") -> Export:
        """INTENT -> UNCONFIRMED. Raises ``LeaseLost``."""
        ...

    # Reporting

    async def reportable(self, *, limit: int, bills: bool = False) -> tuple[Export, ...]:
        """POSTED and REJECTED exports that Brex waits for, in the order they came: each the newest revision
        of its record, and in the queue when last seen. Bills only when asked for.
        """
        ...

    async def open_batch(
        self,
        owner: str,
        exports: Sequence[Export],
        results: Sequence[ExportResult],
        *,
        key: str,
        now: datetime,
        until: datetime,
    ) -> Batch:
        """POSTED or REJECTED -> REPORTING for all of ``exports`` or none, with the exact body that will be sent.

        ``results`` are theirs, in the same order. Raises ``MoveRefused`` when one of them has moved since it
        was read: ask again what is reportable.
        """
        ...

    async def take_over_batches(
        self, owner: str, *, now: datetime, until: datetime, limit: int = 1
    ) -> tuple[Batch, ...]:
        """Open batches whose lease ended: each may or may not have been sent."""
        ...

    async def renew_batch(self, batch: Batch, *, now: datetime, until: datetime) -> Batch:
        """The same batch with a lease to ``until``. Raises ``LeaseLost``."""
        ...

    async def settle(self, batch: Batch, settlements: Sequence[Settlement], *, now: datetime) -> Batch | None:
        """REPORTING -> what each settlement says; what is left of the batch, None when it is done.

        Raises ``LeaseLost``, and ``MoveRefused`` for a record that is not in the batch.
        """
        ...

    # Receipts

    async def claim_receipts(self, owner: str, *, now: datetime, until: datetime, limit: int) -> tuple[Claim, ...]:
        """Lease exports whose document is in the books and whose newest receipts are not attached to it.

        One whose receipts could not be attached comes again when the lease ends.
        """
        ...

    async def record_attached(self, claim: Claim, *, now: datetime) -> Export:
        """The receipts of the claimed copy are attached. Raises ``LeaseLost``."""
        ...

    # People

    async def decide(
        self,
        record_id: str,
        revision: int,
        after: State,
        *,
        why: str,
        by: str,
        now: datetime,
        outcome: Posted | Rejected | None = None,
    ) -> Export:
        """A person's move, one of ``BY_HAND``; to POSTED with the ``Posted`` that was found, to REJECTED with a
        ``Rejected`` for the customer. Raises ``MoveRefused``, also when there is no such export.
        """
        ...

    async def pause(self, reason: str, *, code: str, by: str, now: datetime) -> Pause:
        """Let nothing more be claimed for posting. A store that is paused already keeps its first reason."""
        ...

    async def resume(self, *, by: str, why: str, now: datetime) -> None:
        """Let posting go on, and forget how many posts in a row ended as NotNow."""
        ...

    # Reading

    async def paused(self) -> Pause | None:
        """Why posting is paused; None: it is not."""
        ...

    async def exports_of(self, record_id: str) -> tuple[Export, ...]:
        """All revisions of a record, oldest first."""
        ...

    async def exports(self, states: Collection[State], *, after: int = 0, limit: int = 100) -> tuple[Export, ...]:
        """Exports in these states, in the order they came, from the one after ``order`` on."""
        ...

    async def history(self, record_id: str | None = None, *, after: int = 0, limit: int = 1000) -> tuple[Move, ...]:
        """Moves as committed, from the one after ``number`` on; of one record or of all."""
        ...

    async def counts(self) -> Counts:
        """How many exports are where."""
        ...

    async def lease_of(self, record_id: str, revision: int) -> Lease | None:
        """Who holds an export, or held it last; None: nobody ever did."""
        ...
