"""What came of a dry run, as values: entries, totals, and what was refused for which reason. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Context, Decimal, Inexact
from typing import Final

import attrs

from ..enums import LineItemType, RecordType, ReviewStatus
from ..models import AccountingRecord
from ..posters.entries import Entry
from ..sync.exports import Pause
from ..sync.poster import Rejected, RejectionCode
from ..sync.states import State

__all__ = ["Preview", "Reason", "Refusal", "Total", "Unreadable", "reasons_of", "refusal_of", "totals_of"]

# Wide enough for any sum of amounts; rounding would raise instead of passing unseen.
_EXACT: Final = Context(prec=100, traps=[Inexact])


@attrs.frozen(kw_only=True)
class Refusal:
    """A record that the books would refuse, in the customer's words."""

    record_id: str
    type: RecordType
    review_status: ReviewStatus
    date: date
    amount: Decimal
    currency: str
    vendor: str | None = None
    code: RejectionCode
    message: str


@attrs.frozen
class Unreadable:
    """A record that could not be decoded, and where in it the problem is."""

    record_id: str | None
    problem: str


@attrs.frozen(kw_only=True)
class Reason:
    """Why records would be refused: how many, and one of them."""

    code: RejectionCode
    message: str
    count: int
    example: str


@attrs.frozen(kw_only=True)
class Total:
    """What entries come to on an account in a currency; ``lines`` counts their lines."""

    account: str
    currency: str
    lines: int
    debits: Decimal
    credits: Decimal

    @property
    def balance(self) -> Decimal:
        """Debits less credits."""
        return _EXACT.subtract(self.debits, self.credits)


@attrs.frozen(kw_only=True)
class Preview:
    """What the next run of an export would do.

    ``read``: records that were looked at. ``entries``: what would be written, by date. ``refusals``: what would
    be rejected. ``skipped``: how many records are not for these books, by reason. ``left``: how many records the
    store would leave in the state they have, those that are in the books already among them. ``unreadable``: what
    could not be decoded. ``paused``: why nothing would be posted at all until somebody resumes.
    """

    read: int
    entries: tuple[Entry, ...]
    refusals: tuple[Refusal, ...]
    skipped: Mapping[str, int]
    left: Mapping[State, int]
    unreadable: tuple[Unreadable, ...]
    paused: Pause | None = None

    @property
    def totals(self) -> tuple[Total, ...]:
        """By account and currency."""
        return totals_of(self.entries)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why records would be refused, the most frequent reason first."""
        return reasons_of(self.refusals)


def refusal_of(record: AccountingRecord, rejected: Rejected) -> Refusal:
    """A refusal, with what a person needs to find the record."""
    return Refusal(
        record_id=record.id,
        type=record.type,
        review_status=record.review_status,
        date=record.accounting_date,
        amount=record.amount.amount,
        currency=record.amount.currency,
        vendor=record.vendor.name if record.vendor else None,
        code=rejected.code,
        message=rejected.message,
    )


def totals_of(entries: Iterable[Entry]) -> tuple[Total, ...]:
    """What entries come to, by account and currency; amounts of two currencies are never added."""
    lines: Counter[tuple[str, str]] = Counter()
    sums: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for entry in entries:
        for line in entry.lines:
            lines[line.account, line.currency] += 1
            for side in LineItemType:
                # Nothing too has the digits of its currency.
                more = line.amount if side == line.side else _EXACT.multiply(line.amount, 0)
                sums[line.account, line.currency, side.value] = _EXACT.add(
                    sums[line.account, line.currency, side.value], more
                )
    return tuple(
        Total(
            account=account,
            currency=currency,
            lines=count,
            debits=sums[account, currency, LineItemType.DEBIT.value],
            credits=sums[account, currency, LineItemType.CREDIT.value],
        )
        for (account, currency), count in sorted(lines.items())
    )


def reasons_of(refusals: Sequence[Refusal]) -> tuple[Reason, ...]:
    """The reasons of refusals, the most frequent one first."""
    first = {(one.code, one.message): one.record_id for one in reversed(refusals)}
    counts = Counter((one.code, one.message) for one in refusals)
    found = [
        Reason(code=code, message=message, count=count, example=first[code, message])
        for (code, message), count in counts.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.count, one.code.value, one.message)))
