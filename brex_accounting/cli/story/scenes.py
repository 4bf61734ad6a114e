"""What happens, in its order. A scene does its part on the stage and says in a few lines what came of it.

Each holds what it shows against what must be: a scene that goes another way raises ``BrexError``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from ...enums import RecordType, ReviewStatus
from ...errors import BrexError
from ...models import AccountingRecord
from ...posters.beancount import BeancountPoster
from ...posters.entries import Entry, Kind
from ...preview import dry_run
from ...sync import Export, ExportKey
from ...sync.poster import Outcome, Posted
from ..preview_wording import journal_lines, reason_lines
from .cast import Cast, edited
from .stage import Stage

__all__ = ["SCENES", "Scene", "Telling", "must"]

T = TypeVar("T")
Telling: TypeAlias = list[str]
Scene: TypeAlias = Callable[[Stage, Cast], Awaitable[Telling]]


async def _dry_run(stage: Stage, _cast: Cast) -> Telling:
    preview = await dry_run(stage.brex, stage.chart)
    must(not stage.ledger.exists() and not stage.store.exists(), "the dry run wrote something")
    left = sum(preview.left.values()) + sum(preview.skipped.values())
    return [
        f"{preview.read} records are ready, or are bills: {len(preview.entries)} entries would be written, "
        f"{len(preview.refusals)} records refused, {left} left out.",
        *reason_lines(preview.reasons),
        "There is no ledger and no store yet, and Brex was told nothing.",
    ]


async def _one_record(stage: Stage, _cast: Cast) -> Telling:
    record = _first(
        stage.sandbox.brex.records(),
        lambda one: one.type == RecordType.CARD_EXPENSE_POST and one.review_status == ReviewStatus.READY_FOR_EXPORT,
    )
    await stage.run(record_ids=[record.id])
    entries, status = await stage.entries_of(record.id), await stage.status_of(record.id)
    must(len(entries) == 1 and status == ReviewStatus.EXPORTED, "one record did not become one entry")
    return [
        f"{record.id}, {record.amount.amount:f} {record.amount.currency}, was READY_FOR_EXPORT. In the ledger:",
        *_journal(entries),
        f"Brex has its reference {entries[0].key}, and says {status.value}.",
    ]


async def _month(stage: Stage, _cast: Cast) -> Telling:
    done = await stage.run()
    return [
        f"{done.posted} more posted, {done.rejected} refused, {done.skipped} not for these books.",
        f"{done.reported} reported to Brex as exported, {done.reported_failed} as refused; bills are not reported.",
        f"{done.attached} entries got their receipts.",
    ]


async def _refused(stage: Stage, cast: Cast) -> Telling:
    wrong = (cast.closed, cast.inactive, cast.uncoded)
    stage.put(*wrong)
    done = await stage.run(record_ids=[one.id for one in wrong])
    exports = [await _newest(stage, one) for one in wrong]
    must((done.posted, done.rejected, done.reported_failed) == (0, 3, 3), "the books took what they must refuse")
    return [f"{export.code}: {export.message}" for export in exports]


async def _mended(stage: Stage, cast: Cast) -> Telling:
    stage.books_are("account")
    stage.sandbox.brex.export([cast.inactive.id])
    await stage.run(record_ids=[cast.inactive.id])
    entries, status = await stage.entries_of(cast.inactive.id), await stage.status_of(cast.inactive.id)
    must(len(entries) == 1 and status == ReviewStatus.EXPORTED, "it is not in the ledger once")
    return [
        "The bookkeeper opens the account; in Brex nothing changes, and the customer presses Export again:",
        *_journal(entries),
        f"One entry, under the key of the first try; Brex says {status.value}.",
    ]


async def _lost_answer(stage: Stage, cast: Cast) -> Telling:
    stage.put(cast.lost)
    poster = stage.books(_Deaf)
    await stage.run(poster, record_ids=[cast.lost.id])
    entries, status = await stage.entries_of(cast.lost.id), await stage.status_of(cast.lost.id)
    must((poster.posts, poster.asked, len(entries)) == (1, 1, 1), "a lost answer was not settled")
    return [
        f"{cast.lost.id} was written, and the answer lost on its way back: nobody knows whether it was.",
        f"When the lease had ended, the ledger was asked for {entries[0].key}, and had it: "
        f"posted once, and Brex says {status.value}.",
    ]


class _Deaf(BeancountPoster):
    """Books whose first answer never arrives."""

    posts = 0
    asked = 0

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        outcome = await super().post(record, key=key, supersedes=supersedes)
        self.posts += 1
        if self.posts == 1:
            raise TimeoutError
        return outcome

    async def find(self, key: ExportKey) -> Posted | None:
        self.asked += 1
        return await super().find(key)


async def _refund(stage: Stage, _cast: Cast) -> Telling:
    entries = await stage.books().entries()
    refund = _first(entries, lambda one: one.type == RecordType.CARD_EXPENSE_REFUND)
    expense = next(line for line in refund.lines if line.role is None)
    must(expense.side == "CREDIT", "a refund is booked like a purchase")
    return ["Its sides come from its lines, never from a sign:", *_journal([refund])]


async def _trio(stage: Stage, cast: Cast) -> Telling:
    trio = (cast.approval, cast.spent, cast.payout)
    stage.put(*trio)
    await stage.run(record_ids=[one.id for one in trio])
    booked = [entry for one in trio for entry in await stage.entries_of(one.id)]
    skipped = await _newest(stage, cast.spent)
    account = next(line.account for line in booked[0].lines if line.role is None)
    times = sum(line.account == account for entry in booked for line in entry.lines)
    must(len(booked) == 2 and times == 1, "a reimbursement is not booked once")
    return [
        "Approval and payout are booked; in between, what was owed to the employee:",
        *_journal(booked),
        f"REIMBURSEMENT_EXPENSE_POST tells of the same money: {skipped.message}. {account} has it once.",
    ]


async def _bill(stage: Stage, _cast: Cast) -> Telling:
    entries = await stage.books().entries()
    settled = {one.source_id for one in entries if one.type != RecordType.BILL_EXPENSE}
    posted = _first(
        entries,
        lambda one: one.type == RecordType.BILL_EXPENSE and one.date.month == 6 and one.source_id not in settled,
    )
    bill = await stage.brex.records.get(posted.record_id)
    stage.put(edited(bill, by=Decimal("10.00"), now=await stage.brex.server_now()))
    await stage.run(record_ids=[bill.id])
    changed = [one for one in await stage.entries_of(bill.id) if one.kind is not Kind.NEW]
    stage.books_are("june")
    stage.put(edited(await stage.brex.records.get(bill.id), by=Decimal("5.00"), now=await stage.brex.server_now()))
    await stage.run(record_ids=[bill.id])
    async with stage.admin() as admin:
        waiting = [one for one in await admin.exceptions() if one.export.record_id == bill.id]
    must([one.kind for one in changed] == [Kind.REVERSAL, Kind.REPLACEMENT], "an edited bill was not booked anew")
    must(len(waiting) == 1, "a bill that was edited after closing does not wait for a person")
    return [
        f"{bill.id} is raised by 10.00 while June is open:",
        *_journal(changed),
        "June is closed, and it is raised by 5.00 again: the ledger stays as it is, and a person is asked.",
        f"{waiting[0].export.message}",
    ]


async def _receipt(stage: Stage, _cast: Cast) -> Telling:
    ledger = stage.ledger.read_text(encoding="utf-8").splitlines()
    linked = next((line for line in ledger if " document " in line), None)
    must(linked is not None, "no receipt is linked")
    assert linked is not None
    name = linked.split('"')[1]
    must((stage.ledger.parent / name).is_file(), "a receipt is linked that is not there")
    count = sum(" document " in line for line in ledger)
    return [f"{count} lie beside the ledger, and each is linked once its file is there:", f"    {linked}"]


async def _newest(stage: Stage, record: AccountingRecord) -> Export:
    async with stage.admin() as admin:
        return (await admin.exports_of(record.id))[-1]


def _first(values: Iterable[T], wanted: Callable[[T], bool]) -> T:
    found = next(filter(wanted, values), None)
    if found is None:
        raise BrexError("so few records do not make a month; please take more")
    return found


def _journal(entries: Sequence[Entry]) -> Telling:
    return [f"    {line}" for line in journal_lines(entries) if line]


def must(holds: object, problem: str) -> None:
    """Raise ``BrexError`` unless it holds."""
    if not holds:
        raise BrexError(f"{problem}; please report this")


SCENES: Final = MappingProxyType[str, Scene](
    {
        "A dry run: what would be booked": _dry_run,
        "One record, from Brex into the books and back": _one_record,
        "The month": _month,
        "Three that the books refuse, in the words that the customer reads": _refused,
        "One of them mended in the books alone": _mended,
        "The books write, and their answer is lost": _lost_answer,
        "A refund": _refund,
        "A reimbursement, which Brex tells three times": _trio,
        "A bill that is edited, before its month is closed and after": _bill,
        "Receipts": _receipt,
    }
)
"""The scenes by their titles."""
