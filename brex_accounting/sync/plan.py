"""What is read next, and what a copy of a record means for its export. Pure.

Time is Brex's, at full precision: a watermark from another clock, or a rounded one, loses records.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from ..enums import RecordType, ReviewStatus, SourceType
from ..models import AccountingRecord, UpdatedAt
from .content import HASH_VERSION, content_hash, is_live, receipts_hash
from .exports import Copy, Export, Feed, Judgement, Verdict
from .states import REPLACEABLE, UNTOUCHABLE, State

__all__ = [
    "OVERLAP",
    "SETTLE",
    "Rehash",
    "TimelineWindow",
    "copy_of",
    "in_scope",
    "judge",
    "judge_absence",
    "missing",
    "next_window",
    "order_of",
    "turn_of",
]

OVERLAP: Final = timedelta(minutes=10)
"""How far a window reaches back before the watermark: what was committed that late is read all the same."""

SETTLE: Final = timedelta(seconds=5)
"""How far a window stays behind the clock: Brex's Date header is up to a second old, and commits take a moment."""


@attrs.frozen(kw_only=True)
class TimelineWindow:
    """A stretch of ``updated_at``, from ``gte`` up to but without ``lt``."""

    gte: datetime
    lt: datetime

    @property
    def updated_at(self) -> UpdatedAt:
        """The filter to read it with."""
        return UpdatedAt(gte=self.gte, lt=self.lt)

    def stored(self, name: str) -> Feed:
        """The feed once the window is read to its end: give it to the store with the last page."""
        return Feed(name=name, watermark=self.lt)


def next_window(
    watermark: datetime | None,
    *,
    now: datetime,
    start: datetime,
    overlap: timedelta = OVERLAP,
    settle: timedelta = SETTLE,
) -> TimelineWindow | None:
    """What to read at ``now``, the server's; None when there is nothing new to read yet.

    Without a watermark from ``start`` on. A clock that went back reads nothing until it has caught up.
    """
    begin = start if watermark is None else max(start, watermark - overlap)
    end = now - settle
    if end <= (start if watermark is None else watermark):
        return None
    return TimelineWindow(gte=begin, lt=end)


_RANKS: Final[Mapping[RecordType, int]] = MappingProxyType(
    {
        # What opens an item, what is booked on it, what pays it, what takes that back.
        RecordType.BILL_EXPENSE: 1,
        RecordType.CARD_EXPENSE_POST: 1,
        RecordType.REIMBURSEMENT_EXPENSE_APPROVAL: 1,
        RecordType.INVOICE: 1,
        RecordType.REIMBURSEMENT_EXPENSE_POST: 2,
        RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYIN: 3,
        RecordType.BILL_MONEY_MOVEMENT_PAYIN: 3,
        RecordType.CARD_PAYMENT: 4,
        RecordType.REWARD_REDEMPTION: 4,
        RecordType.BILL_EXPENSE_PAYMENT: 4,
        RecordType.BILL_EXPENSE_CARD_PAYMENT: 4,
        RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT: 4,
        RecordType.INVOICE_PAYMENT: 4,
        RecordType.CARD_EXPENSE_REFUND: 5,
        RecordType.CARD_EXPENSE_REPAYMENT: 5,
        RecordType.CARD_PAYMENT_REFUND: 5,
        RecordType.REIMBURSEMENT_EXPENSE_REPAYMENT: 5,
        RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT_REVERSAL: 5,
        RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_REFUND: 5,
    }
)
_LAST: Final = 9


def turn_of(record: AccountingRecord) -> str:
    """What sorts the records that share a ``source_id``: a bill before its payment, a charge before its refund."""
    posted = record.posted_at.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{_RANKS.get(record.type, _LAST)} {posted} {record.id}"


def order_of(records: Iterable[AccountingRecord]) -> list[AccountingRecord]:
    """Records of one ``source_id`` in the order in which they must be posted."""
    return sorted(records, key=turn_of)


def in_scope(accounting_date: date, post_from: date) -> bool:
    """Whether a record of this accounting date is the books' business."""
    return accounting_date >= post_from


def copy_of(record: AccountingRecord, body: bytes, *, read_at: datetime) -> Copy:
    """A record as it was read. ``body`` is the record as ``to_json`` writes it."""
    return Copy(
        record_id=record.id,
        version=record.version,
        review_status=record.review_status,
        is_live=is_live(record),
        source_type=record.source_type,
        source_id=record.source_id,
        accounting_date=record.accounting_date,
        turn=turn_of(record),
        content_hash=content_hash(record),
        receipts_hash=receipts_hash(record),
        hash_version=HASH_VERSION,
        body=body,
        read_at=read_at,
    )


def missing(awaited: Iterable[str], listed: Collection[str]) -> tuple[str, ...]:
    """What a complete listing of the queue should have named and did not, in the order of ``awaited``."""
    listed = frozenset(listed)
    return tuple(one for one in awaited if one not in listed)


Rehash: TypeAlias = Callable[[Export], str]
"""The ``content_hash`` of an export's stored body by today's function."""


def judge(copy: Copy, stored: Sequence[Export], *, post_from: date, rehash: Rehash) -> Judgement:
    """What a copy means for the stored revisions of its record (oldest first).

    ``rehash`` is asked only when the stored hash is of another ``HASH_VERSION``, so that a new version of
    this package amends nothing by itself. A copy older than the one stored means nothing.
    """
    if not stored:
        return _first(copy, post_from)
    last = stored[-1]
    if copy.version < last.version or (copy.version == last.version and copy.read_at < last.read_at):
        return _NOTHING
    changed = last.state is State.SUPERSEDED or _hash_of(last, copy.hash_version, rehash) != copy.content_hash
    if not _waits(copy, stored):
        return _gone(copy, last)
    if changed:
        return _changed(copy, stored, post_from)
    return _same(copy, last)


def judge_absence(stored: Sequence[Export]) -> Judgement:
    """What it means that Brex returns the record of these revisions no longer, not even by its id."""
    if not stored or _is_bill(stored[-1]):
        return _NOTHING
    return _left(stored[-1])


_COMES_BACK: Final = frozenset({State.REJECTED, State.REPORTED_FAILED, State.WITHDRAWN})

_NOTHING: Final = Judgement(verdict=Verdict.NOTHING)
_KEEP: Final = Judgement(verdict=Verdict.NEWER_COPY, keep_copy=True)
_KEEP_WAITING: Final = Judgement(verdict=Verdict.NEWER_COPY, keep_copy=True, left_queue=False)
_NEW_ATTEMPT: Final = Judgement(verdict=Verdict.NEW_ATTEMPT, keep_copy=True, left_queue=False, move=State.DISCOVERED)
_REPORT_AGAIN: Final = Judgement(verdict=Verdict.REPORT_AGAIN, keep_copy=True, left_queue=False, move=State.POSTED)


def _first(copy: Copy, post_from: date) -> Judgement:
    if not _is_offered(copy):
        return _NOTHING
    if not in_scope(copy.accounting_date, post_from):
        return Judgement(verdict=Verdict.OUT_OF_SCOPE, begin=State.OUT_OF_SCOPE)
    return Judgement(verdict=Verdict.NEW, begin=State.DISCOVERED)


def _gone(copy: Copy, last: Export) -> Judgement:
    if copy.review_status == ReviewStatus.EXPORTED and last.state is State.POSTED:
        # Whoever reported it: a report of ours settles as already exported.
        return Judgement(verdict=Verdict.NOTED, left_queue=False) if last.left_queue else _NOTHING
    return _left(last)


def _left(last: Export) -> Judgement:
    if last.state is State.DISCOVERED:
        return Judgement(verdict=Verdict.WITHDRAWN, left_queue=True, move=State.WITHDRAWN)
    return _NOTHING if last.left_queue else Judgement(verdict=Verdict.NOTED, left_queue=True)


def _changed(copy: Copy, stored: Sequence[Export], post_from: date) -> Judgement:
    last = stored[-1]
    if not _is_bill(copy) and _is_ours(stored):
        return _new_revision(Verdict.EXCEPTION, last, State.HELD)
    # What a person let in stays in, and so does what has a document that the change must reach.
    let_in = last.state is not State.OUT_OF_SCOPE and not in_scope(last.accounting_date, post_from)
    if let_in or in_scope(copy.accounting_date, post_from) or any(map(_may_have_document, stored)):
        return _new_revision(Verdict.AMENDED, last, State.DISCOVERED)
    return _new_revision(Verdict.OUT_OF_SCOPE, last, State.OUT_OF_SCOPE)


def _new_revision(verdict: Verdict, last: Export, begin: State) -> Judgement:
    gives_way = last.state in REPLACEABLE
    return Judgement(verdict=verdict, move=State.SUPERSEDED if gives_way else None, begin=begin)


def _same(copy: Copy, last: Export) -> Judgement:
    # Read before the last move, a copy does not know what the move brought about.
    is_news = copy.read_at > last.changed_at
    if last.state in UNTOUCHABLE:
        return Judgement(verdict=Verdict.NOTED, left_queue=False) if last.left_queue and is_news else _NOTHING
    if last.state in _COMES_BACK:
        return _back(copy, last, is_news=is_news)
    if last.state is State.REPORTED and is_news and _is_offered(copy) and not _is_bill(copy):
        return _REPORT_AGAIN
    # A failure that left the queue while it was reported is tried again when it is seen after that.
    return _KEEP_WAITING if is_news and last.state is not State.REPORTING else _KEEP


def _back(copy: Copy, last: Export, *, is_news: bool) -> Judgement:
    if not _is_offered(copy):
        return _left(last)
    # A bill stands in its feed whether it is ready or not: to be there is not to be exported again.
    is_told = last.state is State.REPORTED_FAILED and copy.review_status != ReviewStatus.READY_FOR_EXPORT
    is_back = last.state is State.WITHDRAWN or (last.left_queue and not is_told)
    if is_news and (is_back or _is_due(last, copy.read_at)):
        return _NEW_ATTEMPT
    return _NOTHING if last.state is State.WITHDRAWN else _KEEP


def _hash_of(export: Export, version: int, rehash: Rehash) -> str:
    return export.content_hash if export.hash_version == version else rehash(export)


def _waits(copy: Copy, stored: Sequence[Export]) -> bool:
    if _is_bill(copy):
        # One that was cancelled after it was posted is to be voided.
        return copy.is_live or any(map(_may_have_document, stored))
    return _is_offered(copy) or (copy.review_status == ReviewStatus.EXPORTED and _is_ours(stored))


def _is_ours(stored: Sequence[Export]) -> bool:
    return any(one.state is State.REPORTED for one in stored)


def _is_offered(copy: Copy) -> bool:
    return copy.is_live if _is_bill(copy) else copy.review_status == ReviewStatus.READY_FOR_EXPORT


def _is_bill(one: Copy | Export) -> bool:
    return one.source_type == SourceType.BILL


def _may_have_document(export: Export) -> bool:
    return export.reference_id is not None or export.state in UNTOUCHABLE


def _is_due(export: Export, moment: datetime) -> bool:
    return export.not_before is not None and moment >= export.not_before
